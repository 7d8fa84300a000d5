"""What `piecework exec` does to a program besides serving it: nothing; and what it says."""

import os
import signal
import sys

import interpreters
from manager import binary
from program import Program, wait_until
from shapes import AUTHKEY, command, script

# What a program cannot see of exec, whatever it imports.
SEEN_ANYWAY = "ours: "


def execute(*words, env=None):
    return Program(binary(), "exec", *words, env=env)


def under(python, name, *args, env=None):
    return execute("--", *command(python, name, *args), env=env)


def address_of(program):
    match = program.wait_for(r"^manager at ([\d.]+):(\d+)", "stderr")
    return match.group(1), int(match.group(2))


def test_exit_codes():
    python = sys.executable
    for code in (0, 1, 42):
        with execute("--", python, "-c", "raise SystemExit(%d)" % code) as program:
            assert program.wait() == code
    with execute("--", python, "-c", "import os; os.kill(os.getpid(), 9)") as program:
        assert program.wait() == 128 + signal.SIGKILL
    with execute("--", "/no/such/program") as program:
        assert program.wait() == 127
        assert "/no/such/program" in program.lines["stderr"][0]
    with execute("--", script("untouched.py")) as program:  # not executable
        assert program.wait() == 126


def test_options_of_the_command_are_its_own():
    with execute(sys.executable, "-c", "import sys; print(sys.argv)", "--help", "-x") as program:
        assert program.finish() == ["['-c', '--help', '-x']"]


def test_a_program_without_managers_sees_nothing(python, tmp_path):
    env = {"PYTHONPATH": str(tmp_path)}
    with Program(*command(python, "untouched.py"), env=env) as plain, under(
        python, "untouched.py", env=env
    ) as ours:
        assert ours.finish() == plain.finish()
        assert ours.stdout[-3:] == ["ours: []", "loaded: False", "sitecustomize: None"]


def test_the_sitecustomize_of_the_user_is_kept(python, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "GREETING = 'hello'\nimport multiprocessing.managers\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    for args in ((), ("import",)):
        with Program(*command(python, "untouched.py", *args), env=env) as plain, under(
            python, "untouched.py", *args, env=env
        ) as ours:
            expected = [line for line in plain.finish() if not line.startswith(SEEN_ANYWAY)]
            assert [line for line in ours.finish() if not line.startswith(SEEN_ANYWAY)] == expected
            assert ours.stdout[-1] == "sitecustomize: hello"


def test_managers_without_an_address_stay_with_python(python):
    with under(python, "private_manager.py") as program:
        assert program.finish() == ["{'child': [1, 2]}"]
        assert program.lines["stderr"] == []


def test_what_is_not_a_queue_is_refused_by_name(python):
    with under(python, "odd_objects.py", "127.0.0.1", 0, AUTHKEY, "start") as program:
        works, stack, counter, broken = program.finish()
        talk = "\n".join(program.lines["stderr"])
    assert works == "works"
    for line, typeid, what in (
        (stack, "get_stack", "LifoQueue"),
        (counter, "get_counter", "Counter"),
        (broken, "get_broken", "KeyError"),
    ):
        assert line.startswith(typeid + ": ") and what in line
        assert typeid in talk and what in talk


def test_children_are_served_too(python):
    """A master that is started by a shell that is started by a Python."""
    inner = command(python, "hundred_master.py", "127.0.0.1", 0, AUTHKEY, "start")
    shell = ["sh", "-c", 'exec "$@"', "sh"]
    outer = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    with execute("--", python.path, "-c", outer, *shell, *inner) as master:
        port = address_of(master)[1]
        master.wait_for("^waiting for results$")
        with Program(*command(python, "hundred_worker.py", "127.0.0.1", port, AUTHKEY)) as worker:
            assert master.finish()[-1] == "master done"
            assert worker.finish()[-2] == "the connection ended: EOFError"


def test_a_weak_key_is_served_on_loopback_only():
    for options, host in ((), "127.0.0.1"), (("--allow-weak-authkey",), "0.0.0.0"):
        line = command(interpreters.main(), "ten_master.py", "", 0, "abc", "start")
        with execute(*options, "--", *line) as master:
            assert address_of(master)[0] == host
            said = [line for line in master.lines["stderr"] if "--allow-weak-authkey" in line]
            assert len(said) == (not options)


def test_a_strong_key_is_served_where_the_program_says():
    with under(interpreters.main(), "ten_master.py", "", 0, AUTHKEY, "start") as master:
        assert address_of(master)[0] == "0.0.0.0"
        assert not any("piecework" in line for line in master.lines["stderr"])


def test_signals_are_passed_on(python):
    with under(python, "waits.py", "127.0.0.1", 0, AUTHKEY) as program:
        address_of(program)
        program.send_signal(signal.SIGUSR1)
        program.wait_for("^USR1$")
        program.send_signal(signal.SIGINT)
        assert program.wait() == 3
        assert program.stdout == ["USR1", "interrupted"]


def test_nothing_is_left_of_a_program_that_is_killed(python):
    """The process of start() waits for its manager's end, and exec ends with the program."""
    with under(python, "waits.py", "127.0.0.1", 0, AUTHKEY) as program:
        pid = int(program.wait_for(r"pid (\d+)$", "stderr").group(1))
        program.send_signal(signal.SIGTERM)
        assert program.wait() == 128 + signal.SIGTERM
        wait_until(
            lambda: not os.path.exists("/proc/%d" % pid) or is_zombie(pid),
            "the manager's process ends",
        )


def is_zombie(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_no_folder_is_left(tmp_path):
    with execute("--", sys.executable, "-c", "pass", env={"TMPDIR": str(tmp_path)}) as program:
        program.finish()
    assert list(tmp_path.iterdir()) == []
