"""Payloads of every kind that the standard library can make, and what each is made of, as text."""

import array
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import operator
import sys
import uuid
import zlib

import payload_classes as classes

sys.setrecursionlimit(10000)  # for the pickler that is written in Python, and the deep kinds

PICKLERS = []  # that this module needs, besides Python's own

# In a class that is met here, these hold what an instance of it is made of.
OWN = (
    classes.Plain,
    classes.Kept,
    classes.Reduced,
    classes.NewByName,
    classes.Buffer,
    classes.ListAndMore,
    classes.DictAndMore,
    BaseException,
)


def kinds():
    """The payloads by name; the words `put`, `item`, `#RETURN` stand in every envelope as well."""
    classes.know_all_codes()
    shared = ["x" * 10]
    return rounds() + own_classes() + [
        ("atoms", [None, True, False, 0, 255, 65535, 3411, -1, 2**31, 2**63, -2**200, 3**2000]),
        ("floats", [1.5, -0.0, float("inf"), float("nan"), 1j]),
        ("words of the envelope", ["put", "item", "#RETURN", "get", ("put",), {"put": "put"}]),
        ("the word put", "put"),
        ("no word", ""),
        ("beyond latin", u"\u00e9\u4e16\U0001F600"),
        ("half a pair", u"\ud800"),
        ("lines", "a\nb\r\\u0041\x1a\0\\"),
        ("a long word", "x" * 300),
        ("large text", "z" * 70000),
        ("large bytes", b"y" * 70000),
        ("large parts", [b"q" * 66000, "put", b"w" * 66000, "put"]),
        ("bytes", [b"", b"put", b"x" * 300, bytes(bytearray(range(256)))]),
        ("bytearrays", [bytearray(b"abc"), bytearray(b"k" * 70000)]),
        ("tuples", [(), ("put",), (1, 2), (1, 2, 3), (1, 2, 3, 4)]),
        ("sets", [{"put", 1}, frozenset(["put", 2]), set(), frozenset()]),
        ("shared", {"a": shared, "b": shared, "c": (shared, [shared])}),
        ("many", list(range(2500))),
        ("many memo entries", ["s%d" % i for i in range(600)] * 2),
        ("many pairs", [["put", i] for i in range(300)]),
        ("many objects", {str(i): classes.Plain(i=i, put="put") for i in range(130)}),
        ("exceptions", [ValueError("put"), KeyError("a"), OSError(2, "put"), classes.Odd("put", 2),
                        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "put")]),
        ("collections", [collections.OrderedDict(put="put"), collections.deque(["put", 1], 3),
                         collections.Counter("put"), collections.defaultdict(list, put=["put"])]),
        ("dates", [datetime.datetime(2020, 1, 2, 3), datetime.timezone.utc,
                   datetime.timedelta(1, 2, 3), datetime.date(2020, 1, 2)]),
        ("numbers", [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=5)]),
        ("ranges", [range(3), slice(1, 2), Ellipsis, NotImplemented]),
        ("functions", [print, len, operator.add, kinds, classes.Plain().method, "put".upper]),
        ("classes", [type, int, classes.Plain, classes.Outer.Inner, type(None)]),
        ("partials", functools.partial(int, base=2)("101")),
        ("an array", array.array("i", [1, 2, 3])),
        ("views of a dict", list({"put": 1}.items())),
        ("a file in memory", io.BytesIO(b"put").getvalue()),
    ]


def rounds():
    """What contains itself, and what is deep."""
    around = ["put"]
    around.append(around)
    table = {}
    table["put"] = table
    knot = ([],)
    knot[0].append(knot)
    me = classes.Plain(put="put")
    me.me = me
    kept = classes.Kept()
    kept.items = ["put", kept]
    each_other = [[], [], ()]
    for part in each_other[:2]:
        part.append(each_other)
    each_other[2] = tuple(each_other[:2])
    deep, deep_pairs = [], {}
    for _ in range(200):
        deep, deep_pairs = [deep], {"put": (deep_pairs,)}
    return [
        ("a list in itself", around),
        ("a dict in itself", table),
        ("a tuple in itself", knot),
        ("an object in itself", me),
        ("a state with itself", kept),
        ("lists in each other", each_other),
        ("several rounds", [around, (around, knot), {"put": table}, me]),
        ("deep", deep),
        ("deep pairs", deep_pairs),
    ]


def own_classes():
    """An instance of each class of ours."""
    slots, more = classes.Slots(), classes.SlotsAndMore()
    slots.a, slots.b = "put", [slots]
    more.a, more.b, more.c = "put", [slots, more], {"put": more}
    reduced = classes.Reduced("put")
    reduced.extend(["put", reduced, 3])
    reduced["put"] = reduced
    things, table = classes.ListAndMore(["put"]), classes.DictAndMore(put="put")
    things.put, table.put = table, things
    text = classes.StrAndMore("put")
    text.more = ["put"]
    coded = [kind(put="put") for kind in (classes.Coded1, classes.Coded2, classes.Coded4)]
    found = [
        ("slots", slots),
        ("slots and more", more),
        ("a reduced object", reduced),
        ("made by __new__", [classes.New("put", 1), classes.New()]),
        ("made by __new__ with names", classes.NewByName(["put"], put="put")),
        ("a list and a dict with attributes", [things, table]),
        ("a str and an int of ours", [text, classes.IntAndMore(7), text]),
        ("a class in a class", classes.Outer.Inner(put="put")),
        ("enums", [classes.Colour.RED, classes.Colour.BLUE, classes.Colour.RED]),
        ("flags", [classes.Might.READ, classes.Might.READ | classes.Might.WRITE]),
        ("a named tuple", classes.Pair("put", [1])),
        ("buffers", [classes.Buffer(b"put"), classes.Buffer(bytearray(b"k" * 70000))]),
        ("extension codes", coded + coded),
        ("an unknown extension code", classes.CodedUnknown(put="put")),
    ]
    if classes.dataclass:
        found.append(("a dataclass", classes.Point(1, ["put"])))
    return found


def shape(thing, seen=None, special=lambda thing: None):
    """What a thing is made of, as text; a thing met before is named by its number.

    `special` gives the parts of what this module does not know, else None.
    """
    seen = {} if seen is None else seen
    if id(thing) in seen:
        return "#%d" % seen[id(thing)][0]
    kind = type(thing)
    parts = special(thing)
    if parts is None:
        if isinstance(thing, type) or callable(thing) and hasattr(thing, "__name__"):
            return "<%s>" % thing.__name__
        if kind in (str, bytes, bytearray):
            raw = thing.encode("utf-8", "surrogatepass") if kind is str else bytes(thing)
            return "%s(%d, %x)" % (kind.__name__, len(raw), zlib.crc32(raw) & 0xffffffff)
        parts = parts_of(thing)
    if parts is None:
        return "%s %r" % (kind.__name__, thing)
    seen[id(thing)] = (len(seen), thing)
    shapes = [shape(part, seen, special) for part in parts]
    if isinstance(thing, (set, frozenset)):
        shapes.sort()
    return "%s[%s]" % (kind.__name__, ", ".join(shapes))


def parts_of(thing):
    """The parts of a thing that has any."""
    if isinstance(thing, enum.Enum):
        return None
    fields = [thing.__dict__] if isinstance(thing, OWN) and hasattr(thing, "__dict__") else []
    if isinstance(thing, dict):
        extra = [thing.default_factory] if isinstance(thing, collections.defaultdict) else []
        return [part for entry in thing.items() for part in entry] + extra + fields
    if isinstance(thing, (list, tuple, set, frozenset, collections.deque)):
        return list(thing) + fields
    if isinstance(thing, classes.StrAndMore):
        return [str(thing), thing.__dict__]
    if isinstance(thing, classes.Slots):
        return [thing.a, thing.b, getattr(thing, "__dict__", None)]
    if isinstance(thing, BaseException):
        return [list(thing.args)] + fields
    return fields or None
