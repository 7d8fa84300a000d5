"""Barrier of a SyncManager: who goes on when, and how it breaks.

usage: objects_barrier.py HOST PORT AUTHKEY start|connect
"""

from prompt import Background, connected_manager, walk

ALONE = """
barrier.parties
barrier.n_waiting
barrier.broken
barrier.wait(0.05)
barrier.broken
barrier.n_waiting
barrier.wait()
barrier.wait(1)
barrier.reset()
barrier.broken
barrier.wait(timeout=0.05)
barrier.reset()
barrier.abort()
barrier.broken
barrier.wait()
barrier.reset()
barrier.broken
barrier.wait(0)
barrier.reset()
repr(barrier)
type(barrier).__name__
single = m.Barrier(1)
[single.wait() for _ in range(3)]
single.parties
short = m.Barrier(2, None, 0.05)
short.wait()
short.broken
short = m.Barrier(parties=2, timeout=0.05)
short.wait()
short.broken
m.Barrier()  # raises
"""


def walk_rounds(names):
    """Each round gives out the places 0 to 3, one each."""
    for _ in range(3):
        others = [Background("barrier.wait(20)", names) for _ in range(3)]
        own = names["barrier"].wait(20)
        print("places: %s" % sorted([own] + [int(other.join()) for other in others]))
    walk("barrier.n_waiting\nbarrier.broken", names)


def walk_waiting(names):
    """The first to come has place 0, the last goes on at once."""
    others = []
    for n in range(3):
        others.append(Background("barrier.wait(20)", names))
        until_waiting(names["barrier"], n + 1)
    walk("barrier.n_waiting\nbarrier.wait()", names)
    for other in others:
        other.show()


def walk_breaks(names):
    """Those who wait are told at once that it is broken."""
    for call in ("abort()", "reset()", "wait(0.05)"):
        others = [Background("barrier.wait()", names) for _ in range(2)]
        until_waiting(names["barrier"], 2)
        walk("barrier." + call, names)
        for other in others:
            other.show()
        walk("barrier.broken\nbarrier.n_waiting\nbarrier.reset()\nbarrier.broken", names)


def until_waiting(barrier, parties):
    while barrier.n_waiting < parties:
        pass


def main():
    manager = connected_manager()
    names = {"barrier": manager.Barrier(4), "m": manager}
    walk(ALONE, names)
    walk_rounds(names)
    walk_waiting(names)
    walk_breaks(names)
    walk_rounds(names)
    print("done")


if __name__ == "__main__":
    main()
