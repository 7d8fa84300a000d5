"""Payloads of every kind, and a way to tell whether two are equal, with the same things shared."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import io
import operator
import uuid
import zlib


class Plain(object):
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Slots(object):
    __slots__ = ("a", "b")


class Kept(object):
    """Has a state of its own kind."""

    def __getstate__(self):
        return ("state", self.items)

    def __setstate__(self, state):
        self.items = state[1]


class Odd(Exception):
    def __init__(self, a, b):
        super(Odd, self).__init__(a, b)
        self.extra = [a, b]


class Colour(enum.Enum):
    RED = "put"
    BLUE = 2


Pair = collections.namedtuple("Pair", "put get")


def kinds():
    """The payloads by name; the words `put`, `item`, `#RETURN` stand in every envelope as well."""
    around = ["put"]
    around.append(around)
    rounds = {}
    rounds["put"] = rounds
    knot = ([],)
    knot[0].append(knot)
    me = Plain(put="put")
    me.me = me
    slots = Slots()
    slots.a, slots.b = "put", [slots]
    kept = Kept()
    kept.items = ["put", kept]
    shared = ["x" * 10]
    deep = []
    for _ in range(200):
        deep = [deep]
    return [
        ("atoms", [None, True, False, 0, 255, 65535, 3411, -1, 2**31, 2**63, -2**200, 3**2000]),
        ("floats", [1.5, -0.0, float("inf"), 1j]),
        ("words of the envelope", ["put", "item", "#RETURN", "get", ("put",), {"put": "put"}]),
        ("the word put", "put"),
        ("no word", ""),
        ("beyond latin", u"\u00e9\u4e16\U0001F600"),
        ("half a pair", u"\ud800"),
        ("a long word", "x" * 300),
        ("large text", "z" * 70000),
        ("large bytes", b"y" * 70000),
        ("large parts", [b"q" * 66000, "put", b"w" * 66000, "put"]),
        ("bytes", [b"", b"put", b"x" * 300]),
        ("bytearrays", [bytearray(b"abc"), bytearray(b"k" * 70000)]),
        ("tuples", [(), ("put",), (1, 2), (1, 2, 3), (1, 2, 3, 4)]),
        ("sets", [{"put", 1}, frozenset(["put", 2])]),
        ("a list in itself", around),
        ("a dict in itself", rounds),
        ("a tuple in itself", knot),
        ("an object in itself", me),
        ("slots", slots),
        ("a state", kept),
        ("shared", {"a": shared, "b": shared, "c": (shared, around, around)}),
        ("deep", deep),
        ("many", list(range(40000))),
        ("many memo entries", ["s%d" % i for i in range(600)] * 2),
        ("many pairs", [["put", i] for i in range(500)]),
        ("many objects", {str(i): Plain(i=i, put="put") for i in range(300)}),
        ("exceptions", [ValueError("put"), KeyError("a"), OSError(2, "put"), Odd("put", 2)]),
        ("enums", [Colour.RED, Colour.BLUE, Colour.RED]),
        ("a named tuple", Pair("put", [1])),
        ("collections", [collections.OrderedDict(put="put"), collections.deque(["put", 1]),
                         collections.Counter("put"), collections.defaultdict(list, put=["put"])]),
        ("dates", [datetime.datetime(2020, 1, 2, 3), datetime.timezone.utc,
                   datetime.timedelta(1, 2, 3), datetime.date(2020, 1, 2)]),
        ("numbers", [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=5)]),
        ("ranges", [range(3), slice(1, 2), Ellipsis, NotImplemented]),
        ("functions and classes", [print, len, operator.add, type, int, Plain]),
        ("an array", array.array("i", [1, 2, 3])),
        ("views of a dict", list({"put": 1}.items())),
        ("a file in memory", io.BytesIO(b"put").getvalue()),
    ]


def shape(thing, seen=None):
    """What a thing is made of, as text; a thing met before is named by its number."""
    seen = {} if seen is None else seen
    kind = type(thing)
    if isinstance(thing, type) or callable(thing) and hasattr(thing, "__name__"):
        return "<%s>" % thing.__name__
    if kind in (str, bytes, bytearray):
        raw = thing.encode("utf-8", "surrogatepass") if kind is str else bytes(thing)
        return "%s(%d, %x)" % (kind.__name__, len(raw), zlib.crc32(raw) & 0xffffffff)
    if id(thing) in seen:
        return "#%d" % seen[id(thing)][0]
    parts = parts_of(thing)
    if parts is None:
        return "%s %r" % (kind.__name__, thing)
    seen[id(thing)] = (len(seen), thing)
    shapes = [shape(part, seen) for part in parts]
    if isinstance(thing, (set, frozenset)):
        shapes.sort()
    return "%s[%s]" % (kind.__name__, ", ".join(shapes))


def parts_of(thing):
    """The parts of a thing that has any."""
    if isinstance(thing, enum.Enum):
        return None
    if isinstance(thing, dict):
        extra = [thing.default_factory] if isinstance(thing, collections.defaultdict) else []
        return [part for entry in thing.items() for part in entry] + extra
    if isinstance(thing, (list, tuple, set, frozenset, collections.deque)):
        return list(thing)
    if isinstance(thing, Slots):
        return [thing.a, thing.b]
    if isinstance(thing, BaseException):
        return [list(thing.args), getattr(thing, "__dict__", {})]
    if isinstance(thing, (Plain, Kept)):
        return [thing.__dict__]
    return None
