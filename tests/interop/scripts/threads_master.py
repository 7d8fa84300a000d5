"""A master that serves in its own process and feeds and reads its queues from its own threads.

Threads wait in the queues before there is a server: for a result, for room, for a note that never
comes, for tasks to be done. Half of the tasks are put by then. The queue objects themselves are
used throughout, never a proxy.

usage: threads_master.py HOST PORT AUTHKEY start
"""

import queue
import sys
import threading
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()
result_queue = queue.Queue()
narrow_queue = queue.Queue(1)
note_queue = queue.Queue()
chore_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_result_queue", callable=lambda: result_queue)
QueueManager.register("get_narrow_queue", callable=lambda: narrow_queue)
QueueManager.register("get_note_queue", callable=lambda: note_queue)
QueueManager.register("get_chore_queue", callable=lambda: chore_queue)
manager = QueueManager(address=(host, port), authkey=authkey)


def read_results():
    for _ in range(10):
        print("result: %s" % result_queue.get())
    print("left over: %d tasks, %r" % (task_queue.qsize(), result_queue.empty()))
    sys.stdin.readline()
    server.stop_event.set()


def wait_for_note():
    try:
        note_queue.get(timeout=1.5)
    except queue.Empty:
        print("no note")


def start(target, *args):
    thread = threading.Thread(target=target, args=args)
    thread.daemon = True
    thread.start()
    return thread


for n in range(5):
    task_queue.put(n)
narrow_queue.put("first")
chore_queue.put("chore")
reader = start(read_results)
putter = start(narrow_queue.put, "second")
joiner = start(chore_queue.join)
noter = start(wait_for_note)

server = manager.get_server()
print("manager at %s:%d" % server.address, file=sys.stderr)
for n in range(5, 10):
    task_queue.put(n)
print("narrow: %r" % [narrow_queue.get(timeout=30), narrow_queue.get(timeout=30)])
putter.join()
print("%s is done: %r" % (chore_queue.get(), chore_queue.task_done()))
joiner.join()
noter.join()
print("waiting for results")
try:
    server.serve_forever()
except SystemExit as stop:
    reader.join()
    print("master done: %r" % stop.code)
