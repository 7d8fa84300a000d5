"""list of a SyncManager: every call, its answers and errors, and what is equal to what.

usage: objects_list.py HOST PORT AUTHKEY start|connect
"""

import copy

from prompt import Background, connected_manager, walk

MADE = """
str(m.list())
m.list([1, 2])[:]
m.list((1, 2))[:]
m.list("abc")[:]
m.list(b"abc")[:]
m.list(range(3))[:]
m.list({"a": 1, "b": 2})[:]
m.list({1})[:], m.list(set())[:], sorted(m.list({"a", "b"})), m.list(frozenset([(1,)]))[:]
m.list([[1], (2,), {"three": 3}])[:]
m.list(5)  # raises
m.list([1], [2])  # raises
m.list(nonsense=1)  # raises
"""

ITEMS = """
l = m.list(["a", "b", "c", "d", "e"])
len(l)
l[0], l[4], l[-1], l[-5]
l[5]
l[-6]
l["x"]
l[1.5]
l[None]
l[True]
l[2**70]
l[:]
l[1:3], l[:2], l[3:], l[-2:], l[:-2]
l[::2], l[1::2], l[::-1], l[::-2], l[4:0:-1], l[-1:-3:-1]
l[3:1], l[10:], l[:100], l[-100:2], l[2:2]
l[None:None:None], l[2**70:], l[:-2**70], l[::2**70]
l[::0]
l["x":]
l[0] = "A"
l[-1] = "E"
l[5] = "F"
l[-6] = "F"
l["x"] = 1
l[:]
l[1:3] = ["B", "C", "D"]
l[:]
l[1:1] = ["inserted", "here"]
l[:]
l[1:3] = []
l[:]
l[10:] = ["at the end"]
l[:]
l[3:1] = ["between"]
l[:]
l[::2] = ["x", "y"]
l[::3] = ["x", "y", "z"]
l[:]
l[::-1] = [6, 5, 4, 3, 2, 1, 0]
l[:]
l[0:2] = "st"
l[0:2] = ("s", "t")
l[0:2] = 5
l[::2] = 5
l[1:2] = {"key": 1}
l[:]
l[-3:] = range(3)
l[:]
del l[0]
del l[-1]
l[:]
del l[10]
del l[-10]
del l["x"]
del l[1:3]
l[:]
l[:] = range(10)
del l[::3]
l[:]
del l[::-2]
l[:]
del l[5:1]
del l[100:]
l[:]
del l[:]
l[:], len(l), bool(l)
l.__len__(), l.__getitem__(slice(None)), l.__setitem__(slice(None), [1]), l.__delitem__(0)
"""

METHODS = """
l = m.list()
l.append("a")
l.append(None)
l.append([1, 2])
l.append()
l.append(1, 2)
l[:]
l.extend(["b", "c"])
l.extend(("d",))
l.extend("ef")
l.extend(range(2))
l.extend({"key": 1})
l.extend([])
l.extend(5)
l[:]
l.insert(0, "first")
l.insert(-1, "before the last")
l.insert(100, "last")
l.insert(-100, "very first")
l.insert(2, "third")
l.insert("x", 1)
l.insert(1)
l[:]
l.pop()
l.pop(0)
l.pop(-2)
l.pop(100)
l.pop(-100)
l.pop("x")
l.pop(1, 2)
l[:]
l.reverse()
l[:]
l += ["added"]
l += "xy"
l *= 2
l[:]
len(l)
type(l).__name__
l *= 0
l[:]
l.pop()
l.pop(0)
l.extend([1, 2])
l + [3]
l + (3,)
l + 3
[0] + l
l * 2, 2 * l, l * 0, l * -1, True * l
l * "x"
l * 1.5
l[:]
list(reversed(l))
list(l), [x for x in l], tuple(l), sorted(l), sum(l), min(l), max(l)
first, second = l
first, second
list(enumerate(l)), list(zip(l, l))
l._callmethod("no_such_method")  # raises
l.__contains__(1), l.__add__([1]), l.__mul__(2), l.__rmul__(2)
"""

FOUND = """
l = m.list([1, 2.0, True, None, "a", b"a", (1, "x"), 2**70, -0.0, float("inf"), "\\u00fc", 1])
1 in l, 1.0 in l, True in l, 2 in l, 2.0 in l, 3 in l
0 in l, 0.0 in l, False in l, -0.0 in l
None in l, "a" in l, b"a" in l, "b" in l, "" in l
(1, "x") in l, (1.0, "x") in l, (True, "x") in l, (1,) in l, () in l
2**70 in l, float(2**70) in l, 2**70 + 1 in l, -(2**70) in l
float("inf") in l, float("-inf") in l, float("nan") in l, "\\u00fc" in l
l.count(1), l.count(1.0), l.count(True), l.count(2), l.count(None), l.count("a"), l.count("z")
l.index(1), l.index(2), l.index(None), l.index(b"a"), l.index((1, "x")), l.index(0)
l.index(1, 1), l.index(1, 3), l.index(1, -1), l.index(1, -100), l.index(1, 0, 1)
l.index(2, 2)  # words differ
l.index(1, 3, 5)  # words differ
l.index("z")  # words differ
l.index(2, 0, 1)  # words differ
l.index()
l.index(1, "x")
l.remove(1)
l[:3]
l.remove(1.0)
l[:3]
l.remove("z")
l.remove((1.0, "x"))
l.remove(None)
l.remove(0)
l.remove()
l[:]
n = m.list([float("nan"), (float("nan"),), 2**53, 2**53 + 1])
float("nan") in n, (float("nan"),) in n, n.count(float("nan"))
float(2**53) in n, n.count(float(2**53)), n.index(2**53 + 1), n.count(2.0**53 + 2)
n.remove(float("nan"))
len(n)
i = m.list([10**15, 0.1, -1, 255, 256, 65535, 65536, 2**31, -(2**31), 2**63, -(2**63)])
[i.index(x) for x in (1e15, 0.1, -1.0, 255.0, 256, 65535, 65536.0, 2**31, -(2.0**31), 2.0**63)]
-(2**63) in i, 0.2 in i, 0.1 + 1e-17 in i
p = m.list([(), ((),), (1, (2.0, (None,))), ("a", b"a")])
() in p, ((),) in p, (1.0, (2, (None,))) in p, ("a", "a") in p, ("a", b"a") in p
"""

NESTED_FOUND = """
c = m.list([[1, 2], {"a": 1}, [], {}])
[1, 2] in c, [1.0, True + 1] in c, (1, 2) in c, {"a": 1} in c, {"a": 1.0} in c, [] in c, {} in c
[2, 1] in c, {"b": 1} in c
c.index([]), c.count({})
c.remove([1.0, 2.0])
c[:]
"""

SORTED = """
l = m.list([3, 1, 2])
l.sort()
l[:]
l.sort(reverse=True)
l[:]
l.sort(reverse=False)
l[:]
l.sort(key=None, reverse=1)
l[:]
l.sort(1)
l.sort(nonsense=1)
l[:] = [2.5, 1, True, 0, -1, 2**70, float("-inf"), 1.0, -0.0, 0.5]
l.sort()
l[:]
l.sort(reverse=True)
l[:]
l[:] = ["b", "a", "", "\\u00fc", "ab", "B", "\\U0001f600", "\\ue000"]
l.sort()
[ascii(x) for x in l]
l.sort(reverse=True)
[ascii(x) for x in l]
l[:] = [b"b", b"a", b"\\xff", b""]
l.sort()
l[:]
l[:] = [(2, "a"), (1, "b"), (1, "a"), (1,), (), (1.0, "a")]
l.sort()
l[:]
l[:] = [[2], [1, 1], [1]]
l.sort()
l[:]
l[:] = [1, "a"]
l.sort()
l[:] = [None, None]
l.sort()
l[:] = [{}, {}]
l.sort()
l[:] = ["a", b"a"]
l.sort()
l[:] = [None]
l.sort()
l[:] = []
l.sort()
l[:]
l[:] = [2**53 + 1, 2.0**53, 2**53, 10**30, 1e30]
l.sort()
l[:]
"""

LOOKS = """
str(m.list([1, "it's", None, 2.0, b"x", (1,), [], {"a": [1]}, -0.0, 1e22, "\\n"]))
l = m.list([1, [2]])
str(l), l.__str__(), l._callmethod("__repr__")
repr(l)
l._getvalue(), copy.deepcopy(l)
l[1].append(3)
l[:]
l == [1, [2]], l == l
l._callmethod("__len__", [])
"""

def main():
    manager = connected_manager()
    names = {"m": manager, "copy": copy}
    for text in (MADE, ITEMS, METHODS, FOUND, NESTED_FOUND, SORTED, LOOKS):
        walk(text, names)
    names["l"] = manager.list()
    appenders = [Background("for n in range(25): l.append(n)", names) for _ in range(4)]
    for appender in appenders:
        appender.join()
    walk("len(l), sorted(l) == sorted(4 * list(range(25)))", names)
    print("done")


if __name__ == "__main__":
    main()
