"""Tasks that do nothing, through the systems that Python's people use, on one machine.

    python tests/interop/bench_python.py --rounds N --millis N --program NAME=PATH...

Each system has two processes that work, and all results are collected. Measured are those whose
NAME is there: redis and piecework are servers; joblib, dask and celery are packages, and PATH is
the Python that has them, which is also to run this. bench_lines.py has the lines.
"""

from collections import namedtuple
from contextlib import ExitStack, contextmanager, nullcontext

import bench_lines
import bench_servers
from bench_lines import FLOOR, OWN, PEER, PER_SECOND, Subject
from bench_servers import cpython, started
from shapes import AUTHKEY

WORKERS = 2
WARM_UP_TASKS = 100
TASKS_MIN = 100

# `tasks` take about two seconds, `needs` are the programs without which it is left out, and `ready`
# gives the words for scripts/bench_tasks.py when all is there that they name.
System = namedtuple("System", "role name tasks needs ready")


def systems(programs):
    def celery(folder):
        return with_celery(programs["redis"], folder)

    def tutorial(*words):
        return lambda folder: with_workers(bench_servers.piecework(folder, *words))

    in_memory = tutorial("--engine", "memory")
    return [
        System(FLOOR, "multiprocessing.Pool", 150_000, [], words("pool")),
        System(PEER, "joblib", 16_000, ["joblib"], words("joblib", 1)),
        System(PEER, "joblib in batches", 1_000_000, ["joblib"], words("joblib", "auto")),
        System(PEER, "dask.distributed", 1_500, ["dask"], words("dask")),
        System(PEER, "Celery on Redis", 1_500, ["celery", "redis"], celery),
        System(PEER, "CPython's manager", 20_000, [], lambda _: with_workers(cpython())),
        System(OWN, "piecework in memory", 20_000, ["piecework"], in_memory),
        System(OWN, "piecework on disk", 10_000, ["piecework"], tutorial()),
    ]


def words(*fixed):
    """Of a system that needs no server."""
    return lambda _: nullcontext(fixed)


@contextmanager
def with_celery(redis, folder):
    with bench_servers.celery(redis, folder, WORKERS) as port:
        yield ("celery", port)


@contextmanager
def with_workers(server):
    """The tutorials' two workers, at a manager of theirs."""
    with server as address, ExitStack() as stack:
        reached = (*address, AUTHKEY)
        for _ in range(WORKERS):
            worker = stack.enter_context(started("bench_worker.py", *reached))
            worker.wait_for("^ready$")
        yield ("tutorial", *reached)


def measured(system, part):
    def measure(folder, tell):
        tasks = max(TASKS_MIN, round(system.tasks * part))
        with system.ready(folder) as (how, *more):
            line = (how, WORKERS, WARM_UP_TASKS, tasks, *more)
            with started("bench_tasks.py", *line) as program:
                seconds = float(program.finish()[-1])
        tell("tasks/s, %d workers" % WORKERS, PER_SECOND, tasks / seconds)

    return Subject(system.role, system.name, measure)


def subjects(words):
    there = [each for each in systems(words.programs) if set(each.needs) <= set(words.programs)]
    return [measured(system, words.part) for system in there]


if __name__ == "__main__":
    bench_lines.main(subjects)
