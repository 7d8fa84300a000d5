"""A worker that squares numbers, a little time for each, until the manager goes away.

usage: steady_worker.py HOST PORT AUTHKEY SECONDS_PER_TASK
"""

import sys
import time
from multiprocessing.managers import BaseManager

host, port, authkey, seconds = (
    sys.argv[1],
    int(sys.argv[2]),
    sys.argv[3].encode(),
    float(sys.argv[4]),
)


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()
result = manager.get_result_queue()

while True:
    try:
        n = task.get()
        time.sleep(seconds)  # rhythm: this is the work
        result.put((n, n * n))
    except (EOFError, ConnectionError):
        break
