"""A worker whose children work, by multiprocessing; one that ends is started again.

usage: processes_worker.py HOST PORT AUTHKEY NAME
"""

import multiprocessing
import os
import queue
import sys

from errand import GONE, answer, connect, rest

CHILDREN = 2
# How often a child that has nothing to do looks whether its parent lives.
LOOK_SECONDS = 1


def lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def work(name, parent):
    """Until the parent is gone: a child that is left alone has nobody to work for."""
    try:
        manager = connect()
        task = manager.get_task_queue()
        result = manager.get_result_queue()
        while lives(parent):
            try:
                result.put(answer(task.get(timeout=LOOK_SECONDS), name))
            except queue.Empty:
                pass
    except GONE as error:
        print("the manager is gone:", repr(error), flush=True)


if __name__ == "__main__":
    children = []
    while True:
        children = [child for child in children if child.is_alive()]
        while len(children) < CHILDREN:
            arguments = (sys.argv[4], os.getpid())
            children.append(multiprocessing.Process(target=work, args=arguments, daemon=True))
            children[-1].start()
        rest()
