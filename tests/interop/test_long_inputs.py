"""Much input, much output: the memory of a run does not grow with either."""

import hashlib
import re
import subprocess
import threading

import pytest

from manager import binary
from program import Program, wait_until

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

pytestmark = pytest.mark.alone

# All that a process may ever take, whatever comes in and goes out.
PEAK_BYTES_MAX = 64 * MIB

# How much higher the peak may be after five or ten times as much input: tables that grow to their
# full size, and what the allocator keeps.
GROWTH_BYTES_MAX = 1 * MIB

# What is written at once to a run that reads as fast as it can.
LINES_AT_ONCE = 100_000


class Run:
    """`piecework map` with its input in our hands, and its output counted and not kept."""

    def __init__(self, *words):
        self._program = subprocess.Popen(
            [str(word) for word in (binary(), "map", *words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.bytes = self.lines = self._fed = 0
        self.digest = hashlib.sha256()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            block = self._program.stdout.read1(MIB)
            if not block:
                return
            self.digest.update(block)
            self.lines += block.count(b"\n")
            self.bytes += len(block)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._program.terminate()
        self._program.terminate()
        self._program.wait()
        self._reader.join()
        self._program.stdin.close()
        self._program.stdout.close()

    def feed(self, lines):
        self._program.stdin.write(b"".join(b"%d\n" % line for line in lines))
        self._program.stdin.flush()

    def feed_up_to(self, last):
        """Numbers that go on where the last ones ended."""
        while self._fed < last:
            upto = min(last, self._fed + LINES_AT_ONCE)
            self.feed(range(self._fed + 1, upto + 1))
            self._fed = upto

    def wait_for_lines(self, count):
        wait_until(lambda: self.lines >= count, "%d lines of output" % count)

    def wait_for_bytes(self, count):
        wait_until(lambda: self.bytes >= count, "%d bytes of output" % count)

    @property
    def pid(self):
        return self._program.pid

    def finish(self):
        """Ends the input, and waits for the end of the run."""
        self._program.stdin.close()
        self._reader.join()
        assert self._program.wait() == 0


def peak_bytes(pid):
    """The most memory that a process ever had."""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) * KIB


def of_zeros(first, count):
    """The digest of some bytes and so many zeros after them."""
    digest, zeros = hashlib.sha256(first), bytes(MIB)
    for _ in range(count // MIB):
        digest.update(zeros)
    return digest.hexdigest()


@pytest.mark.parametrize("options", [(), ("--unordered",)], ids=["in order", "unordered"])
def test_many_tasks(options):
    with Run(*options, "echo", "{}") as run:
        run.feed_up_to(3_000)
        run.wait_for_lines(3_000)
        before = peak_bytes(run.pid)
        run.feed_up_to(15_000)
        run.wait_for_lines(15_000)
        assert peak_bytes(run.pid) - before < GROWTH_BYTES_MAX
        run.finish()


def test_ten_million_lines():
    with Run("--unordered", "-n", "1000", "echo") as run:
        # So many until memory is as torn as it gets: what it peaks at varies by a few hundred KiB.
        run.feed_up_to(4_000_000)
        run.wait_for_lines(4_000)
        before = peak_bytes(run.pid)
        run.feed_up_to(10_000_000)
        run.wait_for_lines(10_000)
        assert peak_bytes(run.pid) - before < GROWTH_BYTES_MAX
        run.finish()
        assert run.lines == 10_000


def test_a_long_output():
    with Run("head -c {} /dev/zero") as run:
        run.feed([GIB])
        run.wait_for_bytes(GIB)
        assert peak_bytes(run.pid) < PEAK_BYTES_MAX
        run.finish()
        assert run.digest.hexdigest() == of_zeros(b"", GIB)


def test_a_long_output_before_its_turn(tmp_path):
    line = (
        "if test {} = 1; then until test -e FOLDER/go; do sleep 0.01; done; echo first;"
        " else head -c {} /dev/zero && touch FOLDER/written; fi"
    )
    with Run("-j2", line.replace("FOLDER", str(tmp_path))) as run:
        run.feed([1, GIB])
        wait_until((tmp_path / "written").exists, "the long output is written")
        assert run.bytes == 0
        (tmp_path / "go").touch()
        run.wait_for_bytes(GIB)
        assert peak_bytes(run.pid) < PEAK_BYTES_MAX
        run.finish()
        assert run.digest.hexdigest() == of_zeros(b"first\n", GIB)


@pytest.mark.parametrize("options", [(), ("--line-buffer",)], ids=["whole", "lines"])
def test_a_long_output_of_another_machine(options, serve):
    manager = serve()
    key = ("--authkey-file", manager.authkey_file)
    address = "%s:%d" % manager.address
    with Run("--connect", address, *key, *options, "head -c {} /dev/zero") as run, Program(
        binary(), "worker", address, *key, "--exec", "-j2"
    ) as worker:
        run.feed([GIB])
        run.wait_for_bytes(GIB)
        for pid in (run.pid, worker.pid, manager.program.pid):
            assert peak_bytes(pid) < PEAK_BYTES_MAX
        run.finish()
