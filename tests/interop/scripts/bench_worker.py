"""A worker of the tutorials: takes a task, puts its result, until somebody ends it.

usage: bench_worker.py HOST PORT AUTHKEY
"""

import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()
result = manager.get_result_queue()
print("ready")
while True:
    result.put(task.get())
