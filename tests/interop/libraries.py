"""Gives each Python an environment with numpy and cloudpickle, and says which cannot have one.

They lie under target/, each with a copy of the list it was made from, and are made anew when that
list has changed. libraries.txt has the list.
"""

import fcntl
import functools
import glob
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import interpreters
from manager import ROOT

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libraries.txt")
PLACE = os.path.join(os.environ.get("CARGO_TARGET_DIR", ROOT + "/target"), "interop-libraries")

# A wheel or nothing: to build numpy takes minutes, a compiler, and luck.
INSTALL = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
NETWORK_SECONDS_MAX = 300  # a network that swallows everything must not hold up the tests for ever


def found():
    """The Pythons of the environments, the oldest first."""
    return [python for python, _ in made() if python]


def shown():
    """What there is, and what is left out and why, as lines for people."""
    each = ["%s with %d.%d.%d" % ((python,) + numpy_version(python)) for python in found()]
    return ["numpy and cloudpickle: %s" % ", ".join(each)] + [why for python, why in made() if why]


def numpy_version(python):
    """The version of its numpy, as a tuple."""
    root = os.path.dirname(os.path.dirname(python.path))
    (folder,) = glob.glob(root + "/lib/python3*/site-packages/numpy-*.dist-info")
    version = os.path.basename(folder).split("-")[1].split(".")
    return tuple(int(number) for number in version[:3])


@functools.lru_cache(maxsize=None)
def made():
    of_each_version = {python.version: python for python in interpreters.found()}
    os.makedirs(PLACE, exist_ok=True)
    with open(os.path.join(PLACE, "lock"), "w") as lock, ThreadPoolExecutor(os.cpu_count()) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of those who test side by side, one makes them
        return list(pool.map(environment, of_each_version.values()))


def environment(base):
    """An interpreter with the libraries and None, or None and the reason."""
    folder = os.path.join(PLACE, str(base))
    python = interpreters.Interpreter(os.path.join(folder, "bin", "python"), base.version)
    stamp = os.path.join(folder, "libraries.txt")
    with open(LIST) as file:
        wanted = file.read() + "# for %s\n" % base.path
    if os.path.exists(stamp) and not failure([python.path, "-c", "pass"]):
        with open(stamp) as file:
            if file.read() == wanted:
                return python, None
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [base.path, "-m", "venv", folder],
        [python.path, *INSTALL, "-r", LIST],
        [python.path, "-c", "import numpy, cloudpickle"],
    ):
        why = failure(command)
        if why:
            return None, "left out: %s: `%s` failed: %s" % (base, " ".join(command), why)
    with open(stamp, "w") as file:
        file.write(wanted)
    return python, None


def failure(command):
    """The last line that a command says when it fails; None where it does not."""
    try:
        run = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=NETWORK_SECONDS_MAX,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return "nothing came of it in %d s" % NETWORK_SECONDS_MAX
    if run.returncode == 0:
        return None
    return (run.stdout.strip().splitlines() or ["exit code %d" % run.returncode])[-1]
