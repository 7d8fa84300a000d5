"""Attacks CPython's own manager and piecework alike, and writes docs/attacks.md.

    cargo build --release && python3 tests/interop/attacks.py [NAME...]

Names (see attackers.py) run only those attacks, and print the table without writing it.

The server and a session that works share one core, the attacker has another: what the session
loses is what the server does for the attacker, not what the attacker does.
"""

import os
import pickle
import platform
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import attackers
from manager import ROOT, binary
from shapes import AUTHKEY, script

PAGE = os.path.join(ROOT, "docs", "attacks.md")
HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS = 3
ROUND_SECONDS = 0.7
SETTLED_SECONDS = 5
# Longer than the 20 s that piecework gives a handshake: what is held is held for ever, or not.
HELD_SECONDS = 22
HELD = {"half-a-handshake", "crowd", "byte-a-second"}
PATIENCE_SECONDS = 20
SERVER_CORE, ATTACKER_CORE = "0", "1"
COLUMNS = (
    "attack",
    "manager",
    "its memory before, under attack (MiB)",
    "threads",
    "open connections",
    "log (KiB)",
    "a new client is in after (ms)",
    "rate of the session beside it",
)


def on(core, *command, **options):
    return subprocess.Popen(["taskset", "-c", core, *command], **options)


class Server:
    """One of the two managers, and the session that works with it."""

    def __init__(self, name, folder):
        self.name = name
        self.log = os.path.join(folder, "log")
        key = os.path.join(folder, "key")
        with open(key, "w") as file:
            file.write(AUTHKEY)
        cpython = [sys.executable, script("plain_server.py"), "127.0.0.1", "0", AUTHKEY]
        ours = [binary(), "serve", "--listen", "127.0.0.1:0", "--authkey-file", key]
        ours += ["--engine", "memory"]  # as CPython's
        command = cpython if name == "CPython" else ours
        with open(self.log, "wb") as log:
            self.process = on(SERVER_CORE, *command, stdout=log, stderr=log)
        self.address = ("127.0.0.1", self.port())
        where = ("127.0.0.1", str(self.address[1]), AUTHKEY)
        self.session = on(
            SERVER_CORE,
            *(sys.executable, script("round_trips.py"), *where),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.session.stdout.readline()

    def port(self):
        while self.process.poll() is None:
            with open(self.log) as log:
                found = re.search(r"127\.0\.0\.1:(\d+)", log.read())
            if found:
                return int(found.group(1))
            time.sleep(0.01)  # rhythm: the pause between two looks
        raise AssertionError("%s did not start; see %s" % (self.name, self.log))

    def rate(self):
        """Round trips of the session a second; 0 where it gets no answer."""
        try:
            self.session.stdin.write(b"%f\n" % ROUND_SECONDS)
            self.session.stdin.flush()
        except BrokenPipeError:
            return 0
        ready, _, _ = select.select([self.session.stdout], [], [], PATIENCE_SECONDS)
        count = self.session.stdout.readline() if ready else b""
        return int(count or 0) / ROUND_SECONDS

    def rest(self):
        """Waits until it has nothing more to do: what an attacker left behind is work, too."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before = None
        while before != self.ticks() and time.monotonic() < deadline:
            before = self.ticks()
            time.sleep(0.2)  # rhythm: the time in which it has done nothing

    def ticks(self):
        """The time of processors that it has used."""
        with open("/proc/%d/stat" % self.process.pid) as stat:
            return sum(int(field) for field in stat.read().rsplit(")", 1)[1].split()[11:13])

    def memory(self):
        return int(self.status("VmRSS")) / 1024

    def threads(self):
        return int(self.status("Threads"))

    def connections(self):
        """Its open sockets that are connected; one listens."""
        folder = "/proc/%d/fd" % self.process.pid
        kinds = [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
        return sum(kind.startswith("socket:") for kind in kinds) - 1

    def status(self, field):
        with open("/proc/%d/status" % self.process.pid) as status:
            return re.search(field + r":\s+(\d+)", status.read()).group(1)

    def stop(self):
        for process in (self.session, self.process):
            process.kill()
            process.wait()


def newcomer_ms(server):
    """How long the handshake of one more client takes; None if longer than anybody waits."""
    begun = time.perf_counter()
    try:
        while time.perf_counter() - begun < PATIENCE_SECONDS:
            try:
                socket.setdefaulttimeout(PATIENCE_SECONDS)
                attackers.with_key(server.address, AUTHKEY.encode()).close()
                return (time.perf_counter() - begun) * 1000
            except (EOFError, ConnectionError):
                pass  # turned away; it tries again
    except OSError:
        pass
    return None


class Attacker:
    def __init__(self, name, server):
        where = ("127.0.0.1", str(server.address[1]), AUTHKEY)
        command = (sys.executable, os.path.join(HERE, "attackers.py"), name, *where)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = on(ATTACKER_CORE, *command, **pipes)
        select.select([self.process.stdout], [], [], PATIENCE_SECONDS)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def measure(attack, name):
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(name, folder)
        try:
            server.rate()
            before = server.memory()
            ratios = []
            for number in range(ROUNDS):
                server.rest()
                alone = server.rate()
                attacker = Attacker(attack, server)
                ratios.append(server.rate() / alone if alone else 0)
                if number < ROUNDS - 1:
                    attacker.stop()
            newcomer = newcomer_ms(server)
            during = server.memory()
            settle = HELD_SECONDS if attack in HELD else SETTLED_SECONDS
            time.sleep(settle)  # rhythm: the attack goes on for as long as the table says
            row = (
                "%.0f, %.0f" % (before, max(during, server.memory())),
                "%d" % server.threads(),
                # Without that of the session itself.
                "%d" % (server.connections() - 1),
                "%.0f" % (os.path.getsize(server.log) / 1024),
                "never" if newcomer is None else "%.0f" % newcomer,
                "%.2f (%.2f to %.2f)" % (statistics.median(ratios), min(ratios), max(ratios)),
            )
            attacker.stop()
            return row
        finally:
            server.stop()


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def runs_what_it_is_sent(name):
    """Whether a manager does what a pickle says, sent as the item of a put."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(name, folder)
        try:
            sock, ident = attackers.main_connection(server.address, AUTHKEY.encode())
            made = os.path.join(folder, "made")
            request = (ident, "put", (Trap(made),), {})
            sock.sendall(attackers.message(pickle.dumps(request)))
            attackers.read_message(sock)
            return os.path.exists(made)
        finally:
            server.stop()


def told_without_key(name):
    """What a manager says to an HTTP request, after its challenge."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(name, folder)
        try:
            with attackers.dial(server.address) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                attackers.read_message(sock)
                said = b""
                while True:
                    try:
                        more = sock.recv(4096)
                    except ConnectionError:
                        more = b""
                    if not more:
                        return len(said), said.count(b".py")
                    said += more
        finally:
            server.stop()


def table(names):
    lines = ["| %s |" % " | ".join(COLUMNS), "|---" * len(COLUMNS) + "|"]
    for attack in names:
        words, _ = attackers.ATTACKS[attack]
        for name in ("CPython", "piecework"):
            lines.append("| %s |" % " | ".join((words, name) + measure(attack, name)))
            print(lines[-1], file=sys.stderr, flush=True)
            words = ""
    return "\n".join(lines)


PREFACE = """\
# Attacks, side by side

CPython's manager (Python {python}) and `piecework serve` ({commit}) under the same attacks. This
page is written by `python3 tests/interop/attacks.py`; {when}, {machine}.

The manager and a session that works share one core, and the attacker has the other, so what the
session loses is what the manager does for the attacker. The rate is that of a session of Python
that puts an item and gets it back, beside the attack, over its rate just before, with the manager
at rest; the median of {rounds} rounds, with the least and the most. The other columns are taken
in the last round: a new client tries once the rate is measured, the rest after {settled} seconds
more, and after {held} where the attacker only holds what it has. Memory is the larger of the two
moments; connections are without the session's own; the log is of all rounds. Where clients put
items and are killed with them, piecework still has the items of all rounds, and CPython lost them.

The load of the machine was {load} when the script began. Where that is not near 0, other programs
took part: ratios far above 1 then say that they took more from the round alone than the attack
took from the other, and the column of rates proves nothing either way.

"""


def page(rows, load):
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    with open("/proc/cpuinfo") as info:
        model = re.search(r"model name\s*: (.*)", info.read()).group(1)
    text = PREFACE.format(
        python=platform.python_version(),
        commit="commit " + commit,
        when=time.strftime("on %d %B %Y"),
        machine="on %s, %d cores, Linux %s" % (model, os.cpu_count(), platform.release()),
        load="%.1f" % load,
        rounds=ROUNDS,
        settled=SETTLED_SECONDS,
        held=HELD_SECONDS,
    )
    text += rows + "\n\n| | CPython | piecework |\n|---|---|---|\n"
    managers = ("CPython", "piecework")
    both = [(runs_what_it_is_sent(name), told_without_key(name)) for name in managers]
    ran = ["it is made" if ran else "it is not" for ran, _ in both]
    told = ["%d bytes, %d paths of files in them" % said for _, said in both]
    text += "| an item whose pickle makes a folder, put with the key | %s | %s |\n" % tuple(ran)
    text += "| told to an HTTP request, after the challenge | %s | %s |\n" % tuple(told)
    return text


def main():
    names = sys.argv[1:] or list(attackers.ATTACKS)
    load, _, _ = os.getloadavg()
    rows = table(names)
    if sys.argv[1:]:
        print(rows)
        return
    text = page(rows, load)
    print(text)
    with open(PAGE, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
