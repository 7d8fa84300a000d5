"""Puts payloads of every kind, each in several forms of the call.

usage: kinds_putter.py HOST PORT AUTHKEY
"""

import sys
from multiprocessing.managers import BaseManager

import payload_kinds


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
manager = QueueManager(address=(sys.argv[1], int(sys.argv[2])), authkey=sys.argv[3].encode())
manager.connect()
task = manager.get_task_queue()
for name, kind in payload_kinds.kinds():
    task.put((name, kind))
    task.put(item=(name, kind))
    task.put((name, kind), True, 5)
    task.put(block=False, item=(name, kind))
    task.put_many([(name, kind), (name, kind)])
print("put %d" % task.qsize())
