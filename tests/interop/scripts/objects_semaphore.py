"""Semaphore and BoundedSemaphore of a SyncManager: every call, its answers and errors.

usage: objects_semaphore.py HOST PORT AUTHKEY start|connect
"""

import sys

from prompt import Background, connected_manager, in_thread, walk

SEMAPHORE = """
two.acquire()
two.acquire(True)
two.acquire(False)
two.acquire(blocking=False)
two.acquire(True, 0.05)
two.acquire(timeout=0.05)
two.acquire(True, 0)
two.acquire(True, -1)
two.acquire(False, 1)
two.acquire(False, None)
two._callmethod("acquire", (), {"blocking": False})
two._callmethod("acquire", (), {"timeout": 0.05})
two._callmethod("acquire", (True, None, 1))
two.release()
two.acquire(False)
two.release()
two.release()
two.release()
[two.acquire(False) for _ in range(4)]
two.release()
with two: print("within:", two.acquire(False))
two.acquire(False)
two.release()
repr(two)
one = m.Semaphore()
[one.acquire(False) for _ in range(2)]
none = m.Semaphore(0)
none.acquire(False)
none.release()
none.acquire(False)
three = m.Semaphore(value=3)
[three.acquire(False) for _ in range(4)]
m.Semaphore(-1)  # raises
m.Semaphore(1, 2)  # raises
"""

BOUNDED = """
bounded.release()
bounded.acquire()
bounded.acquire(True)
bounded.acquire(False)
bounded.acquire(True, 0.05)
bounded.release()
bounded.release()
bounded.release()
[bounded.acquire(False) for _ in range(3)]
bounded.release()
with bounded: print("within:", bounded.acquire(False))
bounded.release()
bounded.release()
repr(bounded)
single = m.BoundedSemaphore()
single.release()
single.acquire()
single.acquire(True, 0.05)
single.release()
m.BoundedSemaphore(-1)  # raises
"""

# Since Python 3.9 several permits can be released at once.
SEVERAL = """
many = m.Semaphore(0)
many._callmethod("release", (2,))
[many.acquire(False) for _ in range(3)]
many._callmethod("release", (), {"n": 1})
many._callmethod("release", (0,))
[many.acquire(False) for _ in range(2)]
few = m.BoundedSemaphore(2)
[few.acquire(False) for _ in range(2)]
few._callmethod("release", (3,))
few._callmethod("release", (2,))
few._callmethod("release", (1,))
"""


def walk_waits(names):
    """A permit may be released by anybody, and goes to whoever waits."""
    walk("none = m.Semaphore(0)", names)
    waiters = [Background("none.acquire(True, 20)", names) for _ in range(3)]
    for _ in waiters:
        in_thread("none.release()", names)
    for waiter in waiters:
        waiter.show()
    walk("none.acquire(False)", names)


def walk_crowd(names):
    """Never more are inside than there are permits."""
    names.update(inside=[], most=[], gate=names["m"].Semaphore(3))
    line = "with gate: inside.append(1); most.append(len(inside)); inside.pop()"
    threads = [Background(line, names) for _ in range(12)]
    for thread in threads:
        thread.join()
    walk("max(most) <= 3\nlen(most)\n[gate.acquire(False) for _ in range(4)]", names)


def main():
    manager = connected_manager()
    names = {"two": manager.Semaphore(2), "bounded": manager.BoundedSemaphore(2), "m": manager}
    walk(SEMAPHORE, names)
    walk(BOUNDED, names)
    if sys.version_info >= (3, 9):
        walk(SEVERAL, names)
    walk_waits(names)
    walk_crowd(names)
    print("done")


if __name__ == "__main__":
    main()
