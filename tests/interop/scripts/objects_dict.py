"""dict of a SyncManager: every call, its answers and errors, and which keys are the same.

usage: objects_dict.py HOST PORT AUTHKEY start|connect
"""

import copy

from prompt import Background, connected_manager, walk

MADE = """
str(m.dict())
m.dict({"a": 1}).copy()
m.dict(a=1, b=2).copy()
m.dict({"a": 1}, b=2).copy()
m.dict([("a", 1), ["b", 2]]).copy()
m.dict((("a", 1),)).copy()
m.dict([(1, 2), (1.0, 3)]).copy()
m.dict({"a": 1}, a=2).copy()
m.dict([1])  # raises
m.dict(5)  # raises
m.dict([(1, 2, 3)])  # raises
m.dict([([], 1)])  # raises
m.dict({}, {})  # raises
"""

ITEMS = """
d = m.dict()
len(d), bool(d)
d["a"] = 1
d["b"] = [2]
d["a"], d["b"]
d["missing"]
d[0]
d[None]
d[(1, "x")]
d[b"x"]
d["it's"]
d[1.5]
d["a"] = "changed"
d.copy()
"a" in d, "missing" in d, 0 in d, None in d
del d["a"]
del d["a"]
del d[7]
d.copy()
d["b"].append(3)
d["b"]
d[[]] = 1
d[[]]
[] in d
d[{}] = 1
del d[[]]
d.get([])
d[([],)] = 1
d.get("b"), d.get("missing"), d.get("missing", "a default"), d.get("b", "a default")
d.get()
d.get(1, 2, 3)
d.setdefault("b", 1), d.setdefault("c", 3), d.setdefault("d"), d.setdefault("c", 4)
d.setdefault([], 1)
d.setdefault()
d.copy()
d.keys(), d.values(), d.items()
type(d.keys()).__name__
sorted(d), list(d), [key for key in d], dict(d), max(d)
for key in d: print("a key:", key)
for key, value in d.items(): print("an item:", key, value)
d.pop("b")
d.pop("b")
d.pop(("a", 1))
d.pop("b", None), d.pop("b", "a default"), d.pop("c", "a default")
d.pop()
d.pop([])
d.pop(1, 2, 3)
d.copy()
d.update({"e": 5})
d.update([("f", 6), ("g", 7)])
d.update(h=8)
d.update({"e": 50}, h=80, ok=1)
d.update()
d.update({})
d.update([1])
d.update([(1, 2, 3)])
d.update(5)
d.update([([], 2)])
d.update({}, {})
d.copy()
d.popitem(), d.popitem()
d.popitem(1)
d.copy()
d.clear()
d.copy(), len(d)
d.popitem()
d.clear(1)
d.__len__(), d.__setitem__("a", 1), d.__getitem__("a"), d.__contains__("a"), d.__delitem__("a")
d._callmethod("no_such_method")  # raises
type(d).__name__
"""

KEYS = """
d = m.dict()
d[1] = "one"
d[1], d[1.0], d[True]
d[1.0] = "one again"
d[True] = "and again"
d.copy(), len(d)
d["1"]
d[b"1"]
d[0] = "zero"
d[0], d[0.0], d[-0.0], d[False]
del d[False]
d.copy()
d[-0.0] = "minus"
d.copy()
d[0] = "still minus"
d.copy()
d.pop(0)
d["a"], d[b"a"] = "text", "bytes"
d["a"], d[b"a"], len(d)
d[None] = "none"
d[None]
d[()] = "empty"
d[(1, "x")] = "pair"
d[()], d[(1, "x")], d[(1.0, "x")], d[(True, "x")]
d[(1, ("x", 2.0))] = "deep"
d[(1.0, ("x", 2))]
d[2**70] = "big"
d[2**70], d[float(2**70)], 2**70 + 1 in d
d[2**53 + 1] = "odd"
2**53 in d, 2**53 + 1 in d, float(2**53) in d
d[float("inf")] = "inf"
d[float("inf")], float("-inf") in d
d[0.1] = "tenth"
d[0.1], 0.1 + 1e-17 in d, 0.2 in d
d["\\u00fc"] = "umlaut"
d["\\u00fc"]
d[float("nan")] = "nan"
float("nan") in d
d[float("nan")]
d[float("nan")] = "nan again"
len(d)
list(map(ascii, d))
d[""], d[b""], d[-1] = 1, 2, 3
d[""], d[b""], d[-1], d[-1.0]
k = m.dict({n: -n for n in (0, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**63, 2**64)})
[k[float(n)] for n in (0, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**63, 2**64)]
"""

ITERATED = """
d = m.dict([("a", 1), ("b", 2), ("c", 3)])
i = iter(d)
type(i).__name__, repr(i)
next(i), next(i), next(i)
next(i)
next(i)
i = iter(d)
next(i)
d["b"] = "changed"
next(i)
d["new"] = 4
next(i)
i = iter(d)
del d["a"]
next(i)
i.send(1)  # raises
i.close()  # raises
list(d), [key for key in d if key != "b"]
list(zip(d, d))
d.clear()
list(d)
"""

LOOKS = """
d = m.dict([("a", 1), (2, "it's"), (None, [1, {}]), ((1,), b"x"), (0.5, None)])
str(d), d.__str__(), d._callmethod("__repr__")
repr(d)
d._getvalue(), copy.deepcopy(d)
d == {}, d == d
"""


def main():
    manager = connected_manager()
    names = {"m": manager, "copy": copy}
    for text in (MADE, ITEMS, KEYS, ITERATED, LOOKS):
        walk(text, names)
    names["d"] = manager.dict()
    setters = [
        Background("for n in range(%d, %d): d[n] = -n" % (n, n + 25), names)
        for n in range(0, 100, 25)
    ]
    for setter in setters:
        setter.join()
    walk("len(d), dict(d) == {n: -n for n in range(100)}", names)
    print("done")


if __name__ == "__main__":
    main()
