"""Payloads of every kind go in by one Python and come out equal, with the same sharing, by another."""

import pytest

import interpreters
from program import Program
from shapes import AUTHKEY, command

KINDS, FORMS = 38, 6


@pytest.mark.parametrize("getter", interpreters.found(), ids=lambda getter: "to-%s" % getter)
def test_every_kind_comes_out_as_it_went_in(python, getter, serve):
    manager = serve()
    with Program(*command(python, "kinds_putter.py", *manager.address, AUTHKEY)) as putter:
        assert putter.finish() == ["put %d" % (KINDS * FORMS)]
    with Program(*command(getter, "kinds_getter.py", *manager.address, AUTHKEY)) as program:
        said = program.finish()
    assert said == ["got %d, of %d kinds, wrong: []" % (KINDS * FORMS, KINDS)]
