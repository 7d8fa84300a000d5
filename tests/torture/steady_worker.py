"""A worker that comes back, in the same process, until the manager is there again.

usage: steady_worker.py HOST PORT AUTHKEY NAME
"""

import sys

from errand import GONE, answer, connect, rest


def work(name):
    manager = connect()
    task = manager.get_task_queue()
    result = manager.get_result_queue()
    while True:
        result.put(answer(task.get(), name))


while True:
    try:
        work(sys.argv[4])
    except GONE as error:
        print("the manager is gone:", repr(error), flush=True)
    rest()
