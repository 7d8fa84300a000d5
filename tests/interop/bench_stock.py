"""What Python's own clients see of CPython's server and of piecework, side by side.

    python3 tests/interop/bench_stock.py --rounds N --millis N --program piecework=PATH

The clients are proxies of multiprocessing.managers as they are; bench_lines.py has the lines.
"""

import statistics
import time
from contextlib import ExitStack
from multiprocessing.managers import BaseManager

import bench_lines
import bench_servers
from bench_lines import COUNT, FLOOR, MICROS, OWN, PEER, PER_SECOND, Subject
from bench_servers import started
from shapes import AUTHKEY

CLIENTS = (1, 4, 8)
WARM_UP_PART = 1 / 4  # of the time that counts

CONNECTS = 11  # one takes little and varies much
PUTS = 10
PAYLOAD = b"x" * 20 * 1024  # stock clients write header and body apart from 16 KiB on

CROWD_PROCESSES = 8
CROWD_CLIENTS_EACH = 32
CROWD = CROWD_PROCESSES * CROWD_CLIENTS_EACH
# Who is not served by then is not served: his connection was dropped, and nobody tells him.
CROWD_PATIENCE_SECONDS = 10

LOCK_PROCESSES = 8
LOCK_CLIENTS_EACH = 8
LOCK_CLIENTS = LOCK_PROCESSES * LOCK_CLIENTS_EACH


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
    for _ in range(PUTS):
        task.put(PAYLOAD)
    took = (time.perf_counter() - start) / PUTS
    for _ in range(PUTS):
        task.get()
    return took


def waits(address, part, tell):
    """How long a client waits until it can begin, and for a put that is two writes."""
    connects = [connect_seconds(address) for _ in range(max(1, round(CONNECTS * part)))]
    tell("connect and two proxies", MICROS, statistics.median(connects) * 1e6)
    task, _ = connect(address)
    tell("put of 20 KiB", MICROS, put_seconds(task) * 1e6)


def rates(address, seconds, tell):
    """Puts and gets of one client and of several."""
    for clients in CLIENTS:
        rate, _ = items(address, clients, seconds)
        tell(cycles(clients), PER_SECOND, rate)


def floor(address, seconds, tell):
    """What clients could do at most: as many items as their own processors' time is enough for.

    Call this with all on one core. Else a core sleeps while it waits for the other, and what it
    takes to wake it is counted as the client's time.
    """
    _, items_per_cpu_second = items(address, 1, seconds)
    for clients in CLIENTS:
        at_a_time = min(bench_servers.CORES, clients)
        tell(cycles(clients), PER_SECOND, items_per_cpu_second * at_a_time)


def cycles(clients):
    return "items/s, %d client%s" % (clients, "" if clients == 1 else "s")


def begun_at_once(count, script, *words, warm_up=0):
    """The lines of programs that all begin when the last one is ready; what they do in the warm-up
    does not count."""
    with ExitStack() as stack:
        programs = [stack.enter_context(started(script, *words)) for _ in range(count)]
        for program in programs:
            program.wait_for("^ready$")
        begin = time.monotonic() + warm_up
        for program in programs:
            program.tell(repr(begin))
        return [program.finish() for program in programs]


def items(address, clients, seconds):
    """Items per second of all clients, and items per second of their processors' time."""
    ended = [
        tuple(map(float, lines[-1].split()))
        for lines in begun_at_once(
            clients, "bench_items.py", *address, AUTHKEY, seconds, warm_up=seconds * WARM_UP_PART
        )
    ]
    rate = sum(many / took for many, took, _ in ended)
    return rate, sum(many for many, _, _ in ended) / sum(of_cpu for _, _, of_cpu in ended)


def crowd(address, part, tell):
    """How many of those who come at once are served soon, and when the last one is."""
    patience = CROWD_PATIENCE_SECONDS * part
    words = (*address, AUTHKEY, CROWD_CLIENTS_EACH, patience)
    ended = begun_at_once(CROWD_PROCESSES, "bench_crowd.py", *words)
    served = [float(after) for lines in ended for after in lines[1:]]
    soon = sum(after <= 1 for after in served)
    tell("clients served within a second, of %d at once" % CROWD, COUNT, soon)
    last = max(served) if len(served) == CROWD else patience
    tell("until the last of %d at once is served" % CROWD, MICROS, last * 1e6)


def turns(address, seconds, tell):
    """How often one lock is held that many want, and whether each of them has it as often."""
    words = (*address, AUTHKEY, LOCK_CLIENTS_EACH, seconds)
    ended = begun_at_once(LOCK_PROCESSES, "bench_lock.py", *words, warm_up=seconds * WARM_UP_PART)
    held = [int(count) for lines in ended for count in lines[-1].split()]
    who = "one lock, %d clients: " % LOCK_CLIENTS
    tell(who + "turns/s", PER_SECOND, sum(held) / seconds)
    tell(who + "turns of who had fewest", COUNT, min(held))
    tell(who + "turns of who had most", COUNT, max(held))


def subjects(words):
    def in_memory(folder):
        return bench_servers.piecework(folder, "--engine", "memory", "--object", "lock:Lock")

    def own_cost(folder, tell):
        with bench_servers.on_one_core(), in_memory(folder) as address:
            floor(address, words.seconds, tell)

    def all_of(server):
        def measure(folder, tell):
            with server(folder) as address:
                rates(address, words.seconds, tell)
                waits(address, words.part, tell)
                turns(address, words.seconds, tell)
                # Last: what hangs after it ends with the server.
                crowd(address, words.part, tell)

        return measure

    return [
        Subject(FLOOR, "the clients alone", own_cost),
        Subject(PEER, "CPython", all_of(lambda _: bench_servers.cpython())),
        Subject(OWN, "piecework", all_of(in_memory)),
    ]


if __name__ == "__main__":
    bench_lines.main(subjects)
