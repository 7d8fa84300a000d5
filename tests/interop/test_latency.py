"""Connecting and putting never wait for a delayed acknowledgement: two ratios that we promise."""

import statistics

import pytest

import bench_servers
from bench_stock import connect, connect_seconds, put_seconds

pytestmark = pytest.mark.alone

ROUNDS = 5  # a wait of 40 ms shows in the first; medians of five shrug off a busy moment

# How much of CPython's time piecework may take: CPython waits for acknowledgements (40 ms).
CONNECT_RATIO_MAX = 1 / 10
PUT_RATIO_MAX = 1 / 50


def test_ratios_to_cpython(serve):
    with bench_servers.cpython() as cpython:
        (their_connect, their_put), (connect, put) = medians(cpython, serve().address)
    assert connect < their_connect * CONNECT_RATIO_MAX
    assert put < their_put * PUT_RATIO_MAX


def medians(*addresses):
    """Seconds of a connect and of a put for each server; the rounds alternate between them."""
    tasks = [connect(address)[0] for address in addresses]
    rounds = [
        [(connect_seconds(address), put_seconds(task)) for address, task in zip(addresses, tasks)]
        for _ in range(ROUNDS)
    ]
    return [tuple(map(statistics.median, zip(*of_server))) for of_server in zip(*rounds)]
