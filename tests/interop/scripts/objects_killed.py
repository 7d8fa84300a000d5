"""What becomes of an object when a process that waits for it, or holds it, is killed with -9.

Each case has objects of its own; it prints what the others find after the kill. PATIENCE is for
how many seconds they wait for what may never come, START_METHOD how the processes are started.

usage: objects_killed.py HOST PORT AUTHKEY start|connect PATIENCE START_METHOD
"""

import multiprocessing
import os
import signal
import sys
import threading

from prompt import connected_manager

BRIEFLY = 0.3  # where it is the wait itself that must end in vain


def call_and_hang(steps, method, *args):
    """A process that makes a call, says that it was answered, and does nothing more."""
    method(*args)
    steps.send("answered")
    signal.pause()


def acquire(lock):
    lock.acquire()


def acquire_and_wait(condition):
    condition.acquire()
    condition.wait()


def call_and_tell(steps, method, *args):
    """A process that says when it waits, and then what it got."""
    main = threading.current_thread().ident
    threading.Thread(target=say_when_waiting, args=(steps, main), daemon=True).start()
    steps.send(method(*args))


def say_when_waiting(steps, main):
    """A call waits from when its request is sent: its thread reads then, in wait or acquire."""
    while True:
        frame = sys._current_frames()[main]
        within = []
        while frame is not None:
            within.append(frame.f_code.co_name)
            frame = frame.f_back
        last = within[within.index("_callmethod") + 1] if "_callmethod" in within else None
        if last in ("wait", "acquire") and "_recv" in within and "_connect" not in within:
            steps.send("waiting")
            return
        threading.Event().wait(0.002)


def wait_patiently(waited_for, patience):
    return waited_for.wait(patience)


def wait_for_notice(condition, patience):
    with condition:
        return condition.wait(patience)


class Child:
    """A process that says what it does, and can be killed."""

    def __init__(self, context, run, method, *args):
        self._steps, steps = context.Pipe()
        self._process = context.Process(target=run, args=(steps, method) + args, daemon=True)
        self._process.start()

    def expect(self, step):
        said = self.says()
        assert said == step, said

    def says(self, patience=60):
        return self._steps.recv() if self._steps.poll(patience) else "never comes back"

    def kill(self):
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()


def held(context, patience, lock):
    """Its holder is killed: who else gets it?"""
    holder = Child(context, call_and_hang, acquire, lock)
    holder.expect("answered")
    print("  somebody else, before: %r" % lock.acquire(False))
    holder.kill()
    got = lock.acquire(True, patience)
    print("  somebody else, afterwards: %r" % got)
    if got:
        lock.release()


def held_and_awaited(context, patience, lock):
    """Its holder is killed while another waits."""
    holder = Child(context, call_and_hang, acquire, lock)
    holder.expect("answered")
    waiter = Child(context, call_and_tell, lock.acquire, True, patience)
    waiter.expect("waiting")
    holder.kill()
    print("  who waited: %r" % waiter.says(2 * patience))


def awaited(context, patience, lock):
    """One who waits is killed, then it is released: who else gets it?"""
    lock.acquire()
    waiter = Child(context, call_and_tell, acquire, lock)
    waiter.expect("waiting")
    waiter.kill()
    lock.release()
    got = lock.acquire(True, patience)
    print("  somebody else: %r" % got)
    if got:
        lock.release()


def notified(context, patience, condition):
    """The first of two who wait is killed, then one is notified."""
    first = Child(context, call_and_tell, acquire_and_wait, condition)
    first.expect("waiting")
    with condition:
        pass  # it waits, for it had the lock
    second = Child(context, call_and_tell, wait_for_notice, condition, patience)
    second.expect("waiting")
    with condition:
        pass
    first.kill()
    with condition:
        condition.notify()
    print("  the other one is notified: %r" % second.says(2 * patience))
    got = condition.acquire(True, patience)
    print("  the lock is free afterwards: %r" % got)
    if got:
        condition.release()


def set_anyway(context, patience, event):
    """One of two who wait is killed, then it is set."""
    first = Child(context, call_and_tell, event.wait)
    second = Child(context, call_and_tell, wait_patiently, event, patience)
    first.expect("waiting")
    second.expect("waiting")
    first.kill()
    event.set()
    print("  the other one: %r" % second.says())


def met(context, patience, barrier):
    """Of two parties, one is killed while it waits: does the other go on alone?"""
    first = Child(context, call_and_tell, barrier.wait)
    first.expect("waiting")
    while barrier.n_waiting < 1:
        pass
    first.kill()
    for _ in range(200):  # it is gone at once, or never
        if barrier.n_waiting == 0:
            break
    print("  still counted: %r" % (barrier.n_waiting > 0))
    try:
        print("  the other one alone: place %r" % barrier.wait(BRIEFLY))
    except threading.BrokenBarrierError:
        print("  the other one alone: waits in vain")


def main():
    patience, method = float(sys.argv[5]), sys.argv[6]
    manager = connected_manager()
    context = multiprocessing.get_context(method)
    locks = ("Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore")
    for kind in locks:
        print("%s, its holder killed:" % kind)
        wait = patience if "Semaphore" not in kind else BRIEFLY
        held(context, wait, getattr(manager, kind)())
    for kind in locks[:3]:
        print("%s, its holder killed while another waits:" % kind)
        held_and_awaited(context, patience, getattr(manager, kind)())
    for kind in locks:
        print("%s, a waiter killed:" % kind)
        awaited(context, patience, getattr(manager, kind)())
    print("Condition, who waits for notice killed:")
    notified(context, patience, manager.Condition())
    print("Event, a waiter killed:")
    set_anyway(context, patience, manager.Event())
    print("Barrier, a waiter killed:")
    met(context, patience, manager.Barrier(2))
    print("done")


if __name__ == "__main__":
    main()
