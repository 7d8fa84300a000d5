"""A master that serves in its own process and feeds and reads its queues from its own threads.

The reader waits in the queue before there is a server, and half of the tasks are put by then. The
queue objects themselves are used throughout, never a proxy.

usage: threads_master.py HOST PORT AUTHKEY start
"""
import queue
import sys
import threading
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()
result_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_result_queue", callable=lambda: result_queue)
manager = QueueManager(address=(host, port), authkey=authkey)


def read_results():
    for _ in range(10):
        print("result: %s" % result_queue.get())
    print("left over: %d tasks, %r" % (task_queue.qsize(), result_queue.empty()))
    sys.stdin.readline()
    server.stop_event.set()


for n in range(5):
    task_queue.put(n)
reader = threading.Thread(target=read_results)
reader.daemon = True
reader.start()

server = manager.get_server()
print("manager at %s:%d" % server.address, file=sys.stderr)
for n in range(5, 10):
    task_queue.put(n)
print("waiting for results")
try:
    server.serve_forever()
except SystemExit as stop:
    reader.join()
    print("master done: %r" % stop.code)
