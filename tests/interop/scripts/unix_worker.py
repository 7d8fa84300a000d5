"""A worker over a Unix socket that takes one task and waits to be killed, in one of five shapes.

usage: unix_worker.py PATH AUTHKEY plain|thread|forked|left|unread

In `forked`, a forked child inherits the connection; it puts a result over it at SIGUSR1. In `left`,
such a child waits for a task, its parent ends meanwhile, and the child hands the task on. In
`unread`, such a child keeps a connection over which its parent has asked for a task.
"""

import os
import signal
import sys
import threading
from multiprocessing.connection import Client
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


def asked(connection, method):
    connection.send(("manager", method, (), {}))
    return connection.recv()[1]


def put_at_signal(number, frame):
    result.put("from the child")
    print("put")


if shape == "plain":
    take()
elif shape == "thread":
    threading.Thread(target=take).start()
    signal.pause()
elif shape == "left":
    task.qsize()
    if os.fork() == 0:
        result.put(task.get())
        os._exit(0)
    # Over a connection of its own, the parent sees the child wait.
    observer = Client(path, authkey=authkey)
    observer.send((None, "accept_connection", ("observer",), {}))
    observer.recv()
    while not any(queue["getters"] for queue in asked(observer, "queues")):
        pass
    print("left")
    sys.stdout.flush()
    os._exit(0)
elif shape == "unread":
    connection = Client(path, authkey=authkey)
    connection.send((None, "accept_connection", ("worker",), {}))
    connection.recv()
    if os.fork():
        connection.send((task._token.id, "get", (), {}))
        connection.poll(None)  # the reply has begun, and nobody reads it
        print("asked")
        sys.stdout.flush()
    signal.pause()
else:
    got = task.get()
    signal.signal(signal.SIGUSR1, put_at_signal)
    child = os.fork()
    # The child says so itself: a signal that comes while Python still forks is dropped by it. Each
    # writes its line at once, or they would come mixed.
    sys.stdout.write("got %r, child %d\n" % (got, child) if child else "the child waits\n")
    sys.stdout.flush()
    while True:
        signal.pause()
