"""A worker over a Unix socket that takes one task and waits to be killed, in one of three shapes.

usage: unix_worker.py PATH AUTHKEY plain|thread|forked

In the last one, a forked child inherits the connection; it puts a result over it at SIGUSR1.
"""

import os
import signal
import sys
import threading
from multiprocessing.managers import BaseManager

path, authkey, shape = sys.argv[1], sys.argv[2].encode(), sys.argv[3]


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
manager = QueueManager(address=path, authkey=authkey)
manager.connect()
task, result = manager.get_task_queue(), manager.get_result_queue()


def take():
    print("got %r" % (task.get(),))
    signal.pause() if shape != "thread" else threading.Event().wait()


def put_at_signal(number, frame):
    result.put("from the child")
    print("put")


if shape == "plain":
    take()
elif shape == "thread":
    threading.Thread(target=take).start()
    signal.pause()
else:
    got = task.get()
    signal.signal(signal.SIGUSR1, put_at_signal)
    child = os.fork()
    if child:
        print("got %r, child %d" % (got, child))
        sys.stdout.flush()
    while True:
        signal.pause()
