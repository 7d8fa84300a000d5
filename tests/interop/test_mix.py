"""Masters and workers of different versions work together and print what one version would."""

import pytest

import interpreters
from manager import binary
from shapes import SHAPES, connected, hosted
from test_same_answer import on_cpython

PAIRS = [shape for shape in SHAPES if shape.worker]


@pytest.mark.parametrize("master", interpreters.some(), ids=lambda python: "master-%s" % python)
def test_master_under_exec(master, python):
    """Every version works for three masters; the shape changes with the version of the worker."""
    shape = PAIRS[python.version[1] % len(PAIRS)]
    session = hosted(shape, master, python, prefix=[binary(), "exec", "--"])
    assert session == on_cpython(shape, master)


@pytest.mark.parametrize("master", interpreters.some(), ids=lambda python: "master-%s" % python)
def test_master_connects(master, python, serve):
    assert connected(SHAPES[0], master, python, serve()) == on_cpython(SHAPES[0], master)
