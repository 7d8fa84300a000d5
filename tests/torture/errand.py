"""What all programs of the torture share: the way to the manager, and what a task asks for."""

import hashlib
import sys
import time
from multiprocessing.managers import BaseManager

# How a program sees that its connection is gone: it was cut, or the manager is down.
GONE = (EOFError, OSError)

# How long a program waits before it tries again, as people's programs do.
RETRY_SECONDS = 0.1


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")


def connect():
    """The manager at HOST PORT with AUTHKEY, the first three words of each command line."""
    host, port, authkey = sys.argv[1:4]
    manager = QueueManager(address=(host, int(port)), authkey=authkey.encode())
    manager.connect()
    return manager


def number_of(key):
    """The number that the task of a key is about, the same whenever it is asked for."""
    return int(hashlib.md5(key.encode()).hexdigest()[:4], 16)


def task_of(key):
    """The task of a key: `KEY NUMBER MILLISECONDS`."""
    number = number_of(key)
    # Most tasks are short; one in eight takes up to a fifth of a second.
    longest = 200 if number % 8 == 0 else 40
    return "%s %d %d" % (key, number, number % longest)


def answer(task, worker):
    """Does a task: `KEY SQUARE WORKER`."""
    key, number, milliseconds = task.split()
    time.sleep(int(milliseconds) / 1000)  # rhythm: this is the work
    return "%s %d %s" % (key, int(number) ** 2, worker)


def rest():
    time.sleep(RETRY_SECONDS)  # rhythm: nobody tries again without a pause
