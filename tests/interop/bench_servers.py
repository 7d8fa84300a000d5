"""The servers of the benchmarks in Python: each runs as long as its `with` block."""

import os
import sys
from contextlib import contextmanager

from manager import Manager
from program import Program
from shapes import AUTHKEY, script

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


def started(name, *words):
    """One of scripts/, under the Python that runs this."""
    return Program(sys.executable, "-u", script(name), *words)


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
