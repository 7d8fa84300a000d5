"""Puts millions of items through piecework on disk, and sees what they take.

    cargo build --release && python3 tests/interop/volume.py [through|reopen|backlog] [--items N]

`through`  ten million items, never more than 1,000 at a time: the folder and the memory stay small.
`reopen`   a million items of 100 bytes wait while the manager is killed and starts again.
`backlog`  ten million items of 1 KiB wait, with no more than 512 MiB of them in memory; then the
           manager is killed and starts again. It takes some 12 GB of disk.

All runs without an argument. It ends with an error where a bound is broken.
"""

import argparse
import os
import sys
import tempfile
import time
from multiprocessing.managers import BaseManager

from manager import Manager
from shapes import AUTHKEY

MIB = 1 << 20
BATCH = 500
FOLDER_MAX = 64 * MIB
REOPEN_SECONDS_MAX = 2
BACKLOG_RESIDENT_MAX = 1024 * MIB


class Client(BaseManager):
    pass


Client.register("task")


def connect(manager):
    client = Client(manager.address, AUTHKEY.encode())
    client.connect()
    return client.task()


def resident(manager):
    with open("/proc/%d/status" % manager.program.pid) as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) << 10


def folder_bytes(manager):
    entries = list(os.scandir(manager.data))
    return sum(entry.stat().st_size for entry in entries)


def restart(manager, folder, **options):
    """Kills it; returns the next one, and how long that took to listen."""
    manager.program.kill()
    began = time.perf_counter()
    manager = Manager(folder, "task", data=manager.data, **options)
    return manager, time.perf_counter() - began


def check(what, value, most, unit):
    print("  %-44s %10.1f %s, at most %g" % (what, value, unit, most), flush=True)
    if value > most:
        sys.exit("error: %s: %.1f %s are more than %g" % (what, value, unit, most))


def through(folder, items):
    with Manager(folder, "task") as manager:
        task = connect(manager)
        memory, size, early, began = 0, 0, None, time.perf_counter()
        for first in range(0, items, BATCH):
            task.put_many([b"%08d" % n for n in range(first, first + BATCH)])
            got = task.get_many(BATCH, 5)
            assert got == [b"%08d" % n for n in range(first, first + BATCH)], got[:3]
            if first % 50_000 == 0:
                memory, size = max(memory, resident(manager)), max(size, folder_bytes(manager))
            if first == items // 10 // BATCH * BATCH:
                early = memory
        rate = items / (time.perf_counter() - began)
        print("through: %d items, %d a second" % (items, rate))
        check("the folder, at its largest", size / MIB, FOLDER_MAX / MIB, "MiB")
        check("memory, over that of the first tenth", memory / early, 1.2, "times")


def reopen(folder, items):
    manager = Manager(folder, "task")
    task = connect(manager)
    for first in range(0, items, BATCH):
        task.put_many([b"%0100d" % n for n in range(first, first + BATCH)])
    manager, took = restart(manager, folder)
    with manager:
        print("reopen: %d items of 100 bytes" % items)
        check("until it listens again", took, REOPEN_SECONDS_MAX, "s")
        assert connect(manager).qsize() == items


def backlog(folder, items):
    within = ("--memory", "512MiB")
    manager = Manager(folder, "task", more=within)
    task = connect(manager)
    rest, began = b"x" * 1016, time.perf_counter()
    for first in range(0, items, BATCH):
        task.put_many([b"%08d" % n + rest for n in range(first, first + BATCH)])
    rate = items / (time.perf_counter() - began)
    print("backlog: %d items of 1 KiB, %d a second" % (items, rate))
    check("memory with all of them", resident(manager) / MIB, BACKLOG_RESIDENT_MAX / MIB, "MiB")
    manager, took = restart(manager, folder, more=within)
    with manager:
        print("  %-44s %10.1f s" % ("until it listens again", took))
        check("memory then", resident(manager) / MIB, BACKLOG_RESIDENT_MAX / MIB, "MiB")
        task = connect(manager)
        assert task.qsize() == items
        for first in range(0, items // 100, BATCH):
            got = task.get_many(BATCH, 5)
            assert [int(item[:8]) for item in got] == list(range(first, first + BATCH))


def main():
    parser = argparse.ArgumentParser()
    runs = {"through": (through, 10_000_000), "reopen": (reopen, 1_000_000)}
    runs["backlog"] = (backlog, 10_000_000)
    parser.add_argument("names", nargs="*", choices=[[], *runs])
    parser.add_argument("--items", type=int)
    arguments = parser.parse_args()
    for name in arguments.names or runs:
        run, items = runs[name]
        with tempfile.TemporaryDirectory() as folder:
            run(folder, arguments.items or items)


if __name__ == "__main__":
    main()
