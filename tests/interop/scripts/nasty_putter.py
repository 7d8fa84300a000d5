"""Puts items that run something where they are read, and honest ones, into both queues.

usage: nasty_putter.py HOST PORT AUTHKEY FILE

Whoever unpickled one of the nasty ones would make FILE. Prints a line for each put.
"""

import builtins
import collections
import datetime
import decimal
import fractions
import functools
import importlib
import operator
import os
import pydoc
import subprocess
import sys
import uuid
from multiprocessing.managers import BaseManager

host, port, authkey, mark = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]
touch = "open(%r, 'w').close()" % mark


class QueueManager(BaseManager):
    pass


class Nasty(object):
    """Pickles as the call of a function."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


nasty = [
    ("os.system", Nasty(os.system, "touch " + mark)),
    ("subprocess.call", Nasty(subprocess.call, ["touch", mark])),
    ("subprocess.Popen", Nasty(subprocess.Popen, ["touch", mark])),
    ("eval", Nasty(eval, touch)),
    ("exec", Nasty(exec, touch)),
    ("open", Nasty(open, mark, "w")),
    ("getattr", Nasty(getattr, Nasty(importlib.import_module, "os"), "system")),
    ("importlib", Nasty(importlib.import_module, "antigravity")),
    ("partial", Nasty(functools.partial(os.system, "touch " + mark))),
    ("reduce", Nasty(functools.reduce, os.system, ["touch " + mark])),
    ("methodcaller", Nasty(operator.methodcaller("system", "touch " + mark),
                           Nasty(importlib.import_module, "os"))),
    ("locate", Nasty(pydoc.locate, "os.system")),
    ("map", Nasty(list, Nasty(map, eval, [touch]))),
    ("print", Nasty(print, "never")),
    ("__import__", Nasty(builtins.__import__, "os")),
    ("defaultdict", Nasty(collections.defaultdict, os.system)),
    ("in a list", [1, [2, Nasty(os.system, "touch " + mark)]]),
    ("in a dict", {"a": {"b": Nasty(eval, touch)}}),
    ("in an exception", ValueError(Nasty(os.system, "touch " + mark))),
    ("named only", os.system),
    ("a class of ours", Nasty),
]
honest = [
    ("data", {"a": [1, 2.5, None, True, b"x", "put"], "b": (1, {2}, frozenset([3]))}),
    ("datetime", datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)),
    ("decimal", decimal.Decimal("1.5")),
    ("fraction", fractions.Fraction(1, 3)),
    ("uuid", uuid.UUID(int=5)),
    ("ordered dict", collections.OrderedDict(a=1)),
    ("exception", KeyError("a")),
]

QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")
manager = QueueManager(address=(host, port), authkey=authkey)
manager.connect()
for name, target in [("task", manager.get_task_queue()), ("result", manager.get_result_queue())]:
    for kind, item in nasty + honest:
        try:
            target.put(item)
            print("%s: %s stored" % (name, kind))
        except TypeError as error:
            hint = "--allow-class" in str(error) or "--payloads" in str(error)
            print("%s: %s refused%s" % (name, kind, " with a hint" if hint else ""))
    print("%s holds %d" % (name, target.qsize()))
