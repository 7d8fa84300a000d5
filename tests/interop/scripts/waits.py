"""A program with a manager that waits for a signal and says which one came.

usage: waits.py HOST PORT AUTHKEY
"""

import queue
import signal
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()


class QueueManager(BaseManager):
    pass


def on_usr1(number, frame):
    print("USR1")


signal.signal(signal.SIGUSR1, on_usr1)
QueueManager.register("get_task_queue", callable=lambda: task_queue)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.start()
try:
    print("manager at %s:%d, pid %d" % (manager.address + (manager._process.pid,)), file=sys.stderr)
    while True:
        signal.pause()
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(3)
