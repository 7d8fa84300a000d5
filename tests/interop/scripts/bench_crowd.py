"""Many clients in one process: each thread connects, and asks a queue once for its size.

All of them start when a line comes in on stdin, which tells what time it was then, by the clock
that all programs of a machine share. For each that was served it says after how long; for the
others it does not wait.

usage: bench_crowd.py HOST PORT AUTHKEY CLIENTS SECONDS
"""

import os
import sys
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.managers import BaseManager

host, port, authkey, clients = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])
patience = float(sys.argv[5])


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
start = threading.Barrier(clients + 1)
served = []


def client():
    start.wait()
    manager = QueueManager(address=(host, port), authkey=authkey)
    try:
        manager.connect()
        task = manager.get_task_queue()
        task.qsize()
    except (OSError, EOFError, AuthenticationError):
        return  # not served
    served.append(time.monotonic())
    kept.append(task)  # to let go of it would be a connection more


kept = []
threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
for thread in threads:
    thread.start()
print("ready")
begin = float(sys.stdin.readline())
start.wait()
for thread in threads:
    thread.join(max(0, begin + patience - time.monotonic()))
for then in served[:]:
    print(then - begin)
sys.stdout.flush()
os._exit(0)  # those who hang would be waited for
