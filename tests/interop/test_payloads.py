"""Payloads come out of the manager as they come out of a file, for all pairs of Pythons.

Equal, with the same things shared; and where one Python cannot read what another has pickled, it
fails in the same words.
"""

from contextlib import ExitStack

import interpreters
from program import Program
from shapes import AUTHKEY, command

# What Python itself pickles only at protocol 2 and later.
NEEDS_PROTOCOL_2 = ["slots", "slots and more"]


def queues(getters):
    return ["to_%d" % number for number in range(len(getters))]


def exchanged(kinds, putter, getters, serve, folder):
    """Puts with one Python and gets with each of the others what they find in a file as well.

    Returns what the putter said that it could not pickle, and what each getter said that it could
    read neither from the manager nor from the file.
    """
    manager = serve(*queues(getters))
    files = [*manager.address, AUTHKEY, kinds, folder / "pickles"]
    with Program(*command(putter, "kinds_putter.py", *files, *queues(getters))) as program:
        said, put = program.finish()
    with ExitStack() as stack:
        programs = [
            stack.enter_context(Program(*command(getter, "kinds_getter.py", *files, queue)))
            for getter, queue in zip(getters, queues(getters))
        ]
        from_neither = {}
        for program, getter in zip(programs, getters):
            *wrong, neither, got = program.finish()
            assert wrong == [] and got == "got %s, 0 otherwise" % put, "by %s" % getter
            from_neither[getter] = neither
    return said, from_neither


def test_every_kind(python, serve, tmp_path):
    getters = interpreters.found()
    said, from_neither = exchanged("payload_kinds", python, getters, serve, tmp_path)
    assert said == "not by every pickler: %s" % NEEDS_PROTOCOL_2
    for getter, neither in from_neither.items():
        unknown = ["an unknown extension code"]
        if getter.version < (3, 7) <= python.version:
            unknown.insert(0, "a dataclass")
        assert neither == "from neither: %s" % unknown, "from %s to %s" % (python, getter)
