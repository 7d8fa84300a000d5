"""A master that hands out ten random numbers, always the same ten.

usage: ten_master.py HOST PORT AUTHKEY start|connect
"""

import queue
import random
import sys
from multiprocessing.managers import BaseManager

host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]
random.seed(3411)

task_queue = queue.Queue()
result_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


# Everything at the top level and lambdas for callables: many programs look like this one.
QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_result_queue", callable=lambda: result_queue)
manager = QueueManager(address=(host, port), authkey=authkey)
if how == "start":
    manager.start()
else:
    manager.connect()
print("manager at %s:%d" % manager.address, file=sys.stderr)

task = manager.get_task_queue()
result = manager.get_result_queue()
for _ in range(10):
    n = random.randint(0, 10000)
    print("put task %d" % n)
    task.put(n)

print("waiting for results")
for _ in range(10):
    print("result: %s" % result.get(timeout=30))

if how == "start":
    manager.shutdown()
print("master done")
