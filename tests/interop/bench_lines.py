"""What the benchmarks in Python share: their words, their rounds, and the lines that they print.

Words and lines are those of crates/piecework-testing/benches/side_by_side, so that `cargo xtask
bench` makes tables of both in the same way. A line is a figure, printed as soon as it is known:
what was measured, its unit, a role, a name and the figure itself, with tabs between.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections import namedtuple

# The roles: what nobody can undercut, the others, and piecework as it is offered.
FLOOR, PEER, OWN = "floor", "peer", "own"
# The units: more is better of the first and the last.
PER_SECOND, MICROS, COUNT = "per second", "us", "count"

# How much of a load that is not counted by time is done where nobody wants the figures.
QUICK_PART = 0.1

# `measure` takes a folder for what it writes and a Tell.
Subject = namedtuple("Subject", "role name measure")


class Words:
    """What to do: `rounds`, `seconds` for each load, `programs` by name, files in `folder`."""

    def __init__(self, words):
        parser = argparse.ArgumentParser()
        parser.add_argument("--rounds", type=int, required=True)
        parser.add_argument("--millis", type=int, required=True)
        parser.add_argument("--quick", action="store_true", help="only show that all runs")
        parser.add_argument("--folder", default=tempfile.gettempdir())
        parser.add_argument("--program", action="append", default=[], metavar="NAME=PATH")
        said = parser.parse_args(words)
        self.rounds = said.rounds
        self.seconds = said.millis / 1000
        self.part = QUICK_PART if said.quick else 1
        self.folder = said.folder
        self.programs = dict(program.split("=", 1) for program in said.program)


class Tell:
    """Prints the figures of a subject, or of another one that came to light beside it."""

    def __init__(self, role, name):
        self.role, self.name = role, name

    def __call__(self, what, unit, figure):
        print(what, unit, self.role, self.name, "%.1f" % figure, sep="\t", flush=True)


def in_rounds(words, subjects):
    """Measures all in turn, round by round; in each round another one is the first."""
    for number in range(words.rounds):
        for at in range(len(subjects)):
            subject = subjects[(at + number) % len(subjects)]
            with tempfile.TemporaryDirectory(prefix="running", dir=words.folder) as folder:
                subject.measure(folder, Tell(subject.role, subject.name))


def main(subjects):
    """Measures what `subjects` makes of the words of the command line."""
    words = Words(sys.argv[1:])
    # What runs when somebody stops this is stopped too: `with` blocks end on an exception.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ["PIECEWORK_CONFIG"] = ""  # nobody's own settings are measured
    if "piecework" in words.programs:
        os.environ["PIECEWORK_BIN"] = words.programs["piecework"]
    in_rounds(words, subjects(words))
