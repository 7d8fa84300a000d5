"""Asks a lifter, over two pipes, to move objects from requests to replies, and compares.

Each request and each reply is a length of four bytes and a pickle, as on a socket. The objects are
of every kind that picklers treat specially; each goes through all protocols, through many forms of
a call, and through the C pickler and the one in Python. What comes back is read by both unpicklers
and must be the same: the same values, and the same sharing within each value.
"""
import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import itertools
import operator
import os
import pickle
import queue
import re
import struct
import sys
import types
import uuid
from multiprocessing.managers import Token
from multiprocessing.reduction import ForkingPickler

SELF = sys.modules[__name__]


# The kinds of objects.

class Plain:
    def __init__(self, **state):
        self.__dict__.update(state)


class Slots:
    __slots__ = ("a", "b")


class NewArgs:
    def __new__(cls, *args, **kwargs):
        made = object.__new__(cls)
        made.args, made.kwargs = args, kwargs
        return made

    def __getnewargs_ex__(self):
        return (1, [2]), {"key": "value"}


class SetByFunction:
    """Its state is set by a function: pickled as TUPLE2 REDUCE POP from Python 3.8 on."""

    def __reduce__(self):
        state = vars(self).get("state", "absent")
        if sys.version_info < (3, 8):
            return make, (), {"state": state}
        return make, (), state, None, None, set_state


def make():
    return SetByFunction()


def set_state(made, state):
    made.state = state


class OwnArgument:
    """Reduces to a call whose arguments hold the object itself: pickled as junk POP GET."""

    def __init__(self, box):
        self.box = box
        box.append(self)

    def __reduce__(self):
        return own_argument, (self.box, 7)


def own_argument(box, _number):
    made = OwnArgument.__new__(OwnArgument)
    made.box = box
    return made


class Old:
    def __getstate__(self):
        return {"state": [1, 2]}

    def __setstate__(self, state):
        self.state = state


class ListKind(list):
    pass


class DictKind(dict):
    pass


class Colour(enum.Enum):
    RED = 1


class Error(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


Point = collections.namedtuple("Point", "x y")


def recursive_list():
    made = [1]
    made.append(made)
    return made


def recursive_dict():
    made = {"k": 1}
    made["self"] = made
    return made


def recursive_tuple():
    inner = []
    made = (inner, 2)
    inner.append(made)
    return made


def recursive_long_tuple():
    inner = []
    made = (inner, 2, 3, 4, 5)
    inner.append(made)
    return made


def recursive_object():
    made = Plain(name="me")
    made.me, made.all = made, [made, (made,)]
    return made


def recursive_frozenset():
    inner = Plain()
    made = frozenset([inner])
    inner.set = made
    return made


def set_by_function(state):
    made = SetByFunction()
    made.state = state
    return made


def shared():
    one, two = [1], {"k": (1, 2)}
    return [one, one, two, {"two": two, "one": one}, (two, one)]


def before_and_after():
    one = [1]
    return [one, set_by_function(one), one, one]


def slots():
    made = Slots()
    made.a, made.b = 1, [made]
    return made


def kinds():
    """Name and maker of each kind of object."""
    numbers = [0, 1, -1, 255, 256, 65535, 65536, 2**31, -2**31, 2**63, -2**63, 2**100, -2**2100,
               0.0, -1.5, 1e300, float("inf"), 3 + 4j]
    texts = ["", "a", "x" * 300, "é\u20ac", "line\nfeed\\u1234", "\ud800", "s" * 70000,
             b"", b"a", b"\n.\x00", b"x" * 300, b"b" * 70000]
    empty = [(), [], {}, set(), frozenset()]
    atoms = [None, True, False] + numbers + texts + empty
    for atom in atoms:
        yield repr(atom)[:20], lambda atom=atom: atom
    # Strings that the request holds too: the pickler may refer to them.
    for text in ("put", "put_many", "item", "block", "#RETURN", "task.1"):
        yield "str " + text, lambda text=sys.intern(text): text
        yield "in list " + text, lambda text=sys.intern(text): [text, {text: text}, text]
    yield "list", lambda: [1, "two", 3.0, None, [4]]
    yield "tuples", lambda: [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((),)]
    yield "dict", lambda: {"a": 1, 2: "b", None: [], (1, 2): {"a": "a"}}
    yield "records", lambda: [{"name": "n%d" % i, "value": i} for i in range(1200)]
    yield "many strings", lambda: ["s%d" % i for i in range(700)] * 2
    yield "many ints", lambda: list(range(22000))
    yield "large parts", lambda: [b"x" * 70000, "y" * 70000, b"x" * 100, {"k": b"z" * 66000}]
    yield "bytearray", lambda: bytearray(b"abc")
    yield "large bytearray", lambda: [bytearray(b"abc" * 30000)] * 2
    yield "sets", lambda: [{1, 2, 3}, frozenset("a"), set(range(1500))]
    for maker in (shared, recursive_list, recursive_dict, recursive_tuple, recursive_long_tuple,
                  recursive_object, recursive_frozenset):
        yield maker.__name__, maker
    yield "two recursive", lambda: [recursive_tuple(), recursive_list(), recursive_object()]
    yield "plain", lambda: Plain(a=1, b=[2], c=Plain())
    yield "plain twice", lambda: [Plain(a=1), Plain(a=2)]
    yield "old", Old
    yield "new args", lambda: [NewArgs(), NewArgs()]
    yield "set by function", lambda: set_by_function([1])
    yield "set by function, then a reference", before_and_after
    yield "set by function twice", lambda: [set_by_function(1),
                                            set_by_function([set_by_function(2)]), 3]
    yield "own argument", lambda: OwnArgument([])
    yield "own argument, then more", lambda: [OwnArgument([1]), OwnArgument([]), "more"]
    yield "both idioms", lambda: [set_by_function(OwnArgument([])),
                                  OwnArgument([set_by_function(1)])]
    yield "list kind", lambda: ListKind([1, ListKind()])
    yield "dict kind", lambda: DictKind(a=DictKind())
    yield "enum", lambda: [Colour.RED, Colour.RED]
    yield "point", lambda: [Point(1, 2), Point([3], "y")]
    yield "exceptions", lambda: [ValueError("bad"), KeyError("k"), Error(1, "t"), OSError(2, "no")]
    yield "functions", lambda: [len, os.path.join, make, Plain, operator.add, re.compile("a+")]
    yield "bound", lambda: [[1].append, "a".join, Plain.__init__]
    yield "partial", lambda: functools.partial(int, base=2)
    yield "dates", lambda: [datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.timezone.utc),
                            datetime.date(2020, 1, 2), datetime.timedelta(1, 2, 3)]
    yield "numbers", lambda: [decimal.Decimal("1.5"), fractions.Fraction(2, 3),
                              fractions.Fraction(2, 3)]
    yield "uuid", lambda: uuid.UUID(int=5)
    yield "collections", lambda: [collections.OrderedDict(a=1), collections.deque([1, 2], 3),
                                  collections.Counter("abca"), collections.defaultdict(list, a=[1])]
    yield "array", lambda: [array.array("i", [1, 2]), array.array("d", [0.5])]
    yield "range", lambda: [range(3), slice(1, 2), Ellipsis, NotImplemented, type(None)]
    yield "namespace", lambda: types.SimpleNamespace(a=1)
    yield "iterators", lambda: [iter([1, 2]), iter((1, 2))]
    yield "token", lambda: Token("Queue", ("127.0.0.1", 5000), "task.1")
    yield "slots", slots
    yield "deep", lambda: functools.reduce(lambda inner, _: [inner], range(150), [])


# Large objects take only these forms, and only the C pickler: the one in Python is slow.
HEAVY = ("records", "many strings", "many ints", "large parts", "large bytearray", "sets")
HEAVY_FORMS = ("put", "second, of a part", "put_many")


# What two objects must have in common.

def describe(value, seen=None):
    """A text that tells values, types and sharing; cycles end at what was seen before."""
    seen = {} if seen is None else seen
    atoms = (type(None), bool, int, float, complex, str, bytes)
    if type(value) in atoms:
        return repr(value)
    named = (type, types.FunctionType, types.BuiltinFunctionType)
    if isinstance(value, named) or value is Ellipsis or value is NotImplemented:
        owner = getattr(value, "__self__", None)
        inner = describe(owner, seen) if isinstance(owner, (list, str)) else ""
        return "<%s %s>" % (getattr(value, "__qualname__", value), inner)
    if value == ():
        return "()"
    if id(value) in seen:
        return "#%d" % seen[id(value)][0]
    seen[id(value)] = (len(seen), value)
    name = type(value).__name__
    if type(value) in (list, tuple):
        return "%s(%s)" % (name, ", ".join(describe(item, seen) for item in value))
    if type(value) is dict:
        pairs = [describe(k, seen) + ":" + describe(v, seen) for k, v in value.items()]
        return "{%s}" % ", ".join(pairs)
    if type(value) in (set, frozenset):
        return "%s{%s}" % (name, ", ".join(sorted(describe(item, seen) for item in value)))
    if isinstance(value, OwnArgument):
        return "Own(%s)" % describe(value.box, seen)
    if isinstance(value, NewArgs):
        return "New(%s)" % describe([value.args, value.kwargs], seen)
    if isinstance(value, re.Pattern if hasattr(re, "Pattern") else type(re.compile(""))):
        return repr(value)
    reduced = value.__reduce_ex__(4)
    if isinstance(reduced, str):
        return reduced
    iterators = (3, 4)
    parts = [list(part) if index in iterators and part is not None else part
             for index, part in enumerate(reduced)]
    return "%s<%s>" % (name, ", ".join(describe(part, seen) for part in parts))


# The forms of a call: how arguments stand around the object that is lifted.



def requests(value):
    """Form and request."""
    mine = sys.intern("put")
    yield "put", ("task.1", mine, (value,), {})
    yield "put, positions", ("task.1", mine, (value, True, 5), {})
    yield "put, four", ("task.1", mine, (value, True, 5, "x"), {})
    yield "put, names", ("task.1", mine, (value,), {"block": True, "timeout": 0.5})
    yield "put, named", ("task.1", mine, (), {"item": value})
    yield "put, named last", ("task.1", mine, (), {"block": False, "item": value})
    yield "put, named first", ("task.1", mine, (), {"item": value, "block": False})
    yield "put, list", ("task.1", mine, [value], {})
    yield "put, ident is the method", (mine, mine, (value,), {})
    yield "second", ("task.1", "second", (value, value), {})
    yield "second, of a part", ("task.1", "second", ([value], [[value], value]), {})
    yield "second, after junk", ("task.1", "second", (OwnArgument([value]), value), {})
    many = [value, [value], 1, value, (value, value)]
    yield "put_many", ("task.1", "put_many", (many,), {})
    yield "put_many, tuple", ("task.1", "put_many", (tuple(many),), {})
    yield "put_many, one", ("task.1", "put_many", ([value],), {})
    idioms = [set_by_function(value), value, OwnArgument([value]), value]
    yield "put_many, idioms", ("task.1", "put_many", (idioms,), {})


def put(request):
    """What a server that unpickles the request would take from it."""
    _, method, args, kwargs = pickle.loads(request)
    if method == "second":
        return args[1]
    return args[0] if args else kwargs["item"]


def exchange(request):
    to_lifter.write(struct.pack("!i", len(request)) + request)
    to_lifter.flush()
    (length,) = struct.unpack("!i", from_lifter.read(4))
    return from_lifter.read(length)


def check(where, reply, expected, one_by_one):
    kind = None
    for loads in (pickle.loads, pickle._loads):
        try:
            kind, value = loads(reply)
        except Exception as error:
            kind, value = "unreadable", repr(error)
        try:
            if one_by_one:
                same = [describe(item) for item in value] == [describe(item) for item in expected]
            else:
                same = describe(value) == describe(expected)
        except Exception as error:
            same, value = False, error
        if kind != "#RETURN" or not same:
            print("%s: %s %s" % (where, kind, str(value)[:200]), file=report)
            print("  %r" % (reply[:120],), file=report)
            return 1
    return 0


def main():
    checks = failures = skipped = 0
    c_pickler = lambda value, proto: bytes(ForkingPickler.dumps(value, proto))
    picklers = [("C", c_pickler), ("python", pickle._dumps)]
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    for (name, maker), proto, (writer, dumps) in itertools.product(kinds(), protocols, picklers):
        if name in HEAVY and writer == "python":
            continue
        for form, request in requests(maker()):
            if name in HEAVY and form not in HEAVY_FORMS:
                continue
            try:
                request = dumps(request, proto)
            except Exception:  # not every protocol pickles every kind
                skipped += 1
                continue
            many = form.startswith("put_many")
            checks += 1
            where = "%s, protocol %d, %s pickler, %s" % (name, proto, writer, form)
            failures += check(where, exchange(request), put(request), many)
    # Payloads of all protocols in one reply, forty at a time.
    chosen = [maker for _, maker in kinds()]
    for start in range(0, len(chosen), 40):
        values = [maker() for maker in chosen[start:start + 40]]
        expected = []
        for value, proto in zip(values, itertools.cycle(protocols)):
            try:
                request = c_pickler(("task.1", "put", (value,), {}), proto)
            except Exception:
                continue
            exchange(request)
            expected.append(put(request))
        for method in ("collect", "collect_twice", "leases"):
            reply = exchange(c_pickler(("task.1", method, (len(expected),), {}), 3))
            wanted = expected
            if method == "collect_twice":
                wanted = [expected, expected[0], expected]
            if method == "leases":
                wanted = [(2**40 + i, i, value) for i, value in enumerate(expected)]
            checks += 1
            failures += check("%s from %d" % (method, start), reply, wanted, True)
    told = "%s: %d checks, %d failures, %d not picklable"
    print(told % (sys.executable, checks, failures, skipped), file=report)
    report.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.modules["splice_proof"] = SELF
    for made in list(vars(SELF).values()):
        if getattr(made, "__module__", None) == "__main__":
            made.__module__ = "splice_proof"
    sys.setrecursionlimit(5000)
    to_lifter, from_lifter, report = os.fdopen(1, "wb"), sys.stdin.buffer, sys.stderr
    sys.exit(main())
