"""A worker that ends when its connection does; somebody starts it again.

usage: plain_worker.py HOST PORT AUTHKEY NAME
"""

import sys

from errand import GONE, answer, connect

try:
    manager = connect()
    task = manager.get_task_queue()
    result = manager.get_result_queue()
    while True:
        result.put(answer(task.get(), sys.argv[4]))
except GONE as error:
    print("the manager is gone:", repr(error), flush=True)
