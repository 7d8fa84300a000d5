"""Anonymous queues of a SyncManager: each call makes a new one.

usage: anonymous.py HOST PORT AUTHKEY start|connect
"""

import queue
import sys
from multiprocessing.managers import SyncManager

host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]

manager = SyncManager(address=(host, port), authkey=authkey)
if how == "start":
    manager.start()
else:
    manager.connect()
print("manager at %s:%d" % manager.address, file=sys.stderr)

first, second, bounded = manager.Queue(), manager.Queue(), manager.Queue(maxsize=1)
first.put("one")
print("two queues: %d %d" % (first.qsize(), second.qsize()))
bounded.put("fits")
try:
    bounded.put("does not fit", block=False)
except queue.Full:
    print("full: %r" % bounded.full())

joinable = manager.JoinableQueue(3)
for n in range(3):
    joinable.put(n)
print("full: %r" % joinable.full())
while not joinable.empty():
    print("got %r" % joinable.get())
    joinable.task_done()
joinable.join()
print("joined")

third = manager.Queue()
third.put("kept by its proxy")
del first, second
print(third.get(timeout=5))

if how == "start":
    manager.shutdown()
print("done")
