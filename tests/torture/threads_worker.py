"""A worker of several threads, each with a connection of its own; one that ends is started again.

usage: threads_worker.py HOST PORT AUTHKEY NAME
"""

import sys
import threading

from errand import GONE, answer, connect, rest

THREADS = 3


def work(name):
    try:
        manager = connect()
        task = manager.get_task_queue()
        result = manager.get_result_queue()
        while True:
            result.put(answer(task.get(), name))
    except GONE as error:
        print("the manager is gone:", repr(error), flush=True)


threads = []
while True:
    threads = [thread for thread in threads if thread.is_alive()]
    while len(threads) < THREADS:
        threads.append(threading.Thread(target=work, args=(sys.argv[4],), daemon=True))
        threads[-1].start()
    rest()
