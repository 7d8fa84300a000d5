"""Loads pickles that the payload policy lets in, each watched: nothing but data may come of it.

They are loaded in children, for a forged array could end its process. An audit hook (from Python
3.8 on) tells of whatever else is done, and stops it: files, sockets, processes, code, imports.
"""
import importlib
import mmap
import os
import pickle
import resource
import signal
import struct
import sys
import warnings

# What an unpickler may do with data; all else is told.
QUIET = {"pickle.find_class", "array.__new__", "builtins.id"}
# A loop over a number that was made up ends here.
CPU_SECONDS_MAX = 5


class Harm(BaseException):
    """Stops what is about to be done."""


def import_what_may_be_asked_for(numpy):
    """Imports are no harm when the policy lets them in; so they are made before we watch."""
    names = ["_codecs", "_queue", "array", "collections", "copyreg", "datetime", "decimal",
             "encodings.latin_1", "fractions", "ipaddress", "pathlib", "pathlib._local", "queue", "time",
             "types", "uuid"]
    if numpy is not None:
        names += ["numpy.core.multiarray", "numpy.core.numeric", "numpy._core.multiarray",
                  "numpy._core.numeric"]
        repr(numpy.arange(3.0))
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:  # of another platform, or another version
            pass


def use(value):
    """What a reader who expects data does first."""
    for function in (repr, str, len, hash, list, bool):
        try:
            function(value)
        except Exception:
            pass
    parts = value if type(value) in (list, tuple) else []
    for part in parts[:20] + (parts[-1:] if len(parts) > 20 else parts[:0]):
        if part is not value:
            use_shallow(part)
    use_shallow(value)


def use_shallow(value):
    if type(value).__name__ == "ndarray":
        for method in ("copy", "tobytes", "tolist", "sum", "byteswap", "ravel", "__repr__"):
            try:
                getattr(value, method)()
            except Exception:
                pass


def load_all(pickles, start, place, tell):
    """In a child: loads them in turn, noting which one it is at."""
    harm = []

    def hook(event, args):
        absent = event == "import" and args[0].split(".")[0] in ("numpy", "pathlib")
        if watching and event not in QUIET and not absent:
            harm.append((event, repr(args)[:200]))
            raise Harm(event)

    watching = False
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(hook)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    warnings.simplefilter("ignore")
    for number in range(start, len(pickles)):
        place[:4] = struct.pack("I", number)
        watching = True
        try:
            use(pickle.loads(pickles[number]))
        except BaseException:
            pass
        watching = False
        if harm:
            tell(number, harm)
            harm.clear()


def watch(pickles, numpy, fail):
    """Loads all; `fail` is told which one did what."""
    import_what_may_be_asked_for(numpy)
    place, start = mmap.mmap(-1, 4), 0
    while start < len(pickles):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            load_all(pickles, start, place, lambda number, harm: os.write(
                writer, ("%d %r\n" % (number, harm[:3])).encode()))
            os._exit(0)
        os.close(writer)
        with open(reader, errors="replace") as told:
            for line in told:
                number, harm = line.split(" ", 1)
                fail("loaded", harm, pickles[int(number)])
        _, status = os.waitpid(child, 0)
        at = struct.unpack("I", place[:4])[0]
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) not in (signal.SIGXCPU, signal.SIGKILL):
            fail("loaded", "ended by signal %d" % os.WTERMSIG(status), pickles[at])
        start = at + 1
