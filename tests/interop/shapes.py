"""The master and worker pairs of scripts/, and how a whole session of one is run and recorded."""

import os
from collections import namedtuple

from program import Program

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scripts")
AUTHKEY = "a key for tests only"

# `connectable`: whether the master can also use a manager that runs already.
# `until_enter`: whether the master serves until somebody presses Enter.
Shape = namedtuple("Shape", "name master worker connectable until_enter", defaults=(True, False))

SHAPES = [
    Shape("hundred", "hundred_master.py", "hundred_worker.py"),
    Shape("ten", "ten_master.py", "ten_worker.py"),
    Shape("pages", "pages_master.py", "pages_worker.py"),
    Shape("crossed", "crossed_master.py", "hundred_worker.py"),
    Shape("threads", "threads_master.py", "ten_worker.py", connectable=False, until_enter=True),
    Shape("left-open", "left_open_master.py", "hundred_worker.py", connectable=False),
    Shape("walk", "walk.py", None, connectable=False),
    Shape("registrations", "registrations.py", None, connectable=False),
    Shape("anonymous", "anonymous.py", None),
    Shape("start-methods", "start_methods.py", None, connectable=False),
]

# For Python 3.13 and later: the queues of older ones cannot be shut down.
CLOSING = Shape("closing", "closing.py", None, connectable=False)


def script(name):
    return os.path.join(SCRIPTS, name)


def command(interpreter, name, *args):
    return [interpreter.path, "-u", script(name)] + [str(arg) for arg in args]


def hosted(shape, master_python, worker_python, prefix=()):
    """A session whose master starts the manager itself; returns its transcript."""
    with Program(
        *prefix, *command(master_python, shape.master, "127.0.0.1", 0, AUTHKEY, "start")
    ) as master:
        port = int(master.wait_for(r"^manager at 127\.0\.0\.1:(\d+)$", "stderr").group(1))
        if shape.worker is None:
            return transcript(master)
        master.wait_for("^waiting for results$")
        with Program(*command(worker_python, shape.worker, "127.0.0.1", port, AUTHKEY)) as worker:
            if shape.until_enter:
                worker.finish()
                master.tell("")
            return transcript(master, worker)


def connected(shape, master_python, worker_python, server):
    """A session whose master connects to a manager that runs already, and is stopped after it."""
    master_args = ("127.0.0.1", server.port, AUTHKEY, "connect")
    with Program(*command(master_python, shape.master, *master_args)) as master:
        if shape.worker is None:
            return transcript(master)
        master.wait_for("^waiting for results$")
        with Program(
            *command(worker_python, shape.worker, "127.0.0.1", server.port, AUTHKEY)
        ) as worker:
            master.finish()
            server.stop()
            return transcript(master, worker)


def transcript(*programs):
    """What each of them printed by its end, as one text."""
    return "\n".join("\n".join([p.name + ":"] + p.finish()) for p in programs)
