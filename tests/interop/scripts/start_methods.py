"""Starts a manager by every start method; spawned servers import this file anew.

usage: start_methods.py HOST PORT AUTHKEY start
"""

import multiprocessing
import queue
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()


def get_task_queue():
    return task_queue


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue", callable=get_task_queue)

if __name__ == "__main__":
    task_queue.put("seen by a forked server only")
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        manager = QueueManager(address=(host, port), authkey=authkey, ctx=context)
        manager.start()
        if method == "fork":
            print("manager at %s:%d" % manager.address, file=sys.stderr)
        task = manager.get_task_queue()
        print("%s: %d" % (method, task.qsize()))
        task.put(method)
        print("%s: %s" % (method, task.get(timeout=5)))
        manager.shutdown()
    print("done")
