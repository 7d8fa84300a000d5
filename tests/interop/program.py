"""Runs a program and reads along: what it printed so far, a wait until it prints a certain line."""

import os
import re
import signal
import subprocess
import threading
import time

# Long enough for a loaded machine with two cores; only a test that fails waits that long.
PATIENCE_SECONDS = 60


class Program:
    """A child process whose lines are collected as they come.

    It leads a process group of its own, which is killed with all that is left of it when the
    `with` block ends.
    """

    def __init__(self, *command, env=None):
        self.command = [str(word) for word in command]
        self.lines = {"stdout": [], "stderr": []}
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8", **(env or {})),
            encoding="utf-8",
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self.lines
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name):
        for line in getattr(self._process, name):
            with self._news:
                self.lines[name].append(line.rstrip("\n"))
                self._news.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass  # what was told and never read

    @property
    def pid(self):
        return self._process.pid

    @property
    def name(self):
        """What a reader knows it by: the last word of its command that is a script."""
        scripts = [word for word in self.command if word.endswith(".py")]
        return os.path.basename((scripts or self.command)[-1])

    @property
    def stdout(self):
        return self.lines["stdout"]

    def wait_for(self, pattern, stream="stdout"):
        """Waits for a line and returns the match; fails with all output if the program ends."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._news:
            while True:
                for line in self.lines[stream]:
                    match = re.search(pattern, line)
                    if match:
                        return match
                ended = not any(reader.is_alive() for reader in self._readers)
                if ended or time.monotonic() > deadline:
                    raise AssertionError(
                        "no line %r on %s of %s" % (pattern, stream, self.describe())
                    )
                self._news.wait(0.1)  # the end of a stream is not announced

    def tell(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def send_signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        """kill -9, and the end of the process awaited."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wait(self):
        """Waits for the end and returns the exit code."""
        try:
            code = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError("still running: %s" % self.describe()) from None
        for reader in self._readers:
            reader.join(1)  # a grandchild may hold the pipes open
        return code

    def finish(self):
        """Waits for an end without error, and returns what was printed."""
        code = self.wait()
        assert code == 0, "exit code %d: %s" % (code, self.describe())
        return self.stdout

    def describe(self):
        return "%s\n--- stdout\n%s\n--- stderr\n%s" % (
            " ".join(self.command),
            "\n".join(self.lines["stdout"]),
            "\n".join(self.lines["stderr"]),
        )


def wait_until(condition, what):
    """Asks again and again, as there is nothing to be notified by, until the answer is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, "in vain for %d s: %s" % (PATIENCE_SECONDS, what)
        time.sleep(0.005)  # rhythm: the pause between two questions
