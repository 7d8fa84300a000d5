"""Makes the fuzzer's seeds, `FOLDER/TARGET/NAME`: python3 corpus.py FOLDER

They come from what real interpreters said to each other (the golden frames of piecework-wire), and
from what the Python that runs this pickles: objects of every kind, alone and in requests, by each
pickler at each protocol. Run it with several Pythons: each adds its own. A seed is named by its
bytes, so what two Pythons write alike is there once.
"""
import hashlib
import json
import os
import pickle
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTS = os.path.join(ROOT, "crates", "piecework-wire", "tests")
sys.path.insert(0, TESTS)

import policy_attacks  # noqa: E402
import policy_proof  # noqa: E402
import splice_proof  # noqa: E402

# The fuzzer learns more from a thousand small inputs than from one large one.
SEED_BYTES_MAX = 2048
# A check of frames takes two bytes before the stream: the limit divided by 4, and the pieces.
FRAME_HEADS = (b"\xff\x01", b"\xff\x40", b"\x10\x03")
# A check of the handshake takes a key before what the peer says.
KEY = b"\x03abc"
# The forms of a request that are not much alike.
FORMS = ("put", "put, names", "put, named", "put, list", "second, of a part", "put_many",
         "put_many, idioms")


def golden():
    """Each connection that was captured: its messages in order."""
    folder = os.path.join(TESTS, "golden")
    for version in sorted(os.listdir(folder)):
        path = os.path.join(folder, version, "session.json")
        if os.path.exists(path):
            with open(path) as file:
                messages = json.load(file)["messages"]
            for number in sorted({message[0] for message in messages}):
                yield [bytes.fromhex(body) for at, _, body in messages if at == number]


def framed(body):
    return struct.pack("!i", len(body)) + body


def picklers():
    yield pickle.dumps
    yield pickle._dumps


def pickled(value):
    """By each pickler at each protocol; not every protocol has every kind."""
    for dumps in picklers():
        for proto in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                yield dumps(value, proto)
            except Exception:
                pass


def seeds():
    """Target and bytes of each."""
    for messages in golden():
        stream = b"".join(map(framed, messages))
        for head in FRAME_HEADS:
            yield "frames", head + stream[:SEED_BYTES_MAX]
        for message in messages:
            yield "handshake", KEY + message
            yield "walk", message
            yield "splice", message
    for head in FRAME_HEADS:
        yield "frames", head + struct.pack("!iQ", -1, 5) + b"later" + framed(b"")
    for name in (b"md5", b"sha256", b"sha384", b"sha3_256", b"sha3_384"):
        yield "handshake", KEY + b"#CHALLENGE#{" + name + b"}" + b"x" * 40
        yield "handshake", KEY + b"{" + name + b"}" + b"x" * 48
    for name, made in splice_proof.kinds():
        for data in pickled(made()):
            for target in ("walk", "splice", "policy"):
                yield target, data
        for form, request in splice_proof.requests(made()):
            if form in FORMS:
                for data in pickled(request):
                    yield "splice", data
        for data in pickled(("#RETURN", [made(), made()])):
            yield "walk", data
    for _, value in policy_proof.honest():
        for data in pickled(value):
            yield "policy", data
    for _, data in policy_attacks.all_of_them(policy_proof.numpy):
        yield "policy", data
        yield "walk", data


def main(folder):
    for target, data in seeds():
        if len(data) > SEED_BYTES_MAX:
            continue
        place = os.path.join(folder, target)
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, hashlib.sha1(data).hexdigest()), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    sys.setrecursionlimit(5000)
    main(sys.argv[1])
