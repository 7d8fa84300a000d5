"""`piecework worker` drains a master of every version, on CPython's own server and on piecework."""

import pytest

from manager import binary
from program import Program
from shapes import AUTHKEY, SHAPES, command, transcript
from test_same_answer import on_cpython

HUNDRED = SHAPES[0]

# What hundred_worker.py does, in words of the shell.
SQUARE = ("sh", "-c", 'echo "$1 * $1 = $(($1 * $1))"', "sh", "{}")


def worker(port, tmp_path, *options):
    authkey_file = tmp_path / "key-of-the-master"
    authkey_file.write_text(AUTHKEY)
    return Program(
        binary(),
        "worker",
        "127.0.0.1:%d" % port,
        "--authkey-file",
        authkey_file,
        *options,
        "--",
        *SQUARE,
    )


def session(python, tmp_path, prefix, *options):
    """Runs the master of a hundred tasks with our worker; returns the master's lines."""
    line = command(python, HUNDRED.master, "127.0.0.1", 0, AUTHKEY, "start")
    with Program(*prefix, *line) as master:
        port = int(master.wait_for(r"^manager at 127\.0\.0\.1:(\d+)$", "stderr").group(1))
        master.wait_for("^waiting for results$")
        with worker(port, tmp_path, *options) as program:
            text = transcript(master)
            program.finish()
    return text


def masters_part(python):
    return on_cpython(HUNDRED, python).split("\nhundred_worker.py:")[0]


@pytest.mark.parametrize("kind", ["cpython", "exec"])
def test_one_command_at_a_time_keeps_the_order(kind, python, tmp_path):
    prefix = [binary(), "exec", "--"] if kind == "exec" else []
    assert session(python, tmp_path, prefix, "-j1") == masters_part(python)


def test_several_commands_at_a_time(python, tmp_path):
    text = session(python, tmp_path, [], "-j4")
    assert sorted(text.split("\n")) == sorted(masters_part(python).split("\n"))
