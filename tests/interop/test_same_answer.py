"""Each program prints the same, line by line, on CPython's own server and on piecework."""

import functools

import pytest

import interpreters
from manager import binary
from shapes import CLOSING, SHAPES, connected, hosted


@functools.lru_cache(maxsize=None)
def on_cpython(shape, python):
    """What master and worker print where everything is Python's own: the measure."""
    return hosted(shape, python, python)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_under_exec(shape, python):
    assert hosted(shape, python, python, prefix=[binary(), "exec", "--"]) == on_cpython(
        shape, python
    )


@pytest.mark.parametrize(
    "shape", [s for s in SHAPES if s.connectable], ids=lambda shape: shape.name
)
def test_with_serve(shape, python, serve):
    assert connected(shape, python, python, serve()) == on_cpython(shape, python)


def test_walk_with_serve(python, serve):
    """The walk needs queues of its own, so its names are given to serve."""
    walk = next(shape for shape in SHAPES if shape.name == "walk")
    here = connected(walk, python, python, serve("free", "small:maxsize=2"))
    expected = on_cpython(walk, python).split("\n")
    only_if_started = "a typeid without callable"
    assert here.split("\n") == [line for line in expected if not line.startswith(only_if_started)]


@pytest.mark.parametrize(
    "since_3_13", [i for i in interpreters.found() if i.version >= (3, 13)], ids=str
)
def test_queues_that_are_shut_down(since_3_13):
    """Older Pythons have no Queue.shutdown to compare with."""
    ours = hosted(CLOSING, since_3_13, since_3_13, prefix=[binary(), "exec", "--"])
    assert ours == on_cpython(CLOSING, since_3_13)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_all_versions_agree_on_cpython(shape):
    """So that what a session prints may be compared across versions in the mixes."""
    first = interpreters.found()[0]
    for python in interpreters.found()[1:]:
        assert on_cpython(shape, python) == on_cpython(shape, first), str(python)
