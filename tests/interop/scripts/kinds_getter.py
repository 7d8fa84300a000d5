"""Gets payloads of every kind and says which are not what they should be.

usage: kinds_getter.py HOST PORT AUTHKEY
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
wanted = {name: payload_kinds.shape((name, kind)) for name, kind in payload_kinds.kinds()}
got = [task.get_nowait() for _ in range(len(wanted) * 3)]
while not task.empty():
    got += task.get_many(7)
wrong = sorted({name for name, kind in got if payload_kinds.shape((name, kind)) != wanted[name]})
print("got %d, of %d kinds, wrong: %s" % (len(got), len({item[0] for item in got}), wrong))
