"""The same lines by GNU parallel and `piecework map`: output, order, exit code, files, log."""

import csv
import io
import os
import shlex
import shutil
import subprocess

import pytest

from manager import binary
from parallel_lines import DIFFERENCES, FILES, LINES

SECONDS_MAX = 20

# The columns of a job log and of results as a table that no two runs have in common.
TIMES = {"Starttime", "JobRuntime"}


def run(line, program, folder):
    """Runs a line by sh with P as the program; returns what can be compared, and the talk."""
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ended = subprocess.run(
        ["sh", "-c", 'P() { %s "$@"; }\n%s' % (shlex.join(program), line)],
        cwd=folder,
        env=environment(folder.parent / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=SECONDS_MAX,
    )
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    made = {name: content(path) for name, path in files.items() if name not in FILES}
    seen = {"code": ended.returncode, "output": ended.stdout, "files": made}
    return seen, ended.stderr.decode(errors="replace")


def environment(home):
    """One in which neither program has settings, and GNU parallel does not ask to be cited."""
    (home / ".parallel").mkdir(parents=True, exist_ok=True)
    (home / ".parallel" / "will-cite").touch()
    foreign = ("PIECEWORK_", "PARALLEL", "XDG_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**ours, "HOME": str(home), "PIECEWORK_CONFIG": "", "PARALLEL_SHELL": "/bin/sh"}


def content(path):
    """What is in a file; of tables, the rows in order and their times made equal."""
    if path.name == "log":
        dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    elif path.suffix in (".csv", ".tsv"):
        dialect = {"delimiter": "," if path.suffix == ".csv" else "\t"}
    else:
        return path.read_bytes()
    rows = list(csv.DictReader(io.StringIO(path.read_text(), newline=""), **dialect))
    for row in rows:
        row.update((name, float(row[name]) >= 0) for name in TIMES)
    return sorted(rows, key=lambda row: (row["Seq"], str(row)))


@pytest.mark.skipif(shutil.which("parallel") is None, reason="GNU parallel is not installed")
@pytest.mark.parametrize("line", LINES)
def test_the_same_as_gnu_parallel(line, tmp_path, request):
    if line in DIFFERENCES:
        request.applymarker(pytest.mark.xfail(reason=DIFFERENCES[line], strict=True))
    theirs, said = run(line, ["parallel", "-k"], tmp_path / "theirs")
    ours, we_said = run(line, [str(binary()), "map"], tmp_path / "ours")
    assert ours == theirs, "we said: %s\nthey said: %s" % (we_said, said)


def test_no_difference_is_listed_without_its_line():
    assert set(DIFFERENCES) <= set(LINES)
