"""Asks a SyncManager for what needs Python code in its server, and prints what it says.

usage: objects_refused.py HOST PORT AUTHKEY start|connect
"""

from multiprocessing.managers import SyncManager

from prompt import connected_manager

# As Python has it since 3.14.
SyncManager.register("set", set)


class Point:
    """Something that only Python can compare."""

    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    def __hash__(self):
        return hash(self.x)


def said(label, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except Exception as error:
        print("%s -> %s: %s" % (label, type(error).__name__, " ".join(str(error).split())))
    else:
        print("%s -> it was done" % label)


def main():
    manager = connected_manager()
    points, numbers = manager.list([Point(1), Point(2)]), manager.list([2, 1])
    said("Pool", manager.Pool, 2)
    said("Barrier with an action", manager.Barrier, 2, print)
    said("sort by a key", numbers.sort, key=abs)
    said("sort what cannot be ordered", points.sort)
    said("sort what differs late", manager.list([1200 * "a" + end for end in "ba"]).sort)
    said("in", points.__contains__, Point(1))
    said("count", points.count, Point(1))
    said("index", points.index, Point(1))
    said("remove", points.remove, Point(1))
    keyed = manager.dict()
    said("an object as key", keyed.__setitem__, Point(1), "one")
    said("a frozenset as key", keyed.__setitem__, frozenset([1]), "one")
    said("a frozenset in a set", manager.set().add, frozenset([1]))
    said("an object in a set", manager.set, [Point(1)])
    said("a list of a namespace", manager.list, manager.Namespace())
    said("a condition with a lock", manager.Condition, manager.Lock())
    print("kept: %r %r" % (numbers[:], [point.x for point in points]))
    print("done")


if __name__ == "__main__":
    main()
