"""Compares what Python makes of pickles with what we do: python3 differential.py FOLDER...

Each file is read as a pickle, and as the item of two requests. Compared is, over a pipe:

- What Python takes for one whole pickle, we do too, or refuse it for a reason that is listed here.
- What we take, and hand on, Python loads to the same objects with the same sharing.
- No name is imported that the policy did not see; and what it lets in does nothing when loaded.

No class is imported for this, a recorder stands for each; only what the policy lets in is loaded
as it is, watched (see policy_load.py). Each message is a length of four bytes and its bytes; the
answer has four parts of the same form: what the policy says, the pickle as it would be handed on,
and the replies with the request's first argument and with its elements.
"""
import collections
import io
import os
import pickle
import pickletools
import random
import resource
import signal
import struct
import sys
import time

import policy_load
import policy_proof
import splice_proof

SECONDS = float(os.environ.get("PIECEWORK_FUZZED_SECONDS", 20))
# A made-up pickle may ask for any amount of memory, and a recorder takes its time.
MEMORY_BYTES_MAX = 1 << 30
LOAD_SECONDS_MAX = 5
# The smaller inputs say as much, sooner.
INPUT_BYTES_MAX = 1 << 16
SHOWN_FAILURES_MAX = 20

# What we refuse though Python reads it: no pickler of Python's writes such pickles.
REFUSED = (
    "no pickler writes it",  # DUP
    "an item must follow what is popped",
    "it ends with what it threw away",
    "there is no item whose state it could have set",
    "objects on the stack, not one",  # more than one is left at the end
    "the operand is no memo index",  # such as 1_0, which Python's int() takes
    "over the limit",
)

# Requests around an item that has no STOP.
PUT = b"(\x8c\x06task.1\x94\x8c\x03put\x94", b"\x85\x94}\x94t\x94."
PUT_MANY = (b"(\x8c\x06task.1\x94\x8c\x08put_many\x94]\x94(", b"", b"]\x94h\x03ah\x03",
            b"h\x04e\x85\x94}\x94t\x94.")


class TooSlow(BaseException):
    """Ends a load that takes too long."""


# What a pickle makes, without any class of its own.

class Recorder:
    """Stands for what a name would import, and for what comes of it: keeps what is done to it."""

    made = 0

    def __new__(cls, *args, **kwargs):
        made = object.__new__(cls)
        made.log = ["new", args, kwargs]
        Recorder.made += 1
        made.number = Recorder.made
        return made

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, *args, **kwargs):
        return Recorder(self, *args, **kwargs)

    def __setstate__(self, state):
        self.log += ["state", state]

    def __setitem__(self, key, value):
        self.log += ["item", key, value]

    def append(self, item):
        self.log += ["append", item]

    def extend(self, items):
        self.log += ["extend"] + list(items)

    def add(self, item):
        self.log += ["add", item]

    def __hash__(self):
        return self.number

    def __eq__(self, other):
        return self is other


def names(unpickler, module, name):
    """One recorder's class for each name."""
    key = module, name
    if key not in unpickler.classes:
        unpickler.classes[key] = type("R", (Recorder,), {"named": key})
    return unpickler.classes[key]


class InC(pickle.Unpickler):
    def find_class(self, module, name):
        return names(self, module, name)


class InPython(pickle._Unpickler):
    """Also notes whether an object is changed after it was referred to, other than in its place."""

    dispatch = dict(pickle._Unpickler.dispatch)
    changed = False

    def find_class(self, module, name):
        if self.proto < 3:
            if (module, name) in policy_proof.NAME_MAPPING:
                module, name = policy_proof.NAME_MAPPING[module, name]
            elif module in policy_proof.IMPORT_MAPPING:
                module = policy_proof.IMPORT_MAPPING[module]
        return names(self, module, name)


def watch_references():
    def getting(code):
        load = InPython.dispatch[code]

        def wrapped(self):
            load(self)
            self.got.append(self.stack[-1])
        InPython.dispatch[code] = wrapped

    def changing(code, target):
        load = InPython.dispatch[code]

        def wrapped(self):
            changed = target(self)
            if any(changed is got for got in self.got):
                self.changed = True
            load(self)
        InPython.dispatch[code] = wrapped

    for opcode in (pickle.GET, pickle.BINGET, pickle.LONG_BINGET):
        getting(opcode[0])
    for opcode, depth in ((pickle.APPEND, 2), (pickle.BUILD, 2), (pickle.SETITEM, 3)):
        changing(opcode[0], lambda self, depth=depth: self.stack[-depth])
    for opcode in (pickle.APPENDS, pickle.SETITEMS, pickle.ADDITEMS):
        changing(opcode[0], lambda self: self.metastack[-1][-1])


class Loaded:
    """What an unpickler makes of the bytes; `why` is None if it is content."""

    def __init__(self, unpickler, data):
        self.why = self.value = None
        Recorder.made = 0
        self.unpickler = unpickler(io.BytesIO(data))
        self.unpickler.classes, self.unpickler.got = {}, []
        try:
            signal.setitimer(signal.ITIMER_REAL, LOAD_SECONDS_MAX)
            try:
                self.value = self.unpickler.load()
            except Exception as error:
                self.why = "%s: %s" % (type(error).__name__, error)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except TooSlow:  # also where it comes a moment late, in the lines above
            self.why = "it takes over %d seconds" % LOAD_SECONDS_MAX


def describe(value, seen=None):
    """A text that tells values, types and sharing; cycles end at what was seen before."""
    seen = {} if seen is None else seen
    if isinstance(value, type) and issubclass(value, Recorder):
        return "<%r>" % (getattr(value, "named", ""),)
    if type(value) is int:
        return hex(value)
    if value is None or type(value) in (bool, float, str, bytes) or value == ():
        return repr(value)
    if id(value) in seen:
        return "#%d" % seen[id(value)]
    seen[id(value)] = len(seen)
    name = type(value).__name__
    if type(value) in (list, tuple):
        return "%s(%s)" % (name, ", ".join(describe(item, seen) for item in value))
    if type(value) is dict:
        pairs = [describe(k, seen) + ":" + describe(v, seen) for k, v in value.items()]
        return "{%s}" % ", ".join(pairs)
    if type(value) in (set, frozenset):
        # In no order that means anything, so each for itself.
        return "%s{%s}" % (name, ", ".join(sorted(describe(item, dict(seen)) for item in value)))
    if isinstance(value, Recorder):
        return "<%r: %s>" % (getattr(value, "named", ""), describe(value.log, seen))
    return repr(value)


def same(one, other):
    try:
        return describe(one) == describe(other)
    except RecursionError:
        return True


# The comparisons.

failures, counts = 0, collections.Counter()


def fail(where, why, data):
    global failures
    failures += 1
    if failures <= SHOWN_FAILURES_MAX:
        print("%s: %s\n  %r" % (where, why, data[:400]), file=sys.stderr)


def ask(data):
    """What we make of it: policy_proof's answer, and what two replies hold."""
    answer = policy_proof.Answer(data)
    parts = [policy_proof.from_policy.read(struct.unpack("!I", policy_proof.from_policy.read(4))[0])
             for _ in range(2)]
    return answer, parts


def is_whole(data):
    """Whether Python takes the bytes for one pickle and nothing after it."""
    try:
        end = None
        for _, _, end in pickletools.genops(data):
            pass
        return end == len(data) - 1
    except Exception:
        return False


def compare(where, data, allowed):
    answer, replies = ask(data)
    counts["messages"] += 1
    is_ours = not answer.verdict.startswith("unreadable")
    if is_ours:
        # Also of what fails when it is loaded: what was imported until then counts.
        policy_proof.compare(where, data, answer)
        if answer.allowed:
            counts["let in by the policy"] += 1
            allowed.append(answer)
    loaded = [Loaded(unpickler, data) for unpickler in (InC, InPython)]
    if any(load.why for load in loaded) or not is_whole(data):
        return
    counts["read by Python"] += 1
    if not is_ours:
        reason = next((reason for reason in REFUSED if reason in answer.verdict), None)
        if reason is None:
            fail(where, "Python reads it, we do not: " + answer.verdict, data)
        counts["refused (%s)" % reason] += 1
        return
    for load, unpickler in zip(loaded, (InC, InPython)):
        again = Loaded(unpickler, answer.lifted)
        if again.why or not same(load.value, again.value):
            fail(where, "handed on, it is not the same: %s" % again.why, data)
    # Who changes an object through a reference changes what stands elsewhere: none of Python's.
    if not loaded[1].unpickler.changed:
        compare_arguments(where, data, loaded, replies)


def compare_arguments(where, data, loaded, replies):
    for load, unpickler in zip(loaded, (InC, InPython)):
        value = load.value
        if type(value) is not tuple or len(value) != 4 or not value[2]:
            return
        if type(value[2]) not in (list, tuple):
            return
        for reply, is_list in zip(replies, (False, True)):
            put = value[2][0]
            if not reply.startswith(b"\x80") or (is_list and type(put) not in (list, tuple)):
                continue
            counts["arguments" if not is_list else "lists of arguments"] += 1
            again = Loaded(unpickler, reply)
            got = again.value[1] if not again.why else None
            if is_list and not again.why:
                equal = len(put) == len(got) and all(map(same, put, got))
            else:
                equal = not again.why and same(put, got)
            if not equal:
                what = "its elements come" if is_list else "its argument comes"
                fail(where, "%s out otherwise: %s" % (what, again.why), data)


# The inputs.

def inputs(folders):
    """Name and bytes of each, in an order that is the same each time."""
    files = sorted(os.path.join(folder, file) for top in folders
                   for folder, _, files in os.walk(top) for file in files)
    random.Random(0).shuffle(files)
    for path in files:
        try:
            with open(path, "rb") as file:
                data = file.read(INPUT_BYTES_MAX + 1)
        except FileNotFoundError:  # the fuzzer that is at work beside has found a shorter one
            continue
        if len(data) <= INPUT_BYTES_MAX:
            yield path, data
    for name, made in splice_proof.kinds():
        if name in splice_proof.HEAVY:
            continue
        for proto in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                yield "%s, protocol %d" % (name, proto), pickle.dumps(made(), proto)
            except Exception:  # not every protocol pickles every kind
                pass


def main(folders):
    watch_references()
    allowed, end = [], time.monotonic() + SECONDS
    harmless = {(module, name) for _, made in policy_proof.honest() for module, name in
                policy_proof.imports_by_python(pickle.dumps(made, 2))}
    for where, data in inputs(folders):
        if time.monotonic() > end:
            counts["inputs, then the time was over"] = counts.pop("inputs")
            break
        counts["inputs"] += 1
        item = data[:-1] if data.endswith(b".") else data
        compare(where, data, allowed)
        compare(where + " in put", PUT[0] + item + PUT[1], [])
        compare(where + " in put_many", item.join(PUT_MANY), [])
    harmless = [answer.lifted for answer in allowed if answer.found <= harmless]
    counts["loaded as they are"] = len(harmless)
    policy_load.watch(harmless, policy_proof.numpy, fail)
    told = ", ".join("%d %s" % (count, what) for what, count in counts.items())
    print("%s: %s, %d failures" % (sys.executable, told, failures + policy_proof.failures),
          file=sys.stderr)
    return 1 if failures + policy_proof.failures else 0


def too_slow(_signal, _frame):
    raise TooSlow()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    signal.signal(signal.SIGALRM, too_slow)
    sys.modules["differential"] = sys.modules["__main__"]
    policy_proof.to_policy, policy_proof.from_policy = os.fdopen(1, "wb"), sys.stdin.buffer
    policy_proof.report = sys.stderr
    sys.exit(main(sys.argv[1:]))
