"""Many clients in one process: each thread connects, gets one item and puts it back doubled.

All of them start when a line comes in on stdin.

usage: many_clients.py HOST PORT AUTHKEY CLIENTS
"""

import sys
import threading
from multiprocessing.managers import BaseManager

host, port, authkey, clients = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
start = threading.Barrier(clients + 1)
served = []


def client():
    start.wait()
    manager = QueueManager(address=(host, port), authkey=authkey)
    manager.connect()
    task = manager.get_task_queue()
    result = manager.get_result_queue()
    result.put(2 * task.get(timeout=60))
    served.append(1)


threads = [threading.Thread(target=client) for _ in range(clients)]
for thread in threads:
    thread.start()
print("ready")
sys.stdin.readline()
start.wait()
for thread in threads:
    thread.join()
print("served %d" % len(served))
