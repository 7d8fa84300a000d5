"""Shares objects that outlive their manager; prints what is in them, and changes them first if told.

usage: kept_objects.py HOST PORT AUTHKEY write|read
"""

import sys
from multiprocessing.managers import (
    BaseManager,
    DictProxy,
    ListProxy,
    MakeProxyType,
    NamespaceProxy,
    ValueProxy,
)

host, port, authkey, do = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]

SetProxy = MakeProxyType("SetProxy", ("add", "discard", "copy"))


class Objects(BaseManager):
    pass


for name, proxytype in (
    ("config", DictProxy),
    ("log", ListProxy),
    ("seen", SetProxy),
    ("state", NamespaceProxy),
    ("count", ValueProxy),
):
    Objects.register(name, proxytype=proxytype)
manager = Objects(address=(host, port), authkey=authkey)
manager.connect()
config, log, seen = manager.config(), manager.log(), manager.seen()
state, count = manager.state(), manager.count()

if do == "write":
    config.update({"a": 1, 1: "one", (1, "x"): None, "b": b"bytes"})
    config[1.0] = "one, again"
    config[float("nan")] = "never found"
    del config["a"]
    log.extend([3, "two", [1, {"deep": (0.5, None)}]])
    log.insert(1, "between")
    log.append("gone")
    log.pop()
    log.reverse()
    for n in (1, 2, 2.0, "x"):
        seen.add(n)
    seen.discard(1)
    state.name = "piecework"
    state.gone = 1
    del state.gone
    count.value = 10**30

print("config:", config.copy())
print("log:", log[:])
print("seen:", sorted(map(str, seen.copy())))
print("state:", state.name, hasattr(state, "gone"))
print("count:", count.value)
print("found:", 1 in config, config.get(True), log.index("between"), seen.copy() == {2, "x"})
