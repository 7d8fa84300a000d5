"""Payloads that refer to parts of the request they came in: lifted out with what they refer to."""

import pytest

from by_hand import ByHand
from opcodes import NONE, STOP, proto, text

# The request's ident and method, from the slots they are kept in; and a slot for the payload's own.
IDENT, METHOD = b"h\0", b"h\1"
KEEP, KEPT = b"q\7", b"h\7"

# Opcodes of a payload, and what it is for a certain ident.
REFERRING = [
    (METHOD, lambda ident: "put"),
    (IDENT, lambda ident: ident),
    (b"](" + METHOD + IDENT + METHOD + b"e", lambda ident: ["put", ident, "put"]),
    (b"}" + METHOD + IDENT + b"s", lambda ident: {"put": ident}),
    (b"(" + METHOD + IDENT + b"t" + KEEP + KEPT + b"\x86", lambda ident: (("put", ident),) * 2),
    (b"(lp2\n" + METHOD + b"ag0\na", lambda ident: ["put", ident]),
    (METHOD + b"r\0\1\0\0" + b"0j\0\1\0\0" + IDENT + b"\x86", lambda ident: ("put", ident)),
]


def ask(queue, protocol, args):
    """A put whose ident and method are kept in the slots 0 and 1."""
    words = text(queue.ident) + b"q\0" + text("put") + b"q\1"
    return queue.ask(proto(protocol) + b"(" + words + args + b"}t" + STOP)


@pytest.fixture
def queue(serve):
    opened = ByHand(serve("any").address, "any")
    yield opened
    opened.close()


@pytest.mark.parametrize("protocol", range(6))
def test_words_of_the_request(queue, protocol):
    expected = [made(queue.ident) for _, made in REFERRING]
    for opcodes, _ in REFERRING * 2:
        assert ask(queue, protocol, b"(" + opcodes + b"t") == ("#RETURN", None), opcodes
    alone = [queue.call("get")[1] for _ in REFERRING]
    assert alone == expected
    together = queue.call("get_many", b"(K\x64t")
    assert together == ("#RETURN", expected)


def test_a_payload_that_holds_its_own_request_is_refused(queue):
    for args in (b"]" + KEEP + b"(" + KEPT + b"e", b"]" + KEEP + b"(](" + KEPT + NONE + b"ee"):
        kind, error = ask(queue, 2, args)
        assert (kind, type(error)) == ("#ERROR", TypeError)
        assert "refers to the container that it is in" in str(error)
    assert queue.call("qsize") == ("#RETURN", 0)
