"""Objects of a SyncManager that child processes share, forked and spawned ones.

usage: objects_processes.py HOST PORT AUTHKEY start|connect
"""

import multiprocessing

from prompt import connected_manager

CHILDREN = 2


def add(lock, value, places):
    for _ in range(8):
        with lock:
            value.value += 1
            places[0] += 1


def append(shared, number):
    for n in range(5):
        shared.append((number, n))


def fill(shared, names, number):
    shared[number] = -number
    setattr(names, "child%d" % number, number * number)


def meet(barrier, places):
    for _ in range(3):
        places.append(barrier.wait(60))


def answer_to(condition, asked, answers):
    """Waits until it is asked, answers, and wakes who asked."""
    with condition:
        condition.wait_for(lambda: len(asked) > 0, 60)
        answers.append("answer to %s" % asked.pop())
        condition.notify_all()


def wait_for(event, seen):
    seen.append(event.wait(60))


def pass_through(gate, inside, most):
    for _ in range(5):
        with gate:
            inside.append(1)
            most.append(len(inside))
            inside.pop()


def use_what_comes(tasks, done):
    """Gets a list by a queue, and works on it."""
    shared = tasks.get(timeout=60)
    shared.append("seen by a child")
    done.put("worked on")


def iterate(shared, answers):
    answers.append(sorted(shared.keys()))
    answers.append(len(shared.copy()))


def take_again(lock, answers):
    with lock:
        answers.append(lock.acquire(False))
        lock.release()


def together(context, target, *args, count=CHILDREN, numbered=False):
    children = [
        context.Process(target=target, args=args + ((n,) if numbered else ()))
        for n in range(count)
    ]
    for child in children:
        child.start()
    return children


def ended(children):
    for child in children:
        child.join()
    return [child.exitcode for child in children]


def walk(manager, context, locks):
    for lock in locks:
        value, places = manager.Value("i", 0), manager.Array("i", [0])
        print("adding:", ended(together(context, add, lock, value, places)), end=" ")
        print(value.value, places[0])

    shared = manager.list()
    print("appending:", ended(together(context, append, shared, numbered=True)), sorted(shared))

    shared, names = manager.dict(), manager.Namespace()
    print("filling:", ended(together(context, fill, shared, names, numbered=True)), end=" ")
    print(sorted(shared.items()), names)

    barrier, places = manager.Barrier(CHILDREN), manager.list()
    print("meeting:", ended(together(context, meet, barrier, places)), sorted(places))

    condition, asked, answers = manager.Condition(), manager.list(), manager.list()
    children = together(context, answer_to, condition, asked, answers, count=1)
    with condition:
        asked.append("a question")
        condition.notify_all()
        condition.wait_for(lambda: len(answers) > 0, 60)
    print("asking:", ended(children), answers)

    event, seen = manager.Event(), manager.list()
    children = together(context, wait_for, event, seen)
    event.set()
    print("waiting:", ended(children), seen)

    gate, inside, most = manager.BoundedSemaphore(2), manager.list(), manager.list()
    print("passing:", ended(together(context, pass_through, gate, inside, most)), end=" ")
    print(max(most) <= 2, len(most))

    tasks, done, shared = manager.Queue(), manager.Queue(), manager.list()
    children = together(context, use_what_comes, tasks, done)
    for _ in children:
        tasks.put(shared)
    print("by a queue:", ended(children), sorted(done.get(timeout=60) for _ in children), shared)

    shared, answers = manager.dict({n: n for n in range(5)}), manager.list()
    print("reading:", ended(together(context, iterate, shared, answers, count=1)), answers)

    lock, answers = manager.RLock(), manager.list()
    print("again:", ended(together(context, take_again, lock, answers, count=1)), answers)

    shared = manager.list()
    with context.Pool(2) as pool:
        pool.starmap(append, [(shared, n) for n in range(4)])
    print("a pool:", sorted(shared))


def main():
    manager = connected_manager()
    locks = [manager.Lock(), manager.RLock(), manager.Condition(), manager.Semaphore(1)]
    print("fork:")
    walk(manager, multiprocessing.get_context("fork"), locks)
    print("spawn:")
    walk(manager, multiprocessing.get_context("spawn"), locks[:1])
    print("done")


if __name__ == "__main__":
    main()
