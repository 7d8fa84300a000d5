"""A master that hands out a hundred numbers and prints the hundred answers.

usage: hundred_master.py HOST PORT AUTHKEY start|connect
"""

import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]

task_queue = queue.Queue()
result_queue = queue.Queue()


def return_task_queue():
    return task_queue


def return_result_queue():
    return result_queue


class QueueManager(BaseManager):
    pass


if __name__ == "__main__":
    QueueManager.register("get_task_queue", callable=return_task_queue)
    QueueManager.register("get_result_queue", callable=return_result_queue)
    manager = QueueManager(address=(host, port), authkey=authkey)
    if how == "start":
        manager.start()
    else:
        manager.connect()
    print("manager at %s:%d" % manager.address, file=sys.stderr)

    task = manager.get_task_queue()
    result = manager.get_result_queue()
    for n in range(100):
        print("put task %d" % n)
        task.put(n)

    print("waiting for results")
    for _ in range(100):
        print("result: %s" % result.get(timeout=30))

    if how == "start":
        manager.shutdown()
    print("master done")
