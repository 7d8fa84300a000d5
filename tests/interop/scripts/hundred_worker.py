"""A worker that squares numbers until the manager goes away.

usage: hundred_worker.py HOST PORT AUTHKEY
"""

import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")

print("connecting")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()
result = manager.get_result_queue()

while True:
    try:
        n = task.get(timeout=10)
        print("working on %d" % n)
        result.put("%d * %d = %d" % (n, n, n * n))
    except queue.Empty:
        print("no task for ten seconds")
    except (EOFError, ConnectionError) as error:
        print("the connection ended: %s" % type(error).__name__)
        break

print("worker done")
