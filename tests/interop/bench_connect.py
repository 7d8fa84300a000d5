"""Connects and puts side by side on CPython's own server and on piecework, and prints the ratios.

    python3 tests/interop/bench_connect.py [ROUNDS]

The rounds alternate, so that both see the same machine. Exits with 1 when a ratio is missed.
"""

import statistics
import sys
import tempfile
import time
from multiprocessing.managers import BaseManager

import interpreters
from manager import Manager
from program import Program
from shapes import AUTHKEY, command

ROUNDS = 15
PUTS_PER_ROUND = 10
PAYLOAD = b"x" * 20 * 1024  # stock clients write header and body apart from 16 KiB on

# How much of CPython's time piecework may take: CPython waits for acknowledgements (40 ms).
CONNECT_RATIO_MAX = 1 / 10
PUT_RATIO_MAX = 1 / 50


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")


def connect(address):
    """A client on its way to its first call: connected, with two proxies."""
    client = QueueManager(address=address, authkey=AUTHKEY.encode())
    client.connect()
    return client.get_task_queue(), client.get_result_queue()


def connect_seconds(address):
    start = time.perf_counter()
    proxies = connect(address)
    took = time.perf_counter() - start
    del proxies
    return took


def put_seconds(task):
    start = time.perf_counter()
    for _ in range(PUTS_PER_ROUND):
        task.put(PAYLOAD)
    took = (time.perf_counter() - start) / PUTS_PER_ROUND
    for _ in range(PUTS_PER_ROUND):
        task.get()
    return took


def measure(cpython, piecework, rounds):
    """Medians in seconds: ((connect, put) of CPython's server, (connect, put) of piecework)."""
    addresses = (cpython, piecework)
    tasks = [connect(address)[0] for address in addresses]
    connects, puts = ([], []), ([], [])
    for _ in range(rounds):
        for side in (0, 1):
            connects[side].append(connect_seconds(addresses[side]))
            puts[side].append(put_seconds(tasks[side]))
    return tuple(
        (statistics.median(connects[side]), statistics.median(puts[side])) for side in (0, 1)
    )


def side_by_side(manager, rounds):
    """Measures a running manager beside a CPython server of its own."""
    line = command(interpreters.main(), "plain_server.py", "127.0.0.1", 0, AUTHKEY)
    with Program(*line) as server:
        port = int(server.wait_for(r"^manager at 127\.0\.0\.1:(\d+)$", "stderr").group(1))
        return measure(("127.0.0.1", port), manager.address, rounds)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder, Manager(folder) as manager:
        cpython, piecework = side_by_side(manager, rounds)
    missed = 0
    print("python %s, %d rounds, medians" % (sys.version.split()[0], rounds))
    for what, here, there, most in zip(
        ("connect and two proxies", "put of 20 KiB"),
        piecework,
        cpython,
        (CONNECT_RATIO_MAX, PUT_RATIO_MAX),
    ):
        missed += here / there > most
        print(
            "%-24s cpython %8.3f ms   piecework %8.3f ms   ratio 1/%.0f (at most 1/%.0f)"
            % (what, there * 1e3, here * 1e3, there / here, 1 / most)
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
