"""Machines on this machine: network namespaces with a cable each to a switch that they share.

They are made within a user namespace, so that no rights are needed where the kernel lets anybody
make one. A machine has an address, a name and processes of its own, but shares all files.
"""

import contextlib
import functools
import os
import subprocess

from program import Program, wait_until

# Addresses that are for documentation: no machine has them, so none is shadowed.
NETWORK = "192.0.2.%d"

# Says that it is ready, then lives until its standard input ends.
HOLD = "echo ready; exec cat"


class Switch:
    """What the cables of all machines lead to. All of it goes when the `with` block ends."""

    def __init__(self):
        self._holder = hold("unshare", "--user", "--map-root-user", "--net", script=BRIDGE)
        self._machines = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for machine in self._machines:
            machine.__exit__()
        self._holder.__exit__()

    def machine(self, name):
        """Plugs in one more."""
        number = len(self._machines) + 1
        self._machines.append(Machine(name, NETWORK % number, "port%d" % number, self._holder.pid))
        return self._machines[-1]


# No spanning tree: a cable that is plugged in works at once.
BRIDGE = "ip link add switch type bridge stp_state 0 forward_delay 0 && ip link set switch up"


class Machine:
    """A network namespace: its name is that of its host, its address that of its cable."""

    def __init__(self, name, address, port, switch):
        self.name = name
        self.address = address
        self._port = port
        self._in_switch = ["nsenter", "--preserve-credentials", "-t%d" % switch, "-U", "-n"]
        up = "hostname %s && ip link set lo up" % name
        self._holder = hold(*self._in_switch, "unshare", "--net", "--uts", script=up)
        self._within = [*self._in_switch[:2], "-t%d" % self._holder.pid, "-U", "-n", "-u"]
        cable = "ip link add %s type veth peer name cable netns %d" % (port, self._holder.pid)
        run(*self._in_switch, *cable.split())
        run(*self._in_switch, *("ip link set %s master switch up" % port).split())
        run(*self._within, *("ip address add %s/24 dev cable" % address).split())
        run(*self._within, *"ip link set cable up".split())

    def __exit__(self, *_):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself just now
                os.kill(pid, 9)
        self._holder.__exit__()

    def program(self, *command, **options):
        """Starts a program there."""
        return Program(*self._within, "--", *command, **options)

    def cut(self):
        """Pulls the cable: neither side is told; what they send is lost."""
        run(*self._in_switch, *("ip link set %s down" % self._port).split())

    def mend(self):
        """Plugs it in again."""
        run(*self._in_switch, *("ip link set %s up" % self._port).split())

    def processes(self):
        """What runs there: the command of each process by its number."""
        place, found = namespace(self._holder.pid), {}
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            if pid != self._holder.pid and namespace(pid) == place:
                command = words(pid)
                if command:  # one that has ended, and nobody waited for, has no words
                    found[pid] = command
        return found

    def wait_until_idle(self):
        """Waits until nothing runs there any more."""
        wait_until(lambda: not self.processes(), "nothing runs on %s" % self.name)


def hold(*command, script):
    """Starts a process that keeps its namespaces, and waits until they are made."""
    program = Program(*command, "sh", "-c", "%s && { %s; }" % (script, HOLD))
    try:
        program.wait_for("^ready$")
    except AssertionError:
        program.__exit__()
        raise
    return program


def run(*command):
    """Runs a command that must not fail."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def namespace(pid):
    """Which network a process is in; None if it has ended."""
    try:
        return os.stat("/proc/%d/ns/net" % pid).st_ino
    except OSError:
        return None


def words(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as file:
            return file.read().replace("\0", " ").strip()
    except OSError:
        return ""


@functools.lru_cache(maxsize=None)
def missing():
    """Why no machines can be made here; None if they can."""
    try:
        with Switch() as switch:
            switch.machine("first")
    except (AssertionError, OSError, subprocess.CalledProcessError) as error:
        return "no machines in network namespaces: %s" % last_line(error)
    return None


def last_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
