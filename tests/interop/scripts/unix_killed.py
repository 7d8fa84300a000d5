"""Makes objects of a manager at a Unix socket, and waits to be killed.

usage: unix_killed.py PATH AUTHKEY alone|fork|spawn

With `fork` and `spawn`, a child goes on using the dict when told to (SIGUSR1), and ends then.
"""

import multiprocessing
import os
import signal
import sys
from multiprocessing.managers import SyncManager


def child(shared):
    told = []
    signal.signal(signal.SIGUSR1, lambda *_: told.append(True))
    print("child %d waits" % os.getpid(), flush=True)
    while not told:
        signal.pause()
    shared["child"] = 1
    print("child has %r" % (shared.copy(),), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    path, authkey, start = sys.argv[1], sys.argv[2].encode(), sys.argv[3]
    multiprocessing.current_process().authkey = authkey
    manager = SyncManager(address=path, authkey=authkey)
    manager.connect()
    shared, queue, lock = manager.dict(parent=0), manager.Queue(), manager.Lock()
    queue.put(1)
    lock.acquire()
    if start != "alone":
        context = multiprocessing.get_context(start)
        context.Process(target=child, args=(shared,)).start()
    print("parent waits", flush=True)
    signal.pause()
