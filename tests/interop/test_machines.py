"""One run on several machines, each a network namespace: they join, leave, die and are cut off."""

import csv
import os
import signal
import time
from collections import Counter

import pytest

from manager import binary
from namespaces import Switch, missing
from program import wait_until
from shapes import AUTHKEY

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

# How long a machine may be silent before it is given up, and how long a loaded one then takes.
SILENCE_SECONDS = 30
REACTION_SECONDS_MAX = 10

# Of two runs that share workers, how fast the slower one is at least, beside the other.
FAIR_RATIO_MIN = 0.7

# A command that does not end on a machine whose workers have BLOCK in their environment.
BLOCK = 'test -n "$BLOCK" && exec sleep 1000; '
BLOCKED = "sleep 1000"


@pytest.fixture
def machines():
    """Three machines: `alpha`, where the masters are, `beta` and `gamma`, where workers are."""
    with Switch() as switch:
        yield [switch.machine(name) for name in ("alpha", "beta", "gamma")]


@pytest.fixture
def piecework(tmp_path):
    """Starts the command on a machine."""
    (tmp_path / "key").write_text(AUTHKEY)
    (tmp_path / "key").chmod(0o600)

    def start(machine, *words, **env):
        env["PIECEWORK_AUTHKEY_FILE"] = str(tmp_path / "key")
        return machine.program(binary(), *words, env=env)

    return start


@pytest.fixture
def serve(piecework):
    """Starts a manager that runs share on a machine, and tells where."""
    running = []

    def start(machine):
        # A machine has all its ports to itself, so any will do.
        address = machine.address + ":5000"
        running.append(piecework(machine, "serve", "--listen", address, "--engine", "memory"))
        running[-1].wait_for("^listening on ")
        return address

    yield start
    for program in running:
        program.__exit__()


def numbers(folder, count):
    """Makes a file of so many lines; returns its name."""
    name = folder / ("%d numbers" % count)
    name.write_text("".join("%d\n" % n for n in range(1, count + 1)))
    return name


def rows(log):
    """The job log."""
    with open(log, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def ended(log):
    """How many tasks have ended."""
    try:
        return log.read_bytes().count(b"\n") - 1
    except FileNotFoundError:
        return 0


def wait_for_tasks(log, count):
    wait_until(lambda: ended(log) >= count, "%d tasks have ended" % count)


def wait_until_blocked(machine, count):
    """Waits until so many commands are there that do not end."""

    def blocked():
        return list(machine.processes().values()).count(BLOCKED)

    wait_until(lambda: blocked() == count, "%d commands on %s" % (count, machine.name))


def wait_for_commands_to_end(machine, worker):
    """Waits until nothing but a worker and its guard is there."""

    def is_ours(command):
        return "worker" in command or "__guard" in command

    wait_until(
        lambda: all(map(is_ours, machine.processes().values())),
        "the commands of %s have ended" % worker.describe(),
    )


def test_a_machine_that_is_cut_off_gives_its_tasks_back(machines, piecework, tmp_path):
    """Ten thousand tasks; one machine joins late, one is cut off and killed in the middle."""
    alpha, beta, gamma = machines
    count, log, held = 10_000, tmp_path / "log", tmp_path / "held"
    # Once the folder HELD is there, commands do not end where it is named; they note their task.
    line = 'if test -d "$HELD"; then touch "$HELD/{}"; exec sleep 1000; fi; echo {}'
    options = ("-j2", "--joblog", log, "-a", numbers(tmp_path, count))
    with piecework(alpha, "map", "--listen", alpha.address, *options, line) as run:
        address = run.wait_for(r"piecework worker (\S+) --exec", "stderr").group(1)
        join = ("worker", address, "--exec", "-j2")
        with piecework(gamma, *join, HELD=str(held)) as lost:
            wait_for_tasks(log, count // 10)
            with piecework(beta, *join) as late:
                wait_for_tasks(log, count // 2)
                held.mkdir()
                wait_until_blocked(gamma, 2)
                gamma.cut()
                lost.kill()
                cut = time.monotonic()
                gamma.wait_until_idle()
                assert run.finish() == [str(n) for n in range(1, count + 1)]
                assert time.monotonic() - cut < SILENCE_SECONDS + REACTION_SECONDS_MAX
                late.finish()
    for machine in machines:
        machine.wait_until_idle()
    log = rows(log)
    assert sorted(int(row["Seq"]) for row in log) == list(range(1, count + 1))
    assert {row["Host"] for row in log} == {":", "beta", "gamma"}
    host = {row["Seq"]: row["Host"] for row in log}
    given_back = os.listdir(held)
    assert len(given_back) == 2 and all(host[seq] != "gamma" for seq in given_back)


def test_a_worker_that_is_killed_gives_its_tasks_back_at_once(machines, piecework, serve):
    """The attempt counts: the task may be what killed it."""
    alpha, beta, gamma = machines
    join = ("worker", serve(alpha), "--exec", "-j2")
    line = BLOCK + "echo {} $PIECEWORK_ATTEMPT"
    with piecework(alpha, "map", "--connect", join[1], line, ":::", *"abcd") as run:
        with piecework(beta, *join, BLOCK="yes") as worker:
            wait_until_blocked(beta, 2)
            worker.kill()
            beta.wait_until_idle()
        with piecework(gamma, *join):
            assert run.finish() == ["a 2", "b 2", "c 1", "d 1"]


@pytest.mark.parametrize("how", ["in order", "cut off"])
def test_a_worker_that_is_interrupted_gives_its_tasks_back(how, machines, piecework, serve):
    """The attempts do not count, as they were not the tasks' fault."""
    alpha, beta, gamma = machines
    join = ("worker", serve(alpha), "--exec", "-j2")
    line = BLOCK + "echo {} $PIECEWORK_ATTEMPT"
    with piecework(alpha, "map", "--connect", join[1], line, ":::", *"abcd") as run:
        with piecework(beta, *join, BLOCK="yes") as worker:
            wait_until_blocked(beta, 2)
            if how == "cut off":
                beta.cut()
            worker.send_signal(signal.SIGINT)
            worker.wait_for("waiting for running commands", "stderr")
            worker.send_signal(signal.SIGINT)
            interrupted = time.monotonic()
            code = worker.wait()
            said = "did not take all tasks back" in worker.describe()
            assert code == (1 if said else 128 + signal.SIGINT) and (how == "cut off" or not said)
            beta.wait_until_idle()
            assert time.monotonic() - interrupted < REACTION_SECONDS_MAX
        with piecework(gamma, *join):
            lost = "2" if how == "cut off" else "1"  # it could not say that it was not their fault
            assert run.finish() == ["a " + lost, "b " + lost, "c 1", "d 1"]


def test_machines_join_late_and_leave_early(machines, piecework, serve, tmp_path):
    """A worker that is asked to leave ends what it runs, and takes no more."""
    alpha, beta, gamma = machines
    count, log = 500, tmp_path / "log"
    join = ("worker", serve(alpha), "--exec", "-j2")
    words = ("--joblog", log, "-a", numbers(tmp_path, count), "echo {} $PIECEWORK_ATTEMPT")
    with piecework(alpha, "map", "--connect", join[1], *words) as run:
        with piecework(beta, *join) as early:
            wait_for_tasks(log, 100)
            with piecework(gamma, *join) as late:
                wait_until(lambda: any(row["Host"] == "gamma" for row in rows(log)), "gamma works")
                early.send_signal(signal.SIGTERM)
                early.finish()
                beta.wait_until_idle()
                assert run.finish() == ["%d 1" % n for n in range(1, count + 1)]
                late.send_signal(signal.SIGTERM)
                late.finish()
    assert Counter(row["Exitval"] for row in rows(log)) == {"0": count}


@pytest.mark.parametrize("jobs, command", [(2, "true"), (100, "sleep 1")])
def test_runs_share_workers_fairly(jobs, command, machines, piecework, serve, tmp_path):
    """Whichever came first: one has all workers busy when the other comes."""
    alpha, beta, gamma = machines
    address, logs = serve(alpha), [tmp_path / "first", tmp_path / "second"]
    join = ("worker", address, "--exec", "-j%d" % jobs)

    def start(log):
        words = ("--unordered", "--joblog", log, "-a", numbers(tmp_path, 100_000))
        return piecework(alpha, "map", "--connect", address, *words, command + "; : {}")

    with piecework(beta, *join), piecework(gamma, *join), start(logs[0]):
        wait_for_tasks(logs[0], 4 * jobs)
        with start(logs[1]):
            wait_for_tasks(logs[1], 4 * jobs)
            before = [ended(log) for log in logs]
            wait_until(
                lambda: sum(map(ended, logs)) - sum(before) >= 1_000, "a thousand more tasks"
            )
            rates = [ended(log) - so_far for log, so_far in zip(logs, before)]
    assert min(rates) >= FAIR_RATIO_MIN * max(rates), rates


@pytest.mark.parametrize("how", ["killed", "cut off"])
@pytest.mark.parametrize("where", ["its own manager", "a shared manager"])
def test_a_master_that_is_gone_leaves_nothing_running(where, how, machines, piecework, serve):
    alpha, beta, gamma = machines
    if where == "its own manager":
        master, options = alpha, ("--listen", alpha.address, "-j1")
        address = alpha.address
    else:
        address = serve(alpha)
        master, options = gamma, ("--connect", address)
    with piecework(master, "map", *options, "sleep", "{}", ":::", *["1000"] * 9) as run:
        if "--listen" in options:
            run.wait_for("piecework worker", "stderr")
        with piecework(beta, "worker", address, "--exec", "-j3") as worker:
            wait_until_blocked(beta, 3)
            if how == "cut off":
                master.cut()
            run.kill()
            gone = time.monotonic()
            wait_for_commands_to_end(beta, worker)
            patience = SILENCE_SECONDS if how == "cut off" else 0
            assert time.monotonic() - gone < patience + REACTION_SECONDS_MAX
            if "--listen" in options:
                worker.finish()  # there is nobody left to work for
                alpha.wait_until_idle()
                beta.wait_until_idle()
