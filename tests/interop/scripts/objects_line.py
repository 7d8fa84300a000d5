"""Threads that come to a lock one after another, and say in which order they got it.

usage: objects_line.py HOST PORT AUTHKEY start|connect CLIENTS
"""

import sys
import threading

from prompt import connected_manager


def waits(thread):
    """Whether the request to acquire is sent, and its answer awaited."""
    frame = sys._current_frames().get(thread.ident)
    within = []
    while frame is not None:
        within.append(frame.f_code.co_name)
        frame = frame.f_back
    return "_recv" in within and "acquire" in within and "_connect" not in within


def main():
    manager = connected_manager()
    lock = manager.Lock()
    order = []

    def client(number):
        lock.acquire()
        order.append(number)
        lock.release()

    lock.acquire()
    threads = [threading.Thread(target=client, args=(n,)) for n in range(int(sys.argv[5]))]
    for thread in threads:
        thread.start()
        while not waits(thread):
            threading.Event().wait(0.001)
    lock.release()
    for thread in threads:
        thread.join()
    print("order: %s" % " ".join(map(str, order)))


if __name__ == "__main__":
    main()
