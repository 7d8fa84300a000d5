"""Uses multiprocessing.Manager(), which names no address, and a child process that does the same.

usage: private_manager.py
"""

import multiprocessing


def in_child(shared):
    with multiprocessing.Manager() as manager:
        shared["child"] = list(manager.list([1, 2]))


if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        child = multiprocessing.Process(target=in_child, args=(shared,))
        child.start()
        child.join()
        lock = manager.Lock()
        with lock:
            print(dict(shared))
