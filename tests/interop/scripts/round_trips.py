"""A working session: puts an item and gets it back, for as long as it is told, and counts.

usage: round_trips.py HOST PORT AUTHKEY; then a line with a number of seconds for each count
"""

import sys
import time
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()
print("ready", flush=True)
for line in sys.stdin:
    end = time.perf_counter() + float(line)
    count = 0
    while time.perf_counter() < end:
        task.put(count)
        task.get()
        count += 1
    print(count, flush=True)
