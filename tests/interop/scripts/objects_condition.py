"""Condition of a SyncManager: every call, its answers and errors, and those who are notified.

usage: objects_condition.py HOST PORT AUTHKEY start|connect
"""

from prompt import Background, connected_manager, in_thread, walk

ALONE = """
condition.wait()
condition.wait(0.05)
condition.notify()
condition.notify(2)
condition.notify_all()
condition.release()
condition.acquire()
condition.acquire(False)
condition.acquire(True, 0.05)
condition.acquire(False, 1)
condition.release()
condition.release()
condition.notify()
condition.notify(3)
condition.notify(n=2)
condition.notify(0)
condition.notify_all()
condition.wait(0.05)
condition.wait(timeout=0.05)
condition.wait(0)
condition.wait(-1)
condition.wait_for(lambda: True)
condition.wait_for(lambda: "truth")
condition.wait_for(lambda: False, 0.05)
condition.wait_for(lambda: 0, timeout=0.05)
condition.release()
condition.release()
with condition: print("within:", condition.wait(0.05), condition.notify())
condition.notify()
condition._callmethod("no_such_method")  # raises
repr(condition)
type(condition).__name__
"""


def walk_owners(names):
    walk("condition.acquire()", names)
    for line in ("wait(0.05)", "notify()", "release()", "acquire(False)", "acquire(True, 0.05)"):
        in_thread("condition." + line, names)
    walk("condition.release()", names)


def walk_notice(names):
    """The lock is free while somebody waits, so who has it knows that he does."""
    names.update(waits=names["m"].Semaphore(0), went=names["m"].Queue())
    line = "with condition: waits.release(); went.put(condition.wait(20))"
    waiters = [Background(line, names) for _ in range(4)]
    walk("[waits.acquire() for _ in range(4)]", names)
    walk("condition.acquire()\ncondition.notify()\ncondition.release()\nwent.get(timeout=20)", names)
    walk("condition.acquire()\ncondition._callmethod('notify', (2,))\ncondition.release()", names)
    walk("[went.get(timeout=20) for _ in range(2)]\nwent.empty()", names)
    walk("with condition: condition.notify_all()", names)
    walk("went.get(timeout=20)", names)
    for waiter in waiters:
        waiter.show()
    walk("went.empty()", names)


def walk_depth(names):
    """A wait lets go of the lock wholly, and has it as deeply again afterwards."""
    line = (
        "condition.acquire(), condition.acquire(), waits.release(), condition.wait(20),"
        " condition.release(), condition.release()"
    )
    waiter = Background(line, names)
    walk("waits.acquire()\ncondition.acquire()\ncondition.notify()\ncondition.release()", names)
    waiter.show()
    walk("condition.acquire(False)\ncondition.release()", names)


def walk_wait_for(names):
    """wait_for asks in the client, anew after each notice."""
    names.update(stock=names["m"].list())
    line = "with condition: waits.release(); condition.wait_for(lambda: len(stock) >= 2, 20)"
    waiter = Background(line, names)
    walk("waits.acquire()", names)
    for n in range(2):
        names["n"] = n
        walk("with condition: stock.append(n); condition.notify()", names)
    waiter.show()
    walk("stock[:]", names)


def main():
    manager = connected_manager()
    names = {"condition": manager.Condition(), "m": manager}
    walk(ALONE, names)
    walk_owners(names)
    walk_notice(names)
    walk_depth(names)
    walk_wait_for(names)
    print("done")


if __name__ == "__main__":
    main()
