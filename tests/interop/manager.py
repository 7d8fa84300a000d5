"""Starts `piecework serve` on a free port and stops it again."""

import functools
import os
import signal
import tempfile

from program import Program
from shapes import AUTHKEY

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@functools.lru_cache(maxsize=None)
def binary():
    """The command under test: PIECEWORK_BIN, else what cargo built last."""
    named = os.environ.get("PIECEWORK_BIN")
    built = [os.path.join(ROOT, "target", profile, "piecework") for profile in ("debug", "release")]
    known = [path for path in ([named] if named else built) if os.path.exists(path)]
    if not known:
        raise FileNotFoundError(
            "no piecework at %s; run `cargo build`" % (named or " or ".join(built))
        )
    return os.path.abspath(max(known, key=os.path.getmtime))


class Manager:
    """A running `piecework serve`, which keeps what it has on disk, as it does for users.

    `data` is the folder it is kept in, one of its own in `folder` unless it is given; `within` is
    what the command is run by, `more` are further words of its own.
    """

    def __init__(self, folder, *queues, data=None, within=(), more=()):
        self.data = data or tempfile.mkdtemp(prefix="data", dir=str(folder))
        self.authkey_file = os.path.join(str(folder), "authkey")
        with open(self.authkey_file, "w") as file:
            file.write(AUTHKEY)
        options = [word for name in queues for word in ("--queue", name)]
        self.program = Program(
            *within,
            binary(),
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            self.data,
            "--authkey-file",
            self.authkey_file,
            *options,
            *more,
        )
        self.port = int(self.program.wait_for(r"^listening on 127\.0\.0\.1:(\d+)$").group(1))

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def stop(self):
        """Asks it to end, and sees that it does so in order."""
        self.program.send_signal(signal.SIGTERM)
        self.program.finish()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.__exit__()
