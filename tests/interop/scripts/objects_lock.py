"""Lock and RLock of a SyncManager: every call, its answers and errors, and who owns what.

usage: objects_lock.py HOST PORT AUTHKEY start|connect
"""

from prompt import Background, connected_manager, in_thread, walk

LOCK = """
lock.acquire()
lock.acquire(False)
lock.acquire(blocking=False)
lock.acquire(True, 0.05)
lock.acquire(timeout=0.05)
lock.acquire(1, 0.05)
lock.acquire(True, 0)
lock.acquire(0)
lock.acquire(False, 1)
lock.acquire(True, -2)  # words differ
lock.acquire(True, "soon")
lock._callmethod("acquire", (False,))
lock._callmethod("acquire", (), {"blocking": False})
lock._callmethod("acquire", (), {"timeout": 0.05})
lock._callmethod("acquire", (True,), {"timeout": 0.05})
lock._callmethod("acquire", [False])
lock._callmethod("acquire", (), {"nonsense": 1})
lock._callmethod("acquire", (True, 1, 2))
lock._callmethod("release", (1,))
lock.release()
lock.release()
lock.acquire(True, -1)
lock.release()
lock.acquire(True, 5)
lock.release()
lock.acquire(timeout=1.5)
lock.release()
lock.acquire(False)
lock.release()
lock._callmethod("no_such_method")  # raises
with lock: print("held by with:", lock.acquire(False))
lock.acquire(False)
lock.release()
with lock: raise LookupError("leaves the lock free")
lock.acquire(False)
lock.release()
lock.__enter__()
lock.__exit__(None, None, None)
repr(lock)
type(lock).__name__
"""

RLOCK = """
rlock.acquire()
rlock.acquire()
rlock.acquire(False)
rlock.acquire(blocking=False)
rlock.acquire(True, 0.05)
rlock.acquire(True, 0)
rlock.acquire(False, 1)
rlock.acquire(True, -2)  # words differ
rlock.release()
rlock.release()
rlock.release()
rlock.release()
rlock.release()
rlock.release()
rlock.release()
rlock.acquire(True, -1)
rlock.release()
with rlock: print("within:", rlock.acquire())
rlock.release()
rlock.release()
repr(rlock)
"""


def walk_owners(names):
    """A Lock is anybody's to release, an RLock only its owner's."""
    walk("lock.acquire()", names)
    in_thread("lock.acquire(False)", names)
    in_thread("lock.acquire(True, 0.05)", names)
    in_thread("lock.release()", names)
    in_thread("lock.release()", names)
    in_thread("lock.acquire(False)", names)
    walk("lock.acquire(False)\nlock.release()\nlock.acquire(False)\nlock.release()", names)

    walk("rlock.acquire()\nrlock.acquire()", names)
    in_thread("rlock.release()", names)
    in_thread("rlock.acquire(False)", names)
    in_thread("rlock.acquire(True, 0.05)", names)
    walk("rlock.release()", names)
    in_thread("rlock.acquire(False)", names)
    walk("rlock.release()", names)
    in_thread("(rlock.acquire(False), rlock.acquire(False), rlock.release(), rlock.release())", names)
    walk("rlock.acquire(False)\nrlock.release()", names)


def walk_waits(names):
    """Whoever waits gets the lock when it is released."""
    walk("lock.acquire()", names)
    waiter = Background("(lock.acquire(), lock.release())", names)
    walk("waiter.is_running()\nlock.release()", dict(names, waiter=waiter))
    waiter.show()
    walk("rlock.acquire()", names)
    waiter = Background("(rlock.acquire(True, 20), rlock.release())", names)
    walk("waiter.is_running()\nrlock.release()", dict(names, waiter=waiter))
    waiter.show()


def walk_many(names):
    """Threads that add to a number under the lock lose none."""
    names["total"] = [0]
    for kind in ("lock", "rlock"):
        names["total"][0] = 0
        threads = [Background(add_line(kind), names) for _ in range(8)]
        for thread in threads:
            thread.join()
        walk("total", names)


def add_line(kind):
    return "for n in range(20):\n with %s:\n  total[0] += 1" % kind


def main():
    manager = connected_manager()
    names = {"lock": manager.Lock(), "rlock": manager.RLock(), "m": manager}
    walk(LOCK, names)
    walk(RLOCK, names)
    walk_owners(names)
    walk_waits(names)
    walk_many(names)
    walk("m.Lock().acquire()\nm.Lock(1)  # raises", names)
    print("done")


if __name__ == "__main__":
    main()
