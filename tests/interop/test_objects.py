"""Locks, events, lists, dicts and the other objects of a SyncManager, as stock programs use them.

Each script prints the same on CPython's own server and on piecework. Where CPython loses what a
killed process held or waited for, piecework does not; and what would need Python code in the
server is refused.
"""

import functools
from array import array
from contextlib import ExitStack
from multiprocessing.managers import ArrayProxy, BaseManager
from pathlib import Path

import pytest

import interpreters
from manager import binary
from program import Program
from shapes import AUTHKEY, Shape, command, connected, hosted

SCRIPTS = [
    Shape("objects-" + kind, "objects_%s.py" % kind, None)
    for kind in (
        "lock",
        "semaphore",
        "event",
        "condition",
        "barrier",
        "value",
        "list",
        "dict",
        "set",
        "nested",
    )
]
PROCESSES_SCRIPT = Shape("objects-processes", "objects_processes.py", None)
EXEC = [binary(), "exec", "--"]


@functools.lru_cache(maxsize=None)
def on_cpython(shape, python):
    return hosted(shape, python, python)


def by_name(shape):
    return shape.name


@pytest.mark.parametrize("shape", SCRIPTS, ids=by_name)
def test_under_exec(shape, python):
    assert hosted(shape, python, python, prefix=EXEC) == on_cpython(shape, python)


@pytest.mark.parametrize("either", [interpreters.found()[at] for at in (0, -1)], ids=str)
def test_processes_under_exec(either):
    """In the oldest and the newest: most of a minute goes by in CPython's own connections."""
    assert hosted(PROCESSES_SCRIPT, either, either, prefix=EXEC) == on_cpython(
        PROCESSES_SCRIPT, either
    )


@pytest.mark.parametrize("shape", [*SCRIPTS, PROCESSES_SCRIPT], ids=by_name)
def test_with_serve(shape, serve):
    python = interpreters.main()
    assert connected(shape, python, python, serve()) == on_cpython(shape, python)


def started(name, *args, python=None):
    """What a script prints whose manager is served by piecework."""
    line = command(python or interpreters.main(), name, "127.0.0.1", 0, AUTHKEY, "start", *args)
    with Program(*EXEC, *line) as program:
        return program.finish()


KILLED = """\
Lock, its holder killed:
  somebody else, before: False
  somebody else, afterwards: True
RLock, its holder killed:
  somebody else, before: False
  somebody else, afterwards: True
Condition, its holder killed:
  somebody else, before: False
  somebody else, afterwards: True
Semaphore, its holder killed:
  somebody else, before: False
  somebody else, afterwards: False
BoundedSemaphore, its holder killed:
  somebody else, before: False
  somebody else, afterwards: False
Lock, its holder killed while another waits:
  who waited: True
RLock, its holder killed while another waits:
  who waited: True
Condition, its holder killed while another waits:
  who waited: True
Lock, a waiter killed:
  somebody else: True
RLock, a waiter killed:
  somebody else: True
Condition, a waiter killed:
  somebody else: True
Semaphore, a waiter killed:
  somebody else: True
BoundedSemaphore, a waiter killed:
  somebody else: True
Condition, who waits for notice killed:
  the other one is notified: True
  the lock is free afterwards: True
Event, a waiter killed:
  the other one: True
Barrier, a waiter killed:
  still counted: False
  the other one alone: waits in vain
done"""


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_killed_processes(python, start_method):
    """What they held is free, save permits, which have no holder; nobody waits for the dead."""
    assert "\n".join(started("objects_killed.py", 20, start_method, python=python)) == KILLED


# On CPython's server each of these is a ghost's; its other answers depend on who is faster.
LOST_ON_CPYTHON = [
    "  somebody else, afterwards: False",
    "  who waited: False",
    "  the other one is notified: 'never comes back'",
    "  still counted: True",
    "  the other one alone: place 1",
]


def test_killed_processes_on_cpython():
    """So that what is said of CPython beside piecework stays true."""
    args = ("127.0.0.1", 0, AUTHKEY, "start", 1, "fork")
    with Program(*command(interpreters.main(), "objects_killed.py", *args)) as program:
        printed = program.finish()
    assert [line for line in LOST_ON_CPYTHON if line not in printed] == []


def test_refused():
    """It says what to do instead, and nothing is changed by the attempt."""
    *refused, kept, done = started("objects_refused.py")
    assert len(refused) == 15
    for line in refused:
        assert " -> TypeError: " in line, line
    for line in refused[:3]:
        assert "would be run in the manager" in line, line
        assert "hint: " in line, line
    assert (kept, done) == ("kept: [2, 1] [1, 2]", "done")


LINE = 64


def test_a_lock_is_got_in_order_of_arrival():
    order = " ".join(map(str, range(LINE)))
    assert started("objects_line.py", LINE) == ["order: " + order]


PROCESSES = 8
CLIENTS_EACH = 125


def test_a_thousand_clients_at_one_barrier(serve):
    total = PROCESSES * CLIENTS_EACH
    manager = serve(more=("--object", "meeting:Barrier=%d" % total))
    line = command(
        interpreters.main(), "objects_crowd.py", *manager.address, AUTHKEY, CLIENTS_EACH
    )
    with ExitStack() as stack:
        crowd = [stack.enter_context(Program(*line)) for _ in range(PROCESSES)]
        places = [place for program in crowd for place in program.finish()[0].split()[1:]]
    assert sorted(map(int, places)) == list(range(total))


class Samples(BaseManager):
    pass


Samples.register("samples", proxytype=ArrayProxy)


def test_an_array_with_a_name(serve):
    manager = serve(more=("--object", "samples:Array=d:3"))
    client = Samples(address=manager.address, authkey=AUTHKEY.encode())
    client.connect()
    samples = client.samples()
    samples[1] = 2
    assert samples[:] == array("d", [0, 2, 0])
    assert client.samples()[:] == samples[:]


FENCES = """\
import sys
from multiprocessing.managers import SyncManager

manager = SyncManager(address=("127.0.0.1", 0), authkey=b"a key for tests only")
manager.start()
for lock in (manager.Lock(), manager.RLock(), manager.Condition()):
    numbers = []
    for _ in range(3):
        with lock:
            numbers.append(lock._callmethod("fence"))
            assert lock._callmethod("fence") == numbers[-1]
    print(numbers == sorted(set(numbers)))
    try:
        lock._callmethod("fence")
    except RuntimeError as error:
        print("free: no number")
"""


def test_fencing_numbers(tmp_path):
    """Each holding has a number greater than those before it, and what is free has none."""
    script = tmp_path / "fences.py"
    script.write_text(FENCES)
    with Program(*EXEC, interpreters.main().path, "-u", str(script)) as program:
        assert program.finish() == 3 * ["True", "free: no number"]


def test_the_example_of_the_docs(tmp_path):
    """The first program of docs/objects.md says what stands below it."""
    text = (Path(__file__).parents[2] / "docs" / "objects.md").read_text()
    script = tmp_path / "count.py"
    script.write_text(text.split("```python\n")[1].split("```")[0])
    said = text.split("python count.py")[1].split("# ")[1].split("\n")[0]
    with Program(*EXEC, interpreters.main().path, str(script)) as program:
        assert program.finish() == [said]
