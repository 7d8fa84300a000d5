"""Calls every method of a shared queue.Queue in every spelling, and prints what each call gave.

usage: walk.py HOST PORT AUTHKEY start|connect
"""

import queue
import re
import sys
import threading
from multiprocessing.managers import BaseManager, RemoteError

host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]

free_queue = queue.Queue()
small_queue = queue.Queue(maxsize=2)


class QueueManager(BaseManager):
    pass


QueueManager.register("get_free_queue", callable=lambda: free_queue)
QueueManager.register("get_small_queue", callable=lambda: small_queue)
QueueManager.register("get_missing_queue")


class Opaque:
    """Something that plain data is not, but that both ends know."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return type(other) is Opaque and other.name == self.name

    def __repr__(self):
        return "Opaque(%r)" % self.name


def show(label, call, *args, **kwargs):
    """Prints what a call gave; of a TypeError only the type, as its text differs by version."""
    try:
        answer = repr(call(*args, **kwargs))
    except (TypeError, RemoteError) as error:
        answer = "raised %s" % type(error).__name__
    except Exception as error:
        answer = "raised %s(%s)" % (type(error).__name__, error)
    print("%s: %s" % (label, re.sub("0x[0-9a-f]+", "0x...", answer)))


def raises(call, *args):
    """Whether a call raises at all: which exception a manager picks here is its own affair."""
    try:
        call(*args)
    except Exception as error:
        return "raises, and names it" if args[-1] in str(error) else "raises"
    return "returns"


def walk_puts_and_gets(free):
    payloads = [
        None,
        True,
        0,
        -1,
        3411,
        2**80,
        1.5,
        "text",
        "",
        "put",
        "\u00fc\U0001f600",
        b"\x00\xff",
        bytearray(b"x"),
        (1, 2),
        [1, [2, [3]]],
        {"a": {"b": ()}},
        {1, 2},
        frozenset([3]),
        Opaque("thing"),
        ValueError("an exception as data"),
        "x" * 70000,
        list(range(3000)),
        ("get_free_queue", "put", "#RETURN", "item", "block", "timeout"),
    ]
    for payload in payloads:
        show("put", free.put, payload)
        answer = free.get()
        same = answer == payload or repr(answer) == repr(payload)
        print("same: %r %s" % (same, type(answer).__name__))

    show("put(x, True, 5)", free.put, "a", True, 5)
    show("put(item=x, block=False)", free.put, item="b", block=False)
    show("put(x, timeout=5)", free.put, "c", timeout=5)
    show("put(x, False, -1)", free.put, "d", False, -1)
    show("put(x, True, -1), unbounded", free.put, "e", True, -1)
    show("put_nowait", free.put_nowait, "f")
    show("put_nowait(item=x)", free.put_nowait, item="g")
    show("_callmethod with a list", free._callmethod, "put", ["h"])
    show("qsize", free.qsize)
    show("empty", free.empty)
    show("full", free.full)

    show("get()", free.get)
    show("get(True, 5)", free.get, True, 5)
    show("get(timeout=5)", free.get, timeout=5)
    show("get(block=True, timeout=0.5)", free.get, block=True, timeout=0.5)
    show("get(True, timeout=5)", free.get, True, timeout=5)
    show("get(block=False)", free.get, block=False)
    show("get_nowait", free.get_nowait)
    show("get(True, 0)", free.get, True, 0)
    show("get(False), empty", free.get, False)
    show("get_nowait, empty", free.get_nowait)
    show("get(False, -1), empty", free.get, False, -1)
    show("get(timeout=0.05), empty", free.get, timeout=0.05)
    show("get(True, 0), empty", free.get, True, 0)
    show("get(1, 0.01), empty", free.get, 1, 0.01)


def walk_errors(free):
    show("get(timeout=-1)", free.get, timeout=-1)
    show("put()", free.put)
    show("put(1, 2, 3, 4)", free.put, 1, 2, 3, 4)
    show("put(nonsense=1)", free.put, nonsense=1)
    show("get(nonsense=1)", free.get, nonsense=1)
    show("get('x', 'y')", free.get, "x", "y")
    show("qsize(1)", free.qsize, 1)
    show("put_nowait(1, 2)", free.put_nowait, 1, 2)
    show("task_done(1)", free.task_done, 1)
    print("put of what cannot be pickled: %s" % raises(free.put, (i for i in "x"), "generator"))
    print("an unknown method: %s" % raises(free._callmethod, "no_such_method"))
    print("an attribute: %s" % raises(free._callmethod, "maxsize"))
    print("a value that cannot be pickled: %s" % raises(free._getvalue, ""))
    print("an unknown typeid: %s" % raises(manager._create, "no_such_typeid"))
    if how == "start":
        print("a typeid without callable: %s" % raises(manager._create, "get_missing_queue")[:6])
    show("still usable", free.qsize)


def walk_bounds(small):
    show("full", small.full)
    show("put 1", small.put, 1)
    show("put 2", small.put, 2, timeout=1)
    show("full", small.full)
    show("put_nowait, full", small.put_nowait, 3)
    show("put(3, False), full", small.put, 3, False)
    show("put(3, block=False, timeout=-1), full", small.put, 3, block=False, timeout=-1)
    show("put(timeout=0.05), full", small.put, 3, timeout=0.05)
    show("put(timeout=0), full", small.put, 3, timeout=0)
    show("put(timeout=-1), full", small.put, 3, timeout=-1)
    show("put(timeout='x'), full", small.put, 3, timeout="x")
    show("qsize", small.qsize)

    waiting = threading.Thread(target=small.put, args=("from a thread",))
    waiting.start()
    show("get", small.get)
    waiting.join()
    show("get", small.get)
    show("get", small.get)
    show("put(timeout=-1), room", small.put, 3, timeout=-1)
    show("empty", small.empty)


def walk_task_done(free, small):
    show("get(timeout=-1), empty", small.get, timeout=-1)
    for _ in range(3):
        show("task_done", small.task_done)
    show("task_done, too often", small.task_done)
    show("join, nothing open", small.join)
    small.put("one")
    small.put("two")
    joining = threading.Thread(target=small.join)
    joining.start()
    show("get", small.get)
    show("task_done", small.task_done)
    show("get", small.get)
    print("join returned early: %r" % (not joining.is_alive()))
    show("task_done", small.task_done)
    joining.join()
    print("join returned")


def walk_text(free):
    show("str", str, free)
    show("repr", lambda: repr(free).split(" object")[0])
    show("__repr__", free._callmethod, "__repr__")
    show("__str__", free._callmethod, "__str__")
    again = manager.get_free_queue()
    free.put("seen by both")
    show("a second proxy", again.get)
    del again
    show("after it is gone", free.qsize)


def main():
    print("manager at %s:%d" % manager.address, file=sys.stderr)
    free = manager.get_free_queue()
    small = manager.get_small_queue()
    walk_puts_and_gets(free)
    walk_errors(free)
    walk_bounds(small)
    walk_task_done(free, small)
    walk_text(free)
    if how == "start":
        manager.shutdown()
    print("done")


if __name__ == "__main__":
    manager = QueueManager(address=(host, port), authkey=authkey)
    if how == "start":
        manager.start()
    else:
        manager.connect()
    main()
