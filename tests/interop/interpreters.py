"""Finds the Pythons that the tests run their programs under: all of 3.6 and later on this machine.

PIECEWORK_PYTHONS names them, separated by colons; else they are python3 and the versions of pyenv.
"""

import functools
import glob
import os
import shutil
import subprocess

OLDEST = (3, 6)
# Version and resolved path: a pyenv shim and the version it leads to are one interpreter.
ASK = "import os, sys; print(*sys.version_info[:2], os.path.realpath(sys.executable))"


class Interpreter:
    def __init__(self, path, version):
        self.path = path
        self.version = version

    def __str__(self):
        return "%d.%d" % self.version


@functools.lru_cache(maxsize=None)
def found():
    """All interpreters, the oldest first."""
    known = {}
    for path in candidates():
        answer = subprocess.run(
            [path, "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if answer.returncode == 0:
            major, minor, real = answer.stdout.rstrip("\n").split(" ", 2)
            if (int(major), int(minor)) >= OLDEST:
                known.setdefault(real, Interpreter(path, (int(major), int(minor))))
    return sorted(known.values(), key=lambda interpreter: interpreter.version)


def candidates():
    named = os.environ.get("PIECEWORK_PYTHONS")
    if named:
        return [path for path in named.split(os.pathsep) if path]
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    python3 = shutil.which("python3")
    return ([python3] if python3 else []) + sorted(glob.glob(pyenv + "/versions/3.*/bin/python"))


def main():
    """python3, which the tests take where the version does not matter."""
    python3 = shutil.which("python3")
    return next((i for i in found() if i.path == python3), found()[-1])


def some():
    """The oldest, python3, and the newest: where each with each would be too many."""
    chosen = {id(i): i for i in (found()[0], main(), found()[-1])}
    return list(chosen.values())
