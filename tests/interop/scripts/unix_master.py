"""A master whose manager listens at a Unix socket, and a worker in a process of its own.

usage: unix_master.py PATH AUTHKEY start|serve
"""

import multiprocessing
import os
import queue
import sys
import threading
from multiprocessing.managers import BaseManager

path, authkey, how = sys.argv[1].replace("@", "\0", 1), sys.argv[2].encode(), sys.argv[3]
task_queue, result_queue = queue.Queue(), queue.Queue()


class QueueManager(BaseManager):
    pass


def give_task():
    return task_queue


def give_result():
    return result_queue


QueueManager.register("get_task_queue", callable=give_task)
QueueManager.register("get_result_queue", callable=give_result)


def work():
    manager = QueueManager(address=path, authkey=authkey)
    manager.connect()
    task, result = manager.get_task_queue(), manager.get_result_queue()
    for n in iter(task.get, None):
        result.put(n * n)


def main():
    manager = QueueManager(address=path, authkey=authkey)
    if how == "start":
        manager.start()
    else:
        server = manager.get_server()
        thread = threading.Thread(target=server.serve_forever)
        thread.daemon = True
        thread.start()
        manager = QueueManager(address=path, authkey=authkey)
        manager.connect()
    print("manager at %r" % (manager.address,))
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    task, result = manager.get_task_queue(), manager.get_result_queue()
    for n in [3, 4, 5, None]:
        task.put(n)
    print([result.get(timeout=30) for _ in range(3)])
    worker.join()
    print("worker ended with", worker.exitcode)
    if how == "start":
        manager.shutdown()
        print("socket is left:", os.path.exists(path.replace("\0", "@")))


if __name__ == "__main__":
    main()
