"""Threads, each a client of its own, that take one lock and release it, over and over.

It says that all are connected, is told when the time begins that counts, by the clock that all
programs of a machine share, and says how often each of them has held the lock.

usage: bench_lock.py HOST PORT AUTHKEY THREADS SECONDS
"""

import sys
import threading
import time
from multiprocessing.managers import AcquirerProxy, BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
threads, seconds = int(sys.argv[4]), float(sys.argv[5])


class Manager(BaseManager):
    pass


Manager.register("get_lock", proxytype=AcquirerProxy)
manager = Manager(address=(host, port), authkey=authkey)
manager.connect()
connected, told = threading.Barrier(threads + 1), threading.Event()
held = [0] * threads
begin = None


def take_turns(at):
    lock = manager.get_lock()
    with lock:
        pass  # each thread has a connection from here on
    connected.wait()
    told.wait()
    while time.monotonic() < begin:
        with lock:
            pass  # the others begin meanwhile, too
    count = 0
    while time.monotonic() < begin + seconds:
        with lock:
            count += 1
    held[at] = count


takers = [threading.Thread(target=take_turns, args=(at,)) for at in range(threads)]
for taker in takers:
    taker.start()
connected.wait()
print("ready")
begin = float(sys.stdin.readline())
told.set()
for taker in takers:
    taker.join()
print(" ".join(map(str, held)))
