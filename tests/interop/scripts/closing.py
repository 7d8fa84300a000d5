"""Shuts a queue down, as queues of Python 3.13 and later can be.

usage: closing.py HOST PORT AUTHKEY start
"""

import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

orderly = queue.Queue()
at_once = queue.Queue()


class QueueManager(BaseManager):
    pass


def show(label, call, *args, **kwargs):
    try:
        print("%s: %r" % (label, call(*args, **kwargs)))
    except Exception as error:
        print("%s: raised %r" % (label, error))


QueueManager.register("get_orderly", callable=lambda: orderly)
QueueManager.register("get_at_once", callable=lambda: at_once)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.start()
print("manager at %s:%d" % manager.address, file=sys.stderr)

one = manager.get_orderly()
one.put("left")
show("shutdown", one.shutdown)
show("put", one.put, "too late")
show("get what is left", one.get)
show("get", one.get)
show("get_nowait", one.get_nowait)
show("task_done", one.task_done)
show("join", one.join)

two = manager.get_at_once()
two.put("dropped")
show("shutdown", two.shutdown, immediate=True)
show("get", two.get)
show("qsize", two.qsize)
show("join", two.join)
manager.shutdown()
