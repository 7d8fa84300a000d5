"""Gets payloads, and says which come out otherwise than from a file, and which do from neither.

usage: kinds_getter.py HOST PORT AUTHKEY KINDS FILE QUEUE

The queue was filled, and the file written, by a run of kinds_putter.py.
"""

import importlib
import pickle
import sys
from multiprocessing.managers import BaseManager

host, port, authkey, module, file = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), *sys.argv[4:6]
queue = sys.argv[6]
shape = importlib.import_module(module).shape
AT_ONCE = 3  # so many items in one reply: of one kind and of two, by several picklers


class QueueManager(BaseManager):
    pass


def outcome(read):
    """The shapes of what is read, and how reading fails where it does."""
    try:
        return [shape(thing) for thing in read()], None
    except Exception as error:
        return [], "%s: %s" % (type(error).__name__, error)


def together(outcomes):
    """What reading several in one go comes to: the first failure ends it."""
    failures = [failure for _, failure in outcomes if failure]
    if failures:
        return [], failures[0]
    return [text for shapes, _ in outcomes for text in shapes], None


QueueManager.register(queue)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
task = getattr(manager, queue)()
with open(file, "rb") as source:
    everything = pickle.load(source)
pickles = everything["common"] + everything[queue]
by_file = [outcome(lambda: [pickle.loads(raw)]) for _, raw in pickles]
wrong = []
for (kind, _), expected in zip(pickles, by_file):
    got = outcome(lambda: [task.get_nowait()])
    if got != expected:
        wrong.append("%s: %s and not %s" % (kind, got, expected))
twice = [(kind, expected) for (kind, _), expected in zip(pickles, by_file) for _ in range(2)]
for start in range(0, len(twice), AT_ONCE):
    part = twice[start:start + AT_ONCE]
    got = outcome(lambda: task.get_many(AT_ONCE))
    expected = together([expected for _, expected in part])
    if got != expected:
        wrong.append("%s: %s and not %s" % ([kind for kind, _ in part], got, expected))
for line in wrong:
    print("wrong: " + line)
known = [raw[:1] != b"\x80" or raw[1] <= pickle.HIGHEST_PROTOCOL for _, raw in pickles]
neither = {kind for (kind, _), (_, told), mine in zip(pickles, by_file, known) if told and mine}
print("from neither: %s" % sorted(neither))
print("got %d, %d otherwise" % (len(pickles) + len(twice), len(wrong)))
