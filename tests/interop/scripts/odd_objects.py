"""Registers a queue, and beside it things that are none.

usage: odd_objects.py HOST PORT AUTHKEY start
"""

import collections
import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()
stack = queue.LifoQueue()
counter = collections.Counter()


class QueueManager(BaseManager):
    pass


def broken():
    raise KeyError("nothing here")


QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_stack", callable=lambda: stack)
QueueManager.register("get_counter", callable=lambda: counter)
QueueManager.register("get_broken", callable=broken)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.start()
task = manager.get_task_queue()
task.put("works")
print(task.get())
for typeid in ("get_stack", "get_counter", "get_broken"):
    try:
        getattr(manager, typeid)()
        print("%s: served" % typeid)
    except Exception as error:
        print("%s: %s" % (typeid, str(error).replace("\n", " ")))
manager.shutdown()
