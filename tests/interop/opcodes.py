"""The opcodes of pickles that are written by hand."""

import pickle
import pickletools
import struct


def text(word):
    """BINUNICODE"""
    raw = word.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def some_bytes(raw):
    """BINBYTES"""
    return b"B" + struct.pack("<I", len(raw)) + raw


def named(module, name):
    """GLOBAL"""
    return b"c%s\n%s\n" % (module.encode(), name.encode())


def stacked(module, name):
    """STACK_GLOBAL"""
    return text(module) + text(name) + b"\x93"


def call(function, *args):
    """REDUCE"""
    return function + b"(" + b"".join(args) + b"tR"


def data(thing):
    """What a pickler writes for plain data, without the memo."""
    return pickletools.optimize(pickle.dumps(thing, 2))[2:-1]


def proto(number):
    """PROTO, which protocols 0 and 1 do not have."""
    return b"\x80" + struct.pack("B", number) if number >= 2 else b""


NONE, STOP, MARK, POP, POP_MARK, DUP, MEMOIZE = b"N", b".", b"(", b"0", b"1", b"2", b"\x94"
NEWOBJ, NEWOBJ_EX, BUILD, SETITEM, EMPTY_DICT = b"\x81", b"\x92", b"b", b"s", b"}"
