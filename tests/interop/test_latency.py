"""Connecting and putting never wait for a delayed acknowledgement: two ratios that we promise."""

import pytest

from bench_connect import CONNECT_RATIO_MAX, PUT_RATIO_MAX, side_by_side

pytestmark = pytest.mark.alone

ROUNDS = 5  # a wait of 40 ms shows in the first; medians of five shrug off a busy moment


def test_ratios_to_cpython(serve):
    (their_connect, their_put), (connect, put) = side_by_side(serve(), ROUNDS)
    assert connect < their_connect * CONNECT_RATIO_MAX
    assert put < their_put * PUT_RATIO_MAX
