"""Malicious pickles: refused where only data is let in, else carried, never run by the manager."""

import os
import pickle
import sys

import pytest

import nasty_functions
import nasty_spellings
from by_hand import ByHand, pickled_call, request
from nasty_pickles import NUMBER, numbered
from opcodes import NONE, POP, STOP, proto, text
from program import Program
from shapes import script

FLAGS = ("--allow-class", "--payloads any")


@pytest.fixture
def marks(tmp_path):
    """The folder where a nasty that is run makes a file."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def by_hand(serve):
    """Objects of one manager: of a queue for data, and of one for anything."""
    manager = serve("data:payloads=data", "any:payloads=any")
    opened = []

    def connect(name):
        opened.append(ByHand(manager.address, name))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def nasties(folder):
    mark = "%s/%s" % (folder, NUMBER.decode())
    return numbered(nasty_spellings.all_of_them(mark) + nasty_functions.all_of_them(mark))


# How an item comes to a queue: a method, and the opcodes of its arguments before and after it.
FORMS = {
    "put": (b"(", b"t"),
    "put, in a batch": (b"(](N", b"et"),
    "put_later": (b"(", b"K\1t"),
}


def put(queue, nasty, form="put"):
    before, after = FORMS[form]
    method = "put_many" if form == "put, in a batch" else form
    return queue.call(method, before + nasty.opcodes + after, protocol=nasty.protocol)


def put_by_name(queue, nasty):
    item = b"}" + text("item") + nasty.opcodes + b"s"
    return queue.call("put", kwds=item, protocol=nasty.protocol)


def goes_on(queue):
    """Whether the manager still does for this client what it is there for."""
    return (queue.call("put", b"(" + text("honest") + b"t") == ("#RETURN", None)
            and queue.call("get") == ("#RETURN", "honest"))


def test_names_are_different(marks):
    names = [nasty.name for nasty in nasties(marks)]
    assert len(set(names)) == len(names) > 200


def test_only_data_is_let_in(by_hand, marks):
    queue = by_hand("data")
    for nasty in nasties(marks):
        replies = [put(queue, nasty)]
        if nasty.whole:  # the others would borrow what they lack from what stands around them
            replies += [put(queue, nasty, form) for form in FORMS] + [put_by_name(queue, nasty)]
        for kind, error in replies:
            assert (kind, type(error)) == ("#ERROR", TypeError), (nasty.name, kind, error)
            flagged = any(flag in str(error) for flag in FLAGS)
            assert flagged == nasty.whole, "%s: %s" % (nasty.name, error)
            assert nasty.refused in str(error), "%s: %s" % (nasty.name, error)
        assert queue.call("qsize") == ("#RETURN", 0), nasty.name
    assert goes_on(queue)
    assert os.listdir(marks) == [], "the manager ran what it was sent"


def test_each_refusal_is_a_line_of_the_log(serve, marks):
    manager = serve("data:payloads=data")
    queue = ByHand(manager.address, "data")
    refused = [nasty for nasty in nasties(marks) if nasty.whole]
    for nasty in refused:
        put(queue, nasty)
    queue.close()
    manager.stop()
    lines = [line for line in manager.program.lines["stderr"] if "refused an item" in line]
    assert len(lines) == len(refused)
    for nasty, line in zip(refused, lines):
        assert nasty.refused in line and line.isprintable(), "%s: %r" % (nasty.name, line)


def test_all_is_carried_and_only_its_reader_runs_it(by_hand, marks, tmp_path):
    queue = by_hand("any")
    carried = []
    for number, nasty in enumerate(nasties(marks)):
        kind, value = put(queue, nasty)
        if nasty.whole:
            assert (kind, value) == ("#RETURN", None), nasty.name
            carried.append((number, nasty))
        else:
            assert (kind, type(value)) == ("#ERROR", TypeError), nasty.name
            assert nasty.refused in str(value), "%s: %s" % (nasty.name, value)
    assert queue.call("qsize") == ("#RETURN", len(carried))
    replies = [queue.get_pickle() for _ in carried]
    assert os.listdir(marks) == [], "the manager ran what it was sent"

    assert goes_on(queue)

    # And none of this was harmless from the beginning:
    bodies = [reply for reply, (_, nasty) in zip(replies, carried) if nasty.runs]
    file = tmp_path / "replies"
    file.write_bytes(pickle.dumps(bodies))
    with Program(sys.executable, script("unpickler.py"), file) as unpickler:
        assert unpickler.finish() == ["unpickled %d" % len(bodies)]
    ran = {int(name) for name in os.listdir(marks)}
    assert [nasty.name for number, nasty in carried if nasty.runs and number not in ran] == []


# Where else in a request a pickle may stand. What is passed over as junk is not run for that.
PLACES = {
    "the whole request": lambda ident, body: proto(4) + body + STOP,
    "the ident": lambda ident, body: request(4, body, "qsize", b"(t"),
    "the method": lambda ident, body: request(4, ident, body, b"(t"),
    "the arguments": lambda ident, body: request(4, ident, "qsize", body),
    "an argument too many": lambda ident, body: request(4, ident, "qsize", b"(" + body + b"t"),
    "another argument": lambda ident, body: request(4, ident, "put", b"(N" + body + b"t"),
    "the named arguments": lambda ident, body: request(4, ident, "qsize", b"(t", body),
    "the name of an argument": lambda ident, body: request(
        4, ident, "put", b"(Nt", b"}" + body + b"Ns"),
    "a timeout": lambda ident, body: request(
        4, ident, "get", b"(t", b"}" + text("timeout") + body + b"s"),
    "how many": lambda ident, body: request(4, ident, "get_many", b"(" + body + b"t"),
    "junk before": lambda ident, body: request(4, body + POP + text(ident), "qsize", b"(t"),
    "junk behind": lambda ident, body: request(4, ident, "qsize", b"(t" + body + POP),
    "behind the end": lambda ident, body: request(4, ident, "qsize", b"(t") + body + STOP,
}

# The same in requests to the manager itself, each on a connection of its own.
CALLS = {
    "a typeid": lambda body: pickled_call("create", body),
    "an argument of create": lambda body: pickled_call("create", text("data"), body),
    "an ident to release": lambda body: pickled_call("decref", body),
    "an ident to keep": lambda body: pickled_call("incref", body),
    "a thread's name": lambda body: pickled_call("accept_connection", body),
    "a method": lambda body: request(4, NONE, body, b"(t"),
    "the whole request": lambda body: proto(4) + body + STOP,
    "a token, passed over": lambda body: pickled_call("get_methods", body),
    "an argument of nothing, passed over": lambda body: pickled_call("dummy", body),
}
EVERY = 8  # nasty is enough for these: a new connection takes its time


def test_other_parts_of_a_request_are_not_run_either(by_hand, marks):
    queues = [by_hand("data"), by_hand("any")]
    for nasty in nasties(marks):
        for queue in queues if nasty.whole else []:
            for place, made in PLACES.items():
                kind, _ = queue.ask(made(queue.ident, nasty.opcodes))
                passed_over = kind == "#RETURN" and place.startswith("junk")
                assert kind == "#ERROR" or passed_over, "%s as %s: %s" % (nasty.name, place, kind)
    assert all(goes_on(queue) for queue in queues)
    assert os.listdir(marks) == [], "the manager ran what it was sent"


def test_requests_to_the_manager_itself_are_not_run_either(by_hand, marks):
    queue = by_hand("any")
    for nasty in nasties(marks)[::EVERY]:
        for place, made in CALLS.items():
            reply = queue.once(made(nasty.opcodes))
            refused = reply is None or reply[0] == "#ERROR"
            assert refused or place.endswith("passed over"), (nasty.name, place, reply)
    assert goes_on(queue)
    assert os.listdir(marks) == [], "the manager ran what it was sent"
