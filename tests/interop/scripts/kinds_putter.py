"""Puts payloads of every kind into queues, by every pickler, and writes their pickles to a file.

usage: kinds_putter.py HOST PORT AUTHKEY KINDS FILE QUEUE...

KINDS is the module that makes the payloads. Each queue gets all of them, in the order of the file:
first each alone, in several forms of the call, and then some twice by one `put_many`.
"""

import functools
import importlib
import pickle
import pickletools
import sys
from multiprocessing.managers import BaseManager
from multiprocessing.reduction import ForkingPickler

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
module, file, queues = importlib.import_module(sys.argv[4]), sys.argv[5], sys.argv[6:]
stock_dumps = ForkingPickler.dumps

# What writes a request: stock clients, at each protocol, and what else writes pickles.
PICKLERS = [
    functools.partial(stock_dumps, protocol=number) for number in range(pickle.HIGHEST_PROTOCOL + 1)
] + [
    lambda thing: pickletools.optimize(bytes(stock_dumps(thing))),
    pickle._dumps,  # the one that is written in Python
] + module.PICKLERS

FORMS = [
    lambda queue, thing: queue.put(thing),
    lambda queue, thing: queue.put(item=thing),
    lambda queue, thing: queue.put(thing, True, 5),
    lambda queue, thing: queue.put(block=False, item=thing),
]
# Every third is enough: there are eight picklers or so, so all have their turn.
TWICE_EACH = 3


class QueueManager(BaseManager):
    pass


for name in queues:
    QueueManager.register(name)
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
readers = {name: getattr(manager, name)() for name in queues}


def by_every_pickler(kinds):
    """Each kind with each pickler, and the pickle; not where Python itself has none to offer."""
    made = []
    for kind, thing in kinds:
        for dumps in PICKLERS:
            try:
                made.append((kind, dumps, thing, bytes(dumps(thing))))
            except (AttributeError, TypeError, pickle.PicklingError):
                unpicklable.add(kind)
    return made


def put(reader, things):
    """The forms of the call take turns: a kind meets all of them if it has as many picklers."""
    for at, (_, ForkingPickler.dumps, thing, _) in enumerate(things):
        FORMS[at % len(FORMS)](reader, thing)
    for _, ForkingPickler.dumps, thing, _ in things[::TWICE_EACH]:
        reader.put_many([thing, thing])


unpicklable = set()
common = by_every_pickler(module.kinds())
written = {"common": common}
for name, reader in readers.items():
    # The string that names the queue stands before the payload in the same request.
    ident = reader._id
    written[name] = by_every_pickler([("the ident", [ident, "put", (ident, {ident: "x"})])])
    put(reader, common + written[name])
with open(file, "wb") as target:
    pickle.dump({name: [(kind, raw) for kind, _, _, raw in written[name]] for name in written},
                target, 2)
print("not by every pickler: %s" % sorted(unpicklable))
print("%d" % min(reader.qsize() for reader in readers.values()))
