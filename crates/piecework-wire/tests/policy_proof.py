"""Sends pickles over a pipe to the payload policy `data`, and compares its verdicts with Python.

Three proofs. Honest data, pickled in every way there is, is let in. Every pickle of a list of
malicious ones is refused (see policy_attacks.py; none is ever executed). And of all these, and of
many thousands mangled from them, the policy sees every import that Python's unpicklers ask for.

Each pickle is sent as a length of four bytes and its bytes. The answer has two parts of the same
form: what the policy says, and the pickle as it would be handed on.
"""
import array
import collections
import datetime
import decimal
import fractions
import io
import ipaddress
import os
import pathlib
import pickle
import pickletools
import queue
import random
import resource
import struct
import sys
import time
import types
import uuid
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from multiprocessing.reduction import ForkingPickler

import policy_attacks
import policy_load

try:
    import numpy
except ImportError:
    numpy = None
try:
    import cloudpickle
except ImportError:
    cloudpickle = None

# Mangled pickles are made from a fixed seed: what fails once fails again. Another seed, and more of
# them, can be asked for.
SEED = int(os.environ.get("SEED", 20))
MANGLED = int(os.environ.get("MANGLED", 12000))
# A mangled pickle may ask for any amount of memory.
MEMORY_BYTES_MAX = 2 << 30


# Honest data.

def recursive_list():
    made = [1]
    made.append(made)
    return made


def error_with_attributes():
    made = ValueError("bad", 1)
    made.note = ["anything"]
    return made


def honest():
    """Name and value of each kind of harmless data."""
    atoms = [None, True, 0, -1, 2**40, 2**100, 1.5, float("inf"), 3 + 4j, "", "text", "\u20ac" * 90,
             b"", b"bytes\x00\xff", b"x" * 70000, bytearray(b"abc"), (), [], {}, set(), frozenset(),
             Ellipsis, NotImplemented, range(3), slice(1, 2)]
    for atom in atoms:
        yield repr(atom)[:20], atom
    shared = ["shared"]
    yield "containers", [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {"k": {1: 2}}, {1, 2}, shared, shared]
    yield "recursive list", recursive_list()
    yield "many", [{"name": "n%d" % i, "value": [i, (i,)]} for i in range(600)]
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 6)
    zone = datetime.timezone(datetime.timedelta(hours=2), "there")
    yield "dates", [moment, moment.replace(tzinfo=zone), moment.date(), moment.time(),
                    datetime.timedelta(1, 2, 3), datetime.timezone.utc]
    yield "numbers", [decimal.Decimal("1.5"), decimal.Decimal("NaN"), fractions.Fraction(2, 3)]
    yield "uuid", uuid.UUID(int=5)
    if sys.version_info >= (3, 7):
        yield "uuid that says how it was made", uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe)
    yield "addresses", [ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8"),
                        ipaddress.ip_interface("10.0.0.1/8")]
    yield "collections", [collections.OrderedDict(a=1), collections.deque([1, 2], 3),
                          collections.Counter("abca"), collections.defaultdict(list, a=[1]),
                          collections.defaultdict(None), collections.ChainMap({"a": 1}),
                          collections.UserDict(a=1), collections.UserList([1]),
                          collections.UserString("a")]
    yield "paths", [pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:/a"),
                    pathlib.Path("a"), pathlib.PurePath()]
    yield "exceptions", [KeyError("k"), OSError(2, "no", "file"), SystemExit(1), StopIteration(1),
                         FileNotFoundError(2, "no"), queue.Empty(), queue.Full(),
                         SyntaxError("bad", ("f", 1, 2, "t")), error_with_attributes()]
    if sys.version_info >= (3, 11):
        yield "exception group", ExceptionGroup("two", [ValueError(1), KeyError(2)])
    letters = "w" if sys.version_info >= (3, 13) else "u"
    yield "array", [array.array("i", [1, 2]), array.array("d", [0.5]), array.array(letters, "a\u20ac")]
    yield "time", time.localtime(0)
    yield "namespace", types.SimpleNamespace(a=1, b=[2])
    if numpy is not None:
        for pair in honest_arrays():
            yield pair


def honest_arrays():
    for name in ("b1", "i1", "i8", ">i4", "u2", "f2", "f4", "f8", "longdouble", "c16", "S5", "S0",
                 "U3", ">U3", "V7", "M8[ns]", "m8[s]", "M8"):
        kind = numpy.dtype(name)
        made = numpy.zeros((3, 4), kind)
        yield "array " + name, made
        yield "arrays of one dtype " + name, [made, made[0], made, kind, kind]
        yield "sliced " + name, made.T[::2]
        yield "in Fortran's order " + name, numpy.asfortranarray(made)
        yield "no dimension " + name, numpy.zeros((), kind)
        yield "empty " + name, numpy.zeros((0, 5), kind)
        yield "scalar " + name, [made[0, 0], made[1, 1]]
    yield "large array", [numpy.arange(90000), {"k": numpy.arange(20000.0)}]
    yield "read-only", numpy.frombuffer(b"01234567", "i4")


def pickled_honestly():
    """Name, and pickle of it by each pickler at each protocol."""
    for name, value in honest():
        for proto in range(pickle.HIGHEST_PROTOCOL + 1):
            yield "%s, protocol %d, C" % (name, proto), pickle.dumps(value, proto)
            yield "%s, protocol %d, Python" % (name, proto), pickle._dumps(value, proto)
            forking = bytes(ForkingPickler.dumps(value, proto))
            yield "%s, protocol %d, forking" % (name, proto), forking
            # cloudpickle writes a namespace as a call of its own, which might return any class.
            if cloudpickle is not None and proto >= 2 and name != "namespace":
                yield "%s, protocol %d, cloud" % (name, proto), cloudpickle.dumps(value, proto)


# What Python's unpicklers ask for.

class Stub:
    """Stands for whatever is imported: may be called, made, set and filled; does nothing."""

    def __new__(cls, *args, **kwargs):
        return object.__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return self

    def __setitem__(self, key, value):
        pass

    append = extend = add = __setstate__ = __call__


class Asked(Exception):
    """A pickle asked for what no readable payload may ask for."""


def imports_by_c(data):
    """What the unpickler in C asks `find_class` for."""
    asked = set()

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            asked.add((module, name))
            return Stub

        def persistent_load(self, pid):
            asked.add(("persistent id", repr(pid)))
            return Stub()

    load(Unpickler, data)
    return asked


def imports_by_python(data):
    """What the unpickler in Python would import, after it renamed what Python 2 named otherwise."""
    found = set()

    class Unpickler(pickle._Unpickler):
        def find_class(self, module, name):
            if self.proto < 3:
                if (module, name) in NAME_MAPPING:
                    module, name = NAME_MAPPING[module, name]
                elif module in IMPORT_MAPPING:
                    module = IMPORT_MAPPING[module]
            found.add((module, name))
            return Stub

        def persistent_load(self, pid):
            found.add(("persistent id", repr(pid)))
            return Stub()

        def get_extension(self, code):
            found.add(("extension", repr(code)))
            self.append(Stub)

    load(Unpickler, data)
    return found


def load(unpickler, data):
    try:
        unpickler(io.BytesIO(data)).load()
    except Exception:  # what was asked for until then counts
        pass


# The exchange with the policy.

class Answer:
    def __init__(self, pickled):
        to_policy.write(struct.pack("!I", len(pickled)) + pickled)
        to_policy.flush()
        told, self.lifted = [from_policy.read(struct.unpack("!I", from_policy.read(4))[0])
                             for _ in range(2)]
        lines = told.decode().split("\n")
        self.verdict, self.seen = lines[0], lines[1] == "seen"
        imports = [tuple(line.split("\t")) for line in lines[2:-1]]
        self.asked = {(module, name) for module, name, _, _ in imports}
        self.found = {(module, name) for _, _, module, name in imports}

    @property
    def allowed(self):
        return self.verdict == "allowed"


failures = 0


def fail(where, why, pickled):
    global failures
    failures += 1
    print("%s: %s\n  %r" % (where, why, pickled[:300]), file=report)


def compare(where, pickled, answer):
    """No import that the policy did not see. Returns whether there was anything to compare."""
    if answer.verdict.startswith("unreadable"):
        return False
    if not answer.seen:
        if answer.allowed:
            fail(where, "allowed, though not all of it could be told", pickled)
        return False
    # Frames are not handed on, and unpicklers differ about those that are mangled.
    handed_on = (answer.lifted,) if b"\x95" in pickled else (answer.lifted, pickled)
    for data in handed_on:
        for unseen in (imports_by_c(data) - answer.asked, imports_by_python(data) - answer.found):
            if unseen:
                fail(where, "imported unseen: %r" % (unseen,), data)
    return True


# Mangled pickles.

def opcodes(pickled):
    """The pickle, cut into its opcodes: each with what it does to the stack."""
    try:
        cut = [(place, (tuple(op.stack_before), tuple(op.stack_after)))
               for op, _, place in pickletools.genops(pickled)]
    except Exception:
        return [(pickled, None)]
    ends = [place for place, _ in cut[1:]] + [len(pickled)]
    return [(pickled[place:end], effect) for (place, effect), end in zip(cut, ends)]


# What a mangled pickle may gain at any place, besides opcodes of others.
INSERTED = [b"\x94", b"h\x00", b"h\x01", b"h\x02", b"(", b"0", b"1", b"2", b"N", b")", b"\x93", b"R",
            b"\x81", b"b", b"o", b"t", b"\x85", b"\x86", b"q\x00", b"q\x01", b"p1\n", b"g1\n",
            b"\x80\x00", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"cos\nsystem\n", b"ios\nsystem\n",
            b"c__builtin__\nset\n", b"cdatetime\ndate.today\n", b"\x8c\x02os", b"\x8c\x06system",
            b"U\x02os", b"Vos\n", b"V\\u006fs\n", b"V\\\\u006fs\n", b"X\x06\0\0\0system", b"\x82\x01"]


def mangled(chance, corpus, alike):
    ops = list(chance.choice(corpus))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(ops))
        old, effect = ops[at]
        way = chance.randrange(9)
        if way == 0:
            del ops[at]
        elif way == 1:
            ops.insert(at, (chance.choice(INSERTED), None))
        elif way == 2:
            ops.insert(at, chance.choice(chance.choice(corpus)))
        elif way == 3:
            other = chance.randrange(len(ops))
            ops[at], ops[other] = ops[other], ops[at]
        elif way == 4:
            changed = bytearray(old)
            changed[chance.randrange(len(changed))] = chance.randrange(256)
            ops[at] = bytes(changed), effect
        else:  # most often, one that leaves the stack as high: many of these stay readable
            ops[at] = chance.choice(alike.get(effect, ops))
        if not ops:
            break
    made = b"".join(op for op, _ in ops)
    return made if made.endswith(b".") else made + b"."


def main():
    corpus, allowed, counts, harmless = [], [], collections.Counter(), set()
    for where, pickled in pickled_honestly():
        answer = Answer(pickled)
        counts["honest"] += 1
        if not answer.allowed:
            fail(where, answer.verdict, pickled)
        compare(where, pickled, answer)
        harmless |= answer.found
        if len(pickled) < 2000:
            corpus.append(opcodes(pickled))
    for where, pickled in policy_attacks.all_of_them(numpy):
        answer = Answer(pickled)
        counts["malicious"] += 1
        if answer.allowed:
            fail(where, "a malicious pickle is let in", pickled)
        if not (imports_by_python(pickled) or imports_by_c(pickled)):
            fail(where, "it asks for nothing: is it well made?", pickled)
        compare(where, pickled, answer)
        corpus.extend([opcodes(pickled)] * 3)
    alike = collections.defaultdict(list)
    for op in (op for ops in corpus for op in ops):
        alike[op[1]].append(op)
    chance = random.Random(SEED)
    for number in range(MANGLED):
        pickled = mangled(chance, corpus, alike)
        counts["mangled"] += 1
        answer = Answer(pickled)
        counts["mangled and readable"] += compare("mangled %d" % number, pickled, answer)
        # Whatever the policy says, nothing is loaded that names more than honest data does.
        if answer.allowed and answer.found <= harmless:
            allowed.append(answer.lifted)
    if not failures:
        counts["mangled, let in and loaded"] = len(allowed)
        policy_load.watch(allowed, numpy, fail)
    told = ", ".join("%d %s" % (count, what) for what, count in counts.items())
    print("%s: %s, %d failures" % (sys.executable, told, failures), file=report)
    report.flush()
    return 1 if failures else 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    to_policy, from_policy, report = os.fdopen(1, "wb"), sys.stdin.buffer, sys.stderr
    sys.exit(main())
