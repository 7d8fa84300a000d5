"""A worker that goes on while there is a task and stops when there is none.

usage: pages_worker.py HOST PORT AUTHKEY
"""

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

while not task.empty():
    page = task.get(True, timeout=5)
    print("working on %s" % ascii(page))
    result.put({"page": page, "length": len(page), "tags": ("a", "b")})

print("worker done")
