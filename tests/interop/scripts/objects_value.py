"""Value, Array and Namespace of a SyncManager: every call, its answers and errors, how they look.

usage: objects_value.py HOST PORT AUTHKEY start|connect
"""

import array
import copy

from prompt import Background, connected_manager, walk

VALUE = """
v = m.Value("i", 3)
v.value
v.get()
v.set(5)
v.value
v.value = 7
v.get()
v.value += 1
v.value
str(v)
repr(v)
v.value = "nobody converts it"
v.value, str(v)
v.value = [1, {"a": (2,)}]
v.value, str(v)
v.value.append(2)
v.value
v.set()
v.set(1, 2)
v._callmethod("set", (), {"value": 9})
v._callmethod("get", (1,))
v.value
v._callmethod("no_such_method")  # raises
str(m.Value("d", 0.5)), m.Value("d", 0.5).value
m.Value(typecode="i", value=4).value
m.Value("i", 4, lock=False).value
m.Value("i", 4, True).value
m.Value("no typecode", None).value
str(m.Value(None, None))
m.Value("i")  # raises
m.Value()  # raises
type(v).__name__
v.__str__()
"""

LOOKS = [
    None,
    True,
    False,
    0,
    -1,
    2**40,
    -(2**70),
    0.5,
    -0.0,
    1e16,
    1e22,
    1.5e-7,
    0.0001,
    1e100,
    3.0,
    1 / 3,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "text",
    "it's",
    'a "word"',
    "both ' and \"",
    "a\\b",
    "line\nline\ttab\rreturn\x00\x1f\x7f\x80\xa0\xad",
    "\u00fc\u4e2d\U0001f600\u200b\u2028\ue000\U000e0001",
    b"",
    b"bytes",
    b"it's",
    b'both \' and "',
    b"\x00\n\t\\\x7f\xff",
    (),
    (1,),
    (1, "two", 3.0),
    [],
    [1, [2, []]],
    {},
    {"a": 1, 2: None, (3,): [4]},
    ((), [()], {}),
]

ARRAY = """
a = m.Array("i", [1, 2, 3, 4])
len(a)
a[0], a[3], a[-1], a[-4]
a[4]
a[-5]
a["x"]
a[1.5]
a[None]
a[0:2]
a[:]
a[::-1]
a[1::2]
a[-2:]
a[3:1]
a[10:]
a[::0]
a[0] = 10
a[-1] = -40
a[True] = 20
a[:]
a[4] = 1
a[-5] = 1
a[0] = "x"
a[0] = None
a[0] = 1.5
a[0] = 2**40  # words differ
a[0] = True
a[:]
a[0:1] = [5]
a[0:1] = array.array("d", [5])
list(a)
[n for n in a]
sum(a), max(a), sorted(a)
5 in a
str(a)
repr(a)
a.append(1)  # raises
type(a).__name__, type(a[:]).__name__
a.__len__()
a.__getitem__(0)
a.__setitem__(0, 6)
a[:]
m.Array("d", [0.5, 1, True])[:]
m.Array("d", (1, 2))[:]
m.Array("f", [0.1])[:]
m.Array("b", [-128, 127])[:]
m.Array("B", [255])[:]
m.Array("h", [-2])[:], m.Array("H", [2])[:], m.Array("I", [3])[:], m.Array("l", [-4])[:]
m.Array("L", [5])[:], m.Array("q", [-6])[:], m.Array("Q", [2**64 - 1])[:]
m.Array("i", range(3))[:]
m.Array("i", [])[:]
str(m.Array("i", [])), str(m.Array("d", [0.1, 2])), str(m.Array("B", [0, 255]))
m.Array("i", [1], lock=False)[:]
m.Array(typecode="i", sequence=[1])[:]
m.Array("i", [1.5])  # raises
m.Array("b", [128])  # raises
m.Array("?", [1])  # raises
m.Array("i", 5)  # raises
m.Array("i")  # raises
str(m.Namespace(inside=[m.Value("i", 1).value, {"a": "it's"}]))
f = m.Array("d", [0])
f[0] = 3
f[0]
f[0] = "x"
f[0] = 2**70
f[:]
b = m.Array("b", [0])
b[0] = 128  # words differ
b[0] = -128
b[:]
"""

NAMESPACE = """
n = m.Namespace()
str(n)
n.x = 1
n.x
n.x = "again"
n.x
n.missing
hasattr(n, "missing"), hasattr(n, "x"), getattr(n, "missing", "a default")
del n.missing  # words differ
del n.x
n.x
n.b, n.a = 2, [1, "two"]
str(n)
repr(n)
n.a.append(3)
n.a
n._local = "stays with the client"
n._local
str(n)
setattr(n, "with space", 1)
str(n)
getattr(n, "with space")
named = m.Namespace(one=1, two="2", three=None)
str(named)
named.one, named.two, named.three
m.Namespace(1)  # raises
n._callmethod("__getattribute__", ("a",))
n._callmethod("__setattr__", ("c", 3))
n._callmethod("__delattr__", ("b",))
n._callmethod("__getattribute__", ("b",))
n._callmethod("__getattribute__", ())
n._callmethod("no_such_method")  # raises
str(n)
"""

ALL_OF_IT = """
m.Array("i", [1, 2])._getvalue()
v = m.Value("i", 3)._getvalue()
type(v).__name__, v.value, v.get(), sorted(vars(v).items()), v.set(4), v
w = copy.copy(m.Namespace(a=1, b=[2], _c=3)._getvalue())
type(w).__name__, w.a, w.b, w._c, sorted(vars(w)), w
m.Namespace()._getvalue(), copy.deepcopy(m.Value("d", 1.5))
s = m.Array("i", range(6))
s[1:3] = array.array("i", [-7, 8, 9])
s[:]
s[:0] = array.array("i")
s[5:] = array.array("i", [2**31 - 1, -(2**31)])
s[::2] = array.array("i", [1, 2, 3, 4])
s[:]
s[::2] = array.array("i", [1])  # words differ
s[1:2] = array.array("h", [1])
s[1:2] = (1, 2)
s[1:2] = "ab"
s[:]
list(m.Array("h", array.array("b", [-128, 127])))
for code in "bBhHiIlLqQ": s = m.Array(code, [1, 2]); s[1:] = array.array(code, [127, 3]); print(s)
for code in "fd": s = m.Array(code, [1, 2]); s[1:] = array.array(code, [-0.5, 1e30, float("inf")]); print(s)
s = m.Array("Q", []); s[:] = array.array("Q", [2**64 - 1, 2**63]); print(s)
s = m.Array("u", "ab"); s[1:] = array.array("u", "\u00fcz"); print(ascii(s[:].tounicode()))
m.list(array.array("d", [0.5]))[:]
copy.deepcopy(m.Array("d", [1]))
"""


def main():
    manager = connected_manager()
    names = {"m": manager, "array": array, "copy": copy}
    walk(VALUE, names)
    for look in LOOKS:
        names["v"].value = look
        print(ascii(str(names["v"])), repr(names["v"].value) == repr(look))
    walk(ARRAY, names)
    walk(NAMESPACE, names)
    walk(ALL_OF_IT, names)
    names.update(v=manager.Value("i", 0), lock=manager.RLock())
    adders = [Background("for n in range(20):\n with lock:\n  v.value += 1", names) for _ in "1234"]
    for adder in adders:
        adder.join()
    walk("v.value", names)
    print("done")


if __name__ == "__main__":
    main()
