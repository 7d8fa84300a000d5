"""A client that puts an item and gets one, over and over, and counts for a while.

It says that it is ready, is told when the time begins that counts, by the clock that all programs
of a machine share, and says how many items those were, in how long, with how much of a processor.

usage: bench_items.py HOST PORT AUTHKEY SECONDS
"""

import resource
import sys
import time
from multiprocessing.managers import BaseManager

host, port, authkey, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]
ITEM = b"x" * 32


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = manager.get_task_queue()


def cycle(end):
    """Puts and gets until then: how many, in how long, with how much of a processor."""
    items, began, cpu_before = 0, time.monotonic(), of_cpu()
    while time.monotonic() < end:
        task.put(ITEM)
        task.get()
        items += 1
    return items, time.monotonic() - began, of_cpu() - cpu_before


def of_cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


print("ready")
begin = float(sys.stdin.readline())
cycle(begin)  # the others begin meanwhile, too
print("%d %f %f" % cycle(begin + float(seconds)))
