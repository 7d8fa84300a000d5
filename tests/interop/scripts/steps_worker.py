"""A worker that does one task in steps and says where it is, so that it can be killed there.

usage: steps_worker.py HOST PORT AUTHKEY got|put
"""

import sys
from multiprocessing.managers import BaseManager

host, port, authkey, last_step = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()
result = manager.get_result_queue()

print("waiting")
n = task.get()
print("got %r" % n)
if last_step == "put":
    result.put("result of %r" % n)
    print("put")
sys.stdin.readline()
