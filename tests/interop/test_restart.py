"""The manager is killed and started again in the same folder; the disk is full; the disk fails."""

import queue
import subprocess

import pytest

from manager import binary
from program import Program, wait_until
from shapes import AUTHKEY, command

# A disk of its own for one command, of so many bytes, where the kernel lets anybody have one.
DISK_BYTES = 160 << 20
MOUNT = 'mount -t tmpfs -o size=%d none "$0" && exec "$@"' % DISK_BYTES
OWN_DISK = ("unshare", "--user", "--map-root-user", "--mount", "--propagation=private")

ITEM = b"x" * 500_000


def killed_and_started_again(serve, manager, *queues):
    manager.program.kill()
    return serve(*queues, data=manager.data)


def test_everything_is_where_it_was(serve, connect):
    manager = serve()
    task, result = connect(manager)
    for n in range(5):
        task.put(n)
    result.put("done")
    task.put_later("later", 3600)
    assert task.get(timeout=5) == 0  # leased when the manager is killed
    manager = killed_and_started_again(serve, manager)
    task, result = connect(manager)
    assert [task.get(timeout=5) for _ in range(5)] == [0, 1, 2, 3, 4]
    assert result.get(timeout=5) == "done"
    assert task.stats()["delayed"] == 1


def test_what_was_acknowledged_does_not_come_back(serve, connect):
    manager = serve("task:answers=result", "result")
    task, result = connect(manager)
    task.put("one")
    task.put("two")
    assert task.get(timeout=5) == "one"
    result.put("answer")
    manager = killed_and_started_again(serve, manager)
    task, result = connect(manager)
    assert task.get(timeout=5) == "two"
    assert result.get(timeout=5) == "answer"
    assert result.qsize() == 0


def test_attempts_are_remembered(serve, connect):
    manager = serve("task:attempts=2", "result")
    task, _ = connect(manager)
    task.put("bad")
    assert task.get(timeout=5) == "bad"
    task.nack()
    manager = killed_and_started_again(serve, manager, "task:attempts=2", "result")
    task, _ = connect(manager)
    assert task.get(timeout=5) == "bad"
    task.nack()
    assert task.stats()["dead"] == 1


def test_queues_come_back_with_their_options_and_fresh_ones_empty(serve, connect):
    manager = serve("task:maxsize=2", "result")
    task, result = connect(manager)
    task.put(1)
    result.put(2)
    manager = killed_and_started_again(serve, manager)
    task, _ = connect(manager)
    task.put(3)
    with pytest.raises(queue.Full):
        task.put_nowait(4)
    manager = killed_and_started_again(serve, manager, "task:fresh")
    task, result = connect(manager)
    assert (task.qsize(), result.get(timeout=5)) == (0, 2)


KEPT = ("config:dict,keep", "log:list,keep", "seen:set,keep", "state:Namespace,keep", "count:Value,keep")


def objects(*specs):
    return [word for spec in specs for word in ("--object", spec)]


def test_objects_that_are_kept_come_back_as_they_were(serve, python):
    manager = serve(more=objects(*KEPT))

    def printed(manager, do):
        with Program(*command(python, "kept_objects.py", *manager.address, AUTHKEY, do)) as client:
            return client.finish()

    written = printed(manager, "write")
    assert written[-1] == "found: True one, again 2 True"
    manager.program.kill()
    # Whoever starts it again need not name them.
    for more in ((), objects("config:dict,keep")):
        manager = serve(data=manager.data, more=more)
        assert printed(manager, "read") == written
        manager.program.kill()


@pytest.mark.parametrize(
    "spec, more, why",
    [
        ("config:list,keep", (), "it is a dict that an earlier run has kept"),
        ("config:dict", (), "an earlier run has kept it, so say config:dict,keep"),
        ("lock:Lock,keep", (), "no Lock outlives its manager"),
        ("other:dict,keep", ("--engine", "memory"), "this manager keeps nothing"),
    ],
)
def test_what_cannot_be_kept_so_is_said_at_the_door(serve, tmp_path, spec, more, why):
    manager = serve(more=objects("config:dict,keep"))
    manager.stop()
    line = [binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", manager.data]
    line += ["--authkey-file", manager.authkey_file, "--object", spec, *more]
    refused = subprocess.run(line, capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0
    assert why in refused.stderr


def own_disk():
    """What a command is run by that has a small disk of its own; the disk's place."""
    mine = [*OWN_DISK, "sh", "-c", MOUNT, "/mnt"]
    tried = subprocess.run([*mine, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if tried.returncode != 0:
        pytest.skip("no mounts in a user namespace: %s" % tried.stdout.decode().strip())
    return mine, "/mnt"


def fill(task):
    """Puts until it is refused; says how many there was room for."""
    for n in range(DISK_BYTES // len(ITEM)):
        try:
            task.put(ITEM)
        except queue.Full as full:
            assert "disk is full" in str(full)
            return n
    raise AssertionError("more was put than fits the disk")


def test_a_full_disk_refuses_puts_and_nothing_else_and_recovers(serve, connect):
    within, disk = own_disk()
    manager = serve("task:ack=explicit", "result", within=within, data=disk)
    task, _ = connect(manager)
    room = fill(task)
    assert room > 50
    for _ in range(room):
        assert task.get(timeout=5) == ITEM
        task.task_done()
    assert task.qsize() == 0

    def is_let_in():
        try:
            task.put("again")
        except queue.Full:
            return False
        return True

    wait_until(is_let_in, "there is room again")
    assert fill(task) > room // 2, "the room is used again"
    manager.stop()


def test_a_disk_that_fails_ends_the_manager_and_nothing_is_promised(serve, connect, tmp_path):
    # No file may grow beyond two million bytes, and nobody is told so but by the write.
    limited = ("bash", "-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "limited")
    manager = serve(within=limited)
    task, _ = connect(manager)
    confirmed = 0
    with pytest.raises((RuntimeError, EOFError)) as error:
        for n in range(1000):
            task.put((n, "x" * 10_000))
            confirmed += 1
    assert error.type is RuntimeError and "could not keep" in str(error.value)
    assert manager.program.wait() == 74
    again = serve(data=manager.data)
    task, _ = connect(again)
    kept = [task.get(timeout=5)[0] for _ in range(task.qsize())]
    assert kept[:confirmed] == list(range(confirmed)) and len(kept) <= confirmed + 1
