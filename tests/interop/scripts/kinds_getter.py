"""Gets payloads, and says which come out otherwise than from a file, and which do from neither.

usage: kinds_getter.py HOST PORT AUTHKEY KINDS FILE QUEUE

The queue was filled, and the file written, by a run of kinds_putter.py.
"""

import importlib
import pickle
import sys
from multiprocessing.managers import BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
shape, file, queue = importlib.import_module(sys.argv[4]).shape, sys.argv[5], sys.argv[6]
TWICE_EACH = 3  # as kinds_putter.py has it
AT_ONCE = 3  # so many items in one reply: of one kind and of two, by several picklers


class QueueManager(BaseManager):
    pass


def outcome(read):
    """The shapes of what is read, and how reading fails where it does."""
    try:
        return [shape(thing) for thing in read()], None
    except Exception as error:
        return [], "%s: %s" % (type(error).__name__, error)


def compare(kinds, from_file, from_manager):
    """Notes what comes otherwise, or fails otherwise; returns whether it came from the file."""
    expected, got = outcome(from_file), outcome(from_manager)
    if got != expected:
        wrong.append("%s: %s and not %s" % (kinds, got, expected))
    return expected[1] is None


QueueManager.register(queue)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = getattr(manager, queue)()
with open(file, "rb") as source:
    everything = pickle.load(source)
pickles = everything["common"] + everything[queue]
wrong, neither = [], set()
for kind, raw in pickles:
    came = compare(kind, lambda: [pickle.loads(raw)], lambda: [task.get_nowait()])
    protocol = raw[1] if raw[:1] == pickle.PROTO else 0
    if not came and protocol <= pickle.HIGHEST_PROTOCOL:
        neither.add(kind)
twice = [pair for pair in pickles[::TWICE_EACH] for _ in range(2)]
for start in range(0, len(twice), AT_ONCE):
    part = twice[start:start + AT_ONCE]
    compare([kind for kind, _ in part], lambda: [pickle.loads(raw) for _, raw in part],
            lambda: task.get_many(AT_ONCE))
for line in wrong:
    print("wrong: " + line)
print("from neither: %s" % sorted(neither))
print("got %d, %d otherwise" % (len(pickles) + len(twice), len(wrong)))
