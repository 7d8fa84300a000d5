"""A master that hands out page addresses and waits for what was made of them.

usage: pages_master.py HOST PORT AUTHKEY start|connect
"""

import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]

task_queue = queue.Queue()
result_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


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
for page in ["https://example.org/page/%d?q=\u00fc" % i for i in range(20)]:
    task.put(page)
    print("put %s" % ascii(page))

print("waiting for results")
for _ in range(20):
    print("result: %s" % ascii(result.get(True, 30)))
print("left over: %d tasks, %d results" % (task.qsize(), result.qsize()))

if how == "start":
    manager.shutdown()
print("master done")
