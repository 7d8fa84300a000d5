"""Queues that are more than a line: by priority, youngest first, bounded in bytes, put to once."""

import math
import queue
import random

import pytest

SEED = 20_000_002


def number(chance):
    return chance.choice(
        [
            chance.randint(-3, 3),
            chance.randint(-(2**70), 2**70),
            2**53 + chance.randint(-2, 2),
            float(2**53) + chance.randint(-2, 2),
            -(2**63) + chance.randint(-2, 2),
            float(2**63),
            2 ** chance.randint(0, 2000),
            -(2 ** chance.randint(0, 2000)),
            float(chance.randint(-3, 3)),
            chance.uniform(-3, 3),
            2.0 ** chance.randint(-1074, 1023),
            -(2.0 ** chance.randint(-1074, 1023)),
            chance.choice([True, False, math.inf, -math.inf]),
        ]
    )


def text(chance):
    return "".join(chance.choice("\0aAé€😀z\x7f") for _ in range(chance.randint(0, 4)))


def raw(chance):
    return bytes(chance.choice([0, 1, 97, 255]) for _ in range(chance.randint(0, 4)))


def sequence(chance):
    return (number(chance), text(chance), [number(chance)] * chance.randint(0, 2))


@pytest.mark.parametrize("value", [number, text, raw, sequence])
def test_items_come_as_python_sorts_them(value, serve, connect):
    task, _ = connect(serve("task:priority", "result"))
    chance = random.Random(SEED)
    for _ in range(5):
        items = [value(chance) for _ in range(300)]
        task.put_many(items)
        got = []
        while len(got) < len(items):
            got += task.get_many(len(items), 5)
        # Python's sort keeps the order of equal ones, as the queue does: their types tell.
        assert list(map(repr, got)) == list(map(repr, sorted(items)))


def test_what_cannot_be_ordered_is_refused(serve, connect):
    task, _ = connect(serve("task:priority", "result"))
    task.put(3)
    for wrong in ["x", (1, 2), None, {"a": 1}, {1, 2}]:
        with pytest.raises(TypeError):
            task.put(wrong)
    assert task.get(timeout=5) == 3
    task.put((1, {"first": 1}))
    task.put((1, {"then": 2}))
    task.put((0, None))
    got = [task.get(timeout=5) for _ in range(3)]
    assert got == [(0, None), (1, {"first": 1}), (1, {"then": 2})]


def test_the_youngest_comes_first(serve, connect):
    task, _ = connect(serve("task:lifo", "result"))
    for item in range(3):
        task.put(item)
    assert [task.get(timeout=5) for _ in range(3)] == [2, 1, 0]


def test_bytes_bound_a_queue(serve, connect):
    task, _ = connect(serve("task:maxbytes=1K", "result"))
    task.put("x" * 500)
    with pytest.raises(queue.Full):
        task.put("x" * 600, timeout=0.1)
    with pytest.raises(ValueError, match="can never fit"):
        task.put("x" * 2000)
    assert task.qsize() == 1


def test_a_key_is_good_for_one_item_over_a_restart_too(serve, connect):
    manager = serve()
    task, _ = connect(manager)
    assert task.put_once("job 1", "item") is True
    assert task.put_once("job 1", "item") is False
    manager.program.kill()
    task, _ = connect(serve(data=manager.data))
    assert task.put_once("job 1", "item") is False
    assert task.put_once(key="job 2", item="item") is True
    assert task.qsize() == 2
