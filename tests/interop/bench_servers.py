"""The servers of the benchmarks in Python: each runs as long as its `with` block."""

import os
import socket
import sys
from contextlib import contextmanager

from manager import Manager
from program import Program
from shapes import AUTHKEY, SCRIPTS, script

CAN_CHOOSE_CORES = hasattr(os, "sched_setaffinity")  # Linux can
CORES = len(os.sched_getaffinity(0)) if CAN_CHOOSE_CORES else os.cpu_count() or 1


@contextmanager
def cpython():
    """CPython's own server with two queues; gives its address."""
    with started("plain_server.py", "127.0.0.1", 0, AUTHKEY) as server:
        port = int(server.wait_for(r"^manager at 127\.0\.0\.1:(\d+)$", "stderr").group(1))
        yield ("127.0.0.1", port)


@contextmanager
def piecework(folder, *words):
    """A manager with the same two queues, on disk unless words say otherwise; its address."""
    with Manager(folder, more=words) as manager:
        yield manager.address


@contextmanager
def celery(redis, folder, workers):
    """Redis with nothing on disk, and Celery's worker with so many processes; Redis's port."""
    port = free_port()
    with Program(redis, "--port", port, "--save", "", "--dir", folder) as broker:
        broker.wait_for("Ready to accept connections")
        words = ("-A", "bench_celery", "worker", "--pool", "prefork", "--concurrency", workers)
        environment = {"BENCH_REDIS": str(port), "PYTHONPATH": SCRIPTS}
        with Program(sys.executable, "-m", "celery", *words, env=environment) as worker:
            worker.wait_for("^ready$")
            yield port


def started(name, *words):
    """One of scripts/, under the Python that runs this."""
    return Program(sys.executable, "-u", script(name), *words)


def free_port():
    """A port that is free now; that nobody else takes it meanwhile is likely enough."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def on_one_core():
    """What is started meanwhile shares one core, where the system can see to that."""
    if not CAN_CHOOSE_CORES:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
