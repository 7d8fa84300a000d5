"""Registers queues in all the ways there are, and prints what a manager makes of each.

usage: registrations.py HOST PORT AUTHKEY start
"""

import multiprocessing
import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

filled = queue.Queue()
for n in range(3):
    filled.put(n)
bounded = queue.Queue(2)
shared = multiprocessing.Queue()
filled_shared = multiprocessing.JoinableQueue(5)
for n in range(3):
    filled_shared.put(n)


class QueueManager(BaseManager):
    pass


class Owner:
    """Its bound method is a callable like any other."""

    def __init__(self):
        self.own = queue.Queue()

    def give(self):
        return self.own


def announce(*words):
    print("in the server's process: %s" % " ".join(words), file=sys.stderr)


owner = Owner()
QueueManager.register("get_filled", callable=lambda: filled)
QueueManager.register("the_same", callable=lambda: filled)
QueueManager.register("bounded", callable=lambda: bounded)
QueueManager.register("new_each_time", callable=queue.Queue)
QueueManager.register("also_new", callable=lambda: queue.Queue())
QueueManager.register("get_owned_queue", callable=owner.give)
QueueManager.register("get_shared", callable=lambda: shared)
QueueManager.register("get_filled_shared", callable=lambda: filled_shared)

manager = QueueManager(address=(host, port), authkey=authkey)
manager.start(announce, ("hello", "there"))
print("manager at %s:%d" % manager.address, file=sys.stderr)
print("alive: %r, a name: %s" % (manager._process.is_alive(), manager._process.name))

print("filled before the start: %d" % manager.get_filled().qsize())
print("the same, by its other name: %r" % manager.the_same().get(timeout=5))
print("what is left: %d; in this process: %d" % (manager.get_filled().qsize(), filled.qsize()))

bounded_proxy = manager.bounded()
bounded_proxy.put(1)
bounded_proxy.put(2)
print("bounded: %r" % bounded_proxy.full())

one, two = manager.new_each_time(), manager.new_each_time()
one.put("for one")
print("new each time: %d %d" % (one.qsize(), two.qsize()))
three, four = manager.also_new(), manager.also_new()
three.put("for three")
print("also new: %d %d" % (three.qsize(), four.qsize()))

owned = manager.get_owned_queue()
owned.put("owned")
print("by a bound method: %r" % manager.get_owned_queue().get())

shared_proxy = manager.get_shared()
shared_proxy.put("by proxy")
print("in this process: %r" % shared.get(timeout=30))
shared.put("in this process")
print("by proxy: %r" % shared_proxy.get(timeout=30))
filled_shared_proxy = manager.get_filled_shared()
print("filled and shared: %r" % [filled_shared_proxy.get(timeout=30) for _ in range(3)])

try:
    manager.start()
except Exception as error:
    print("started twice: %r" % isinstance(error, (AssertionError, multiprocessing.ProcessError)))

again = QueueManager(address=manager.address, authkey=authkey)
try:
    again.start()
except Exception as error:
    print("the address is taken: %s" % type(error).__name__)

address = manager.address
manager.shutdown()
manager.join()
print("shut down; its process: %r" % manager._process)

with QueueManager(address=address, authkey=authkey) as third:
    print("the address is free again: %d" % third.get_filled().qsize())
print("done")
