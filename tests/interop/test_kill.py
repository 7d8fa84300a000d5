"""What a stock worker loses when it is killed with -9, at each step: nothing."""

import queue
import threading
import time
from contextlib import ExitStack

import pytest

import interpreters
from program import PATIENCE_SECONDS, Program, wait_until
from shapes import AUTHKEY, command

# How long an item may be away between a worker's death and the next worker's get.
REDELIVERY_SECONDS_MAX = 1.0


def steps_worker(python, manager, last_step):
    return Program(*command(python, "steps_worker.py", *manager.address, AUTHKEY, last_step))


def test_while_it_waits(python, serve, connect):
    """CPython's own server hands the next item to the dead worker; here it stays."""
    manager = serve()
    task, _ = connect(manager)
    with steps_worker(python, manager, "got") as worker:
        worker.wait_for("^waiting$")
        wait_until(lambda: task.stats()["getters"] == 1, "the worker waits in get")
        worker.kill()
    for n in range(3):
        task.put(n)
    assert task.qsize() == 3
    assert [task.get(timeout=5) for _ in range(3)] == [0, 1, 2]


def test_after_get(python, serve, connect):
    """The item is with the next worker within a second, and before the younger ones."""
    manager = serve()
    task, _ = connect(manager)
    task.put("first")
    with steps_worker(python, manager, "got") as worker:
        worker.wait_for("^got 'first'$")
        with pytest.raises(queue.Empty):
            task.get_nowait()
        answers = []
        waiter = threading.Thread(
            target=lambda: answers.append((task.get(timeout=30), time.monotonic()))
        )
        waiter.start()
        killed = time.monotonic()
        worker.kill()
        waiter.join()
    item, came = answers[0]
    assert item == "first"
    assert came - killed < REDELIVERY_SECONDS_MAX


def test_after_get_it_keeps_its_place(serve, connect):
    manager = serve()
    task, _ = connect(manager)
    for n in range(3):
        task.put(n)
    with steps_worker(interpreters.main(), manager, "got") as worker:
        worker.wait_for("^got 0$")
        worker.kill()
    wait_until(lambda: task.qsize() == 3, "the item is back")
    assert [task.get(timeout=5) for _ in range(3)] == [0, 1, 2]


def test_after_put(python, serve, connect):
    """A task that was answered is not handed out again, and its result is there once."""
    manager = serve()
    task, result = connect(manager)
    task.put(7)
    with steps_worker(python, manager, "put") as worker:
        worker.wait_for("^put$")
        worker.kill()
    assert result.get(timeout=5) == "result of 7"
    with pytest.raises(queue.Empty):
        task.get(timeout=REDELIVERY_SECONDS_MAX)
    assert (task.qsize(), result.qsize()) == (0, 0)


TASKS = 1000
WORKERS = 4
KILLER_RHYTHM_SECONDS = 0.25
WORK_SECONDS = 0.015  # so that a thousand tasks take long enough for a dozen kills


def test_exactly_one_result_each(serve, connect):
    """In answered mode with attempts=0: a thousand tasks, four workers, one killed every 250 ms."""
    manager = serve("task:answers=result,attempts=0", "result")
    task, result = connect(manager)
    for n in range(TASKS):
        task.put(n)
    with ExitStack() as stack:

        def employ():
            line = command(
                interpreters.main(), "steady_worker.py", *manager.address, AUTHKEY, WORK_SECONDS
            )
            return stack.enter_context(Program(*line))

        workers = [employ() for _ in range(WORKERS)]
        done = threading.Event()
        kills = []

        def kill_in_turn():
            while not done.wait(KILLER_RHYTHM_SECONDS):
                turn = len(kills) % WORKERS
                workers[turn].kill()
                kills.append(turn)
                workers[turn] = employ()

        killer = threading.Thread(target=kill_in_turn)
        killer.start()
        try:
            results = [result.get(timeout=PATIENCE_SECONDS) for _ in range(TASKS)]
        finally:
            done.set()
            killer.join()
    assert sorted(results) == [(n, n * n) for n in range(TASKS)]
    assert len(kills) >= WORKERS, "too few kills to prove anything: %d" % len(kills)
    wait_until(lambda: task.qsize() == 0, "no task is left or handed back")
    assert result.qsize() == 0
