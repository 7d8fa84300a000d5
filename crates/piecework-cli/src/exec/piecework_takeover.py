"""Puts piecework in the place of the server that multiprocessing.managers would run.

BaseManager.start() makes a process, builds a Server in it and lets it serve for ever; get_server()
builds one in the program itself. Only that Server is replaced here. The process that start() makes,
its state, its errors and its shutdown() stay Python's own, and so are what they always were.

The new Server asks `piecework exec` to serve its queues, over the Unix socket that PIECEWORK_EXEC
names: one connection for each manager, and one line of JSON in each direction.

    {"op": "serve", "address": ["", 5000], "authkey": "616263",
     "queues": [{"typeids": ["get_task_queue"], "maxsize": 0}], "each": ["Queue"],
     "refused": [{"typeid": "get_counter", "reason": "it gives a Counter"}]}
    {"address": ["0.0.0.0", 5000]} or {"address": "/path"}    or    {"error": "address already in use", "errno": 98}

The queues are served until {"op": "stop"} comes or the connection ends. That `piecework exec` closes
it says that the address is free.
"""

import functools
import json
import os
import socket
import sys
import threading

import piecework_queues

# A manager stops as soon as the calls under way are answered; a program that ends does not wait for
# longer than that can take.
STOP_SECONDS_MAX = 10

managers = None  # the module; given to install(), as its import has not come to its end by then


def install(module):
    """Replaces the server of every manager that names an address."""
    global managers
    managers = module
    base = managers.BaseManager
    stock_get_server, stock_start = base.get_server, base.start

    @functools.wraps(stock_get_server)
    def get_server(self):
        if self._state.value != managers.State.INITIAL:
            return stock_get_server(self)  # it knows the right error
        return _make_server(self._registry, self._address, self._authkey, self._serializer)

    @functools.wraps(stock_start)
    def start(self, *args, **kwargs):
        taken_over = type(self)._Server is _make_server and _can_serve(
            self._address, self._serializer
        )
        stock_start(self, *args, **kwargs)
        if taken_over:
            piecework_queues.divert_shared(managers, self._registry, self._address, self._authkey)

    base.get_server, base.start = get_server, start
    base._Server = staticmethod(_make_server)


def _can_serve(address, serializer):
    """Whether piecework serves such a manager; else Python does, as ever.

    A manager without an address is a program's private affair.
    """
    is_unix = isinstance(address, str) and address != "" and not address.startswith("\\\\")
    return (isinstance(address, tuple) or is_unix) and serializer == "pickle"


def _make_server(registry, address, authkey, serializer):
    if _can_serve(address, serializer):
        return Server(registry, address, authkey)
    if address is not None:
        print(
            "piecework: the manager at %r stays with Python's own server: piecework serves TCP and "
            "Unix addresses, and pickle" % (address,),
            file=sys.stderr,
        )
    return managers.Server(registry, address, authkey, serializer)


class Server(object):
    """What get_server() returns and the process of start() runs: to look at, it is Python's own."""

    def __init__(self, registry, address, authkey):
        self.registry = registry
        self.authkey = authkey
        self.stop_event = threading.Event()
        offer = piecework_queues.survey(registry, managers.SyncManager._registry)
        self._control = _Control()
        answer = self._control.ask(
            {
                "op": "serve",
                "address": address,
                "authkey": bytes(authkey).hex(),
                "queues": [{"typeids": q.typeids, "maxsize": q.maxsize} for q in offer.queues],
                "each": offer.each,
                "refused": [{"typeid": t, "reason": reason} for t, reason in offer.refused],
            }
        )
        if "error" in answer:
            number = answer.get("errno")
            raise OSError(number, answer["error"]) if number else OSError(answer["error"])
        where = answer["address"]
        self.address = tuple(where) if isinstance(where, list) else where
        for shared in offer.queues:
            piecework_queues.divert(
                shared,
                functools.partial(
                    piecework_queues.proxy, managers, self.address, self.authkey, shared.typeids[0]
                ),
            )

    def serve_forever(self):
        """Waits until somebody stops the server, then ends the process, as Python's own does."""
        watch = threading.Thread(target=self._watch, name="piecework-exec")
        watch.daemon = True
        watch.start()
        try:
            try:
                self.stop_event.wait()
            except (KeyboardInterrupt, SystemExit):
                pass
        finally:
            self._control.stop()
            sys.exit(0)

    def _watch(self):
        self._control.wait_for_end()
        self.stop_event.set()


class _Control(object):
    """The connection to `piecework exec`: a manager is served for as long as it is open."""

    def __init__(self):
        path = os.environ["PIECEWORK_EXEC"]
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise OSError(
                error.errno,
                "piecework exec has ended and cannot serve this manager; "
                "let the command that it runs live as long as its managers",
                path,
            )
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._ended = threading.Event()

    def ask(self, request):
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._lines.readline()
        return json.loads(line) if line else {"error": "piecework exec ended"}

    def wait_for_end(self):
        """Returns when `piecework exec` has let go of the address."""
        try:
            self._lines.read()
        except OSError:
            pass
        self._ended.set()

    def stop(self):
        try:
            self._socket.sendall(b'{"op": "stop"}\n')
            self._ended.wait(STOP_SECONDS_MAX)
        except OSError:
            pass  # it has ended by itself
