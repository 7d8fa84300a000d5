"""Classes whose instances pickle in every way that there is."""

import collections
import copyreg
import enum
import pickle

try:
    from dataclasses import dataclass
except ImportError:  # Python 3.6
    dataclass = None


class Plain(object):
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def method(self):
        """Pickles as a getattr of its instance."""


class Slots(object):
    __slots__ = ("a", "b")


class SlotsAndMore(Slots):
    """Has a state of two parts: a dict, and another for the slots."""


class Kept(object):
    """Has a state of its own kind."""

    def __getstate__(self):
        return ("state", self.items)

    def __setstate__(self, state):
        self.items = state[1]


class Reduced(object):
    """Is made by a call, and then filled with a state, with items and with pairs."""

    def __init__(self, first):
        self.parts, self.pairs, self.first = [], {}, first

    def __reduce__(self):
        return Reduced, (self.first,), {"more": "put"}, iter(self.parts), iter(self.pairs.items())

    def append(self, part):
        self.parts.append(part)

    def extend(self, parts):
        self.parts.extend(parts)

    def __setitem__(self, key, value):
        self.pairs[key] = value


class New(tuple):
    """Is made by `__new__` with arguments that it names."""

    def __new__(cls, *parts):
        return tuple.__new__(cls, parts)

    def __getnewargs__(self):
        return tuple(self)


class NewByName(object):
    """Is made by `__new__` with named arguments: NEWOBJ_EX."""

    def __new__(cls, first, put=None):
        made = object.__new__(cls)
        made.first, made.put = first, put
        return made

    def __getnewargs_ex__(self):
        return (self.first,), {"put": self.put}


class ListAndMore(list):
    pass


class DictAndMore(dict):
    pass


class StrAndMore(str):
    pass


class IntAndMore(int):
    pass


class Outer(object):
    class Inner(Plain):
        """Has a dot in its name."""


class Odd(Exception):
    def __init__(self, a, b):
        super(Odd, self).__init__(a, b)
        self.extra = [a, b]


class Colour(enum.Enum):
    RED = "put"
    BLUE = 2


class Might(enum.IntFlag):
    READ = 4
    WRITE = 2


Pair = collections.namedtuple("Pair", "put get")

if dataclass:

    @dataclass
    class Point:
        put: int
        get: list


class Buffer(object):
    """Pickles as a buffer in band where the protocol has buffers, else as bytes."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Buffer, (pickle.PickleBuffer(self.data) if protocol >= 5 else bytes(self.data),)


class Coded1(Plain):
    """Known by an extension code of one byte."""


class Coded2(Plain):
    """Known by an extension code of two bytes."""


class Coded4(Plain):
    """Known by an extension code of four bytes."""


class CodedUnknown(Plain):
    """Known by an extension code to whoever puts it, and to nobody else."""


for kind, code in ((Coded1, 240), (Coded2, 3411), (Coded4, 0x12345)):
    copyreg.add_extension(kind.__module__, kind.__name__, code)


def know_all_codes():
    copyreg.add_extension(CodedUnknown.__module__, CodedUnknown.__name__, 77)
