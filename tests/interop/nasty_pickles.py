"""Pickles that nobody should unpickle: what is known of each, and all of them together."""

from collections import namedtuple

# `opcodes` are those between PROTO and STOP. `refused` is what the refusal names. `runs`: whether
# Python's own unpickler makes a file of it. `whole`: whether `--payloads any` lets it in.
Nasty = namedtuple("Nasty", "name protocol opcodes refused runs whole")

# Stands for the number of a nasty, by which the file is named that it makes.
NUMBER = b"@@@"


def runs(name, protocol, opcodes, refused):
    """Makes a file where it is unpickled."""
    return Nasty(name, protocol, opcodes, refused, runs=True, whole=True)


def asks(name, protocol, opcodes, refused):
    """Asks for what is not data, but makes no file: it fails, or harms otherwise, or waits."""
    return Nasty(name, protocol, opcodes, refused, runs=False, whole=True)


def broken(name, opcodes, refused, protocol=4):
    """Is no pickle that could be carried, though it may look like one for long."""
    return Nasty(name, protocol, opcodes, refused, runs=False, whole=False)


def numbered(nasties):
    return [nasty._replace(opcodes=nasty.opcodes.replace(NUMBER, b"%03d" % number))
            for number, nasty in enumerate(nasties)]
