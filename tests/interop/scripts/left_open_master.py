"""A master that never shuts its manager down: the end of the program does.

usage: left_open_master.py HOST PORT AUTHKEY start
"""

import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()
result_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_result_queue", callable=lambda: result_queue)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.start()
print("manager at %s:%d" % manager.address, file=sys.stderr)
task = manager.get_task_queue()
result = manager.get_result_queue()
task.put(12)
print("waiting for results")
print("result: %s" % result.get(timeout=30))
print("master done")
