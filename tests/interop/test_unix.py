"""Managers at Unix sockets: who is at the other end is known, and so is that it has died."""

import os
import signal
from multiprocessing.managers import BaseManager

import pytest

import interpreters
from manager import binary
from program import Program, wait_until
from shapes import AUTHKEY, command


class QueueManager(BaseManager):
    """What a stock client knows of a manager: the names."""


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")


@pytest.fixture
def served(tmp_path):
    """A manager at a Unix socket and at a port: its program, the socket's path."""
    path, key_file = str(tmp_path / "socket"), tmp_path / "authkey"
    key_file.write_text(AUTHKEY)
    with Program(
        *(binary(), "serve", "--listen", "unix:" + path, "--listen", "[::1]:0"),
        *("--authkey-file", key_file, "--data-dir", tmp_path / "data"),
    ) as program:
        program.wait_for("^listening on unix:")
        yield program, path


def queues(path):
    client = QueueManager(address=path, authkey=AUTHKEY.encode())
    client.connect()
    return client.get_task_queue(), client.get_result_queue()


def worker(python, path, shape):
    return Program(*command(python, "unix_worker.py", path, AUTHKEY, shape))


def piecework(*words, tmp_path):
    return Program(binary(), *words, "--authkey-file", tmp_path / "authkey")


def test_a_worker_is_known_by_its_process(python, served, tmp_path):
    _, path = served
    task, _ = queues(path)
    task.put("one")
    with worker(python, path, "plain") as program:
        program.wait_for("^got 'one'$")
        with piecework("queues", "--json", "--connect", path, tmp_path=tmp_path) as listing:
            said = "\n".join(listing.finish())
        assert "pid %d of " % program.pid in said, said
        program.kill()
    assert task.get(timeout=5) == "one"


def test_the_socket_goes_with_its_manager_and_is_taken_over_after_a_kill(served, tmp_path):
    program, path = served
    again = (binary(), "serve", "--listen", path, "--authkey-file", tmp_path / "authkey")
    again += ("--data-dir", tmp_path / "data")
    with Program(*again) as second:
        assert second.wait() == 73
        assert "in use by pid %d of " % program.pid in "\n".join(second.lines["stderr"])
    program.kill()
    assert os.path.exists(path)
    with Program(*again) as second:
        second.wait_for("^listening on unix:")
        task, _ = queues(path)
        task.put(1)
        second.send_signal(signal.SIGTERM)
        second.finish()
    assert not os.path.exists(path)


def test_version_6_is_for_our_own_clients(served, tmp_path):
    program, path = served
    port = program.wait_for(r"^listening on \[::1\]:(\d+)$").group(1)
    address = "[::1]:%s" % port
    with piecework("put", "task", "7", "--connect", address, tmp_path=tmp_path) as put:
        put.finish()
    task, _ = queues(path)
    assert task.get(timeout=5) == "7"


def test_a_thread_that_dies_with_its_process_gives_its_task_back(served):
    """Over TCP the end of a thread's connection is taken for the thread's own."""
    _, path = served
    task, _ = queues(path)
    task.put("one")
    with worker(interpreters.main(), path, "thread") as program:
        program.wait_for("^got 'one'$")
        program.kill()
    assert task.get(timeout=30) == "one"


def test_a_child_that_inherits_the_connection_does_not_hold_the_task(served):
    _, path = served
    task, result = queues(path)
    task.put("one")
    with worker(interpreters.main(), path, "forked") as program:
        child = int(program.wait_for("^got 'one', child ([0-9]+)$").group(1))
        program.wait_for("^the child waits$")
        os.kill(program.pid, signal.SIGKILL)
        assert task.get(timeout=30) == "one"
        wait_until(lambda: program._process.poll() is not None, "the parent is dead")
        os.kill(child, signal.SIGUSR1)
        assert result.get(timeout=30) == "from the child"


def test_a_reply_that_its_killed_reader_left_unread_gives_the_task_back(served):
    """More bytes than the connection holds, and a forked child that keeps it open."""
    _, path = served
    task, _ = queues(path)
    task.put(b"x" * 5_000_000)
    with worker(interpreters.main(), path, "unread") as program:
        program.wait_for("^asked$")
        program.kill()
        assert len(task.get(timeout=30)) == 5_000_000


def test_a_child_that_waits_over_the_connection_gets_its_reply(served):
    """The parent ends while the child's call waits; the child is served as if nothing had been."""
    _, path = served
    task, result = queues(path)
    with worker(interpreters.main(), path, "left") as program:
        program.wait_for("^left$")
        wait_until(lambda: program._process.poll() is not None, "the parent is dead")
        task.put("one")
        assert result.get(timeout=30) == "one"


@pytest.mark.parametrize("how", ["start", "serve"])
def test_a_program_under_exec_has_its_manager_where_it_says(python, how, tmp_path):
    path = str(tmp_path / "socket")
    line = command(python, "unix_master.py", path, AUTHKEY, how)
    with Program(*line) as stock:
        expected = stock.finish()
    with Program(binary(), "exec", "--", *line) as ours:
        assert ours.finish() == expected


def test_an_abstract_name_is_served(python):
    name = "@piecework-test-%d-%s" % (os.getpid(), python)
    line = command(python, "unix_master.py", name, AUTHKEY, "start")
    with Program(binary(), "exec", "--", *line) as ours:
        said = ours.finish()
    assert "[9, 16, 25]" in said, said


@pytest.fixture
def objects(served):
    """How many objects the manager has that somebody refers to."""
    _, path = served
    client = QueueManager(address=path, authkey=AUTHKEY.encode())
    client.connect()
    return client._number_of_objects


def test_what_only_a_killed_client_knew_goes_with_it(python, served, objects):
    program, path = served
    before = objects()
    dies_with_its_objects(python, path, objects)
    assert objects() == before
    program.wait_for(r"'Queue\.\d+' is gone: the processes that knew it have ended", "stderr")


def dies_with_its_objects(python, path, objects):
    before = objects()
    with Program(*command(python, "unix_killed.py", path, AUTHKEY, "alone")) as client:
        client.wait_for("^parent waits$")
        assert objects() == before + 3
        client.kill()
        wait_until(lambda: objects() == before, "the objects of a killed client go")


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_what_a_child_of_a_killed_client_knows_stays_as_long_as_the_child(
    python, served, objects, start
):
    _, path = served
    before = objects()
    with Program(*command(python, "unix_killed.py", path, AUTHKEY, start)) as client:
        child = int(client.wait_for(r"^child (\d+) waits$").group(1))
        client.wait_for("^parent waits$")
        client.kill()
        # The manager has looked who is there when these are gone.
        dies_with_its_objects(python, path, objects)
        assert objects() == before + 3
        os.kill(child, signal.SIGUSR1)
        client.wait_for(r"^child has {'parent': 0, 'child': 1}$")
        wait_until(lambda: objects() == before, "the objects go with the child")
