"""A client that authenticates as stock clients do, and whose requests are bytes written by hand."""

from multiprocessing.connection import Client

from opcodes import proto, text
from shapes import AUTHKEY


def request(protocol, ident, method, args, kwds=b"}"):
    """The pickle of a request: of opcodes, but for the ident and the method, which may be texts."""
    ident, method = (part if isinstance(part, bytes) else text(part) for part in (ident, method))
    return proto(protocol) + b"(" + ident + method + args + kwds + b"t."


class ByHand:
    """One object of a manager, over a connection of its own."""

    def __init__(self, address, typeid):
        self.address = address
        self.ident, _ = self.once(pickled_call("create", text(typeid)))[1]
        self.connection = Client(address, authkey=AUTHKEY.encode())
        self.ask(pickled_call("accept_connection", text("MainProcess")))

    def once(self, raw):
        """A request on a connection of its own; None if it is closed without an answer."""
        with Client(self.address, authkey=AUTHKEY.encode()) as connection:
            connection.send_bytes(raw)
            try:
                return connection.recv()
            except (EOFError, ConnectionResetError):
                return None

    def ask(self, raw):
        """The reply: its kind and its value."""
        self.connection.send_bytes(raw)
        return self.connection.recv()

    def call(self, method, args=b"(t", kwds=b"}", protocol=2):
        return self.ask(request(protocol, self.ident, method, args, kwds))

    def get_pickle(self):
        """The pickle of the reply to a `get`, which nobody has unpickled."""
        self.connection.send_bytes(request(2, self.ident, "get_nowait", b"(t"))
        return self.connection.recv_bytes()

    def close(self):
        self.connection.close()


def pickled_call(method, *args):
    """A request to the manager itself."""
    return request(2, b"N", method, b"(" + b"".join(args) + b"t")
