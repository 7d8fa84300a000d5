"""set of a SyncManager, which Python has since 3.14, and what 3.14 added to dict.

usage: objects_set.py HOST PORT AUTHKEY start|connect

Older Pythons have the types but no proxies, so that these are made here with what 3.14 exposes.
Their elements come in any order, so they are shown sorted.
"""

import copy
import sys
from multiprocessing.managers import MakeProxyType, SyncManager

from prompt import Background, connected_manager, walk

BaseSetProxy = MakeProxyType(
    "BaseSetProxy",
    tuple(
        """
        __and__ __contains__ __iand__ __ior__ __isub__ __iter__ __ixor__ __len__ __or__ __rand__
        __ror__ __rsub__ __rxor__ __sub__ __xor__ __ge__ __gt__ __le__ __lt__ add clear copy
        difference difference_update discard intersection intersection_update isdisjoint issubset
        issuperset pop remove symmetric_difference symmetric_difference_update union update
        """.split()
    ),
)

BaseDictProxy = MakeProxyType(
    "BaseDictProxy",
    tuple(
        """
        __contains__ __delitem__ __getitem__ __ior__ __iter__ __len__ __or__ __reversed__ __ror__
        __setitem__ clear copy fromkeys get items keys pop popitem setdefault update values
        """.split()
    ),
)
BaseDictProxy._method_to_typeid_ = {"__iter__": "Iterator"}


def in_place(method):
    def call(self, other):
        self._callmethod(method, (other,))
        return self

    return call


class SetProxy(BaseSetProxy):
    __ior__ = in_place("__ior__")
    __iand__ = in_place("__iand__")
    __ixor__ = in_place("__ixor__")
    __isub__ = in_place("__isub__")


class DictProxy(BaseDictProxy):
    __ior__ = in_place("__ior__")


SyncManager.register("set", set, SetProxy)
SyncManager.register("dict", dict, DictProxy)


def ordered(elements):
    return type(elements).__name__, sorted(elements, key=repr)


MADE = """
str(m.set()), str(m.set([1])), repr(m.set("a"))[:8]
ordered(m.set({1, 2}).copy())
ordered(m.set(frozenset([1, 2])).copy())
ordered(m.set([1, 2, 1]).copy())
ordered(m.set((1, "a", None, 1.5, b"x", (1, "b"))).copy())
ordered(m.set("hello").copy())
ordered(m.set({"a": 1, "b": 2}).copy())
ordered(m.set(range(3)).copy())
ordered(m.set(set()).copy())
m.set(5)  # raises
m.set([[]])  # raises
m.set([1], [2])  # raises
ordered(m.set([1, 1.0, True, "1", b"1"]).copy())
len(m.set([float("nan"), float("nan")]))
"""

ELEMENTS = """
s = m.set()
len(s), bool(s)
s.add(1), s.add("a"), s.add(1.0), s.add((1, 2)), s.add(None)
len(s), 1 in s, True in s, "a" in s, (1.0, 2) in s, None in s, 2 in s, "1" in s
ordered(s.copy()), ordered(s)
sorted(map(str, s)), sorted(str(element) for element in s), type(iter(s)).__name__
s.add([])
s.add({})
[] in s
([],) in s
s.add()
s.add(1, 2)
s.discard(1), s.discard(1), s.discard("missing")
s.discard([])
s.remove("a")
s.remove("a")
s.remove(7)
s.remove((1, "it's"))
s.remove([])
ordered(s.copy())
len([s.pop(), s.pop()]), len(s)
s.pop()
s.pop(1)
s.add(3), s.pop(), len(s)
s.update([1, 2]), s.clear(), len(s), s.copy()
s.clear(1)
s.add(2**70), 2**70 in s, float(2**70) in s, 2**70 + 1 in s
s.__len__(), s.__contains__(2**70)
s._callmethod("no_such_method")  # raises
str(s), type(s).__name__
s._getvalue(), copy.deepcopy(s)
"""

MIXED = """
s = m.set([1, 2, 3])
ordered(s | {3, 4}), ordered(s & {3, 4}), ordered(s - {3, 4}), ordered(s ^ {3, 4})
ordered({3, 4} | s), ordered({3, 4} & s), ordered({3, 4} - s), ordered({3, 4} ^ s)
ordered(s | frozenset([3, 4])), ordered(s & frozenset()), ordered(s - set()), ordered(set() ^ s)
s | [3]
s & (3,)
s - "abc"
s ^ {3: 4}
s | 5
[3] | s
ordered(s.union([3, 4])), ordered(s.union()), ordered(s.union([4], (5,), {6}, "a", {"b": 1}))
ordered(s.intersection([3, 4])), ordered(s.intersection()), ordered(s.intersection([2, 3], {3}))
ordered(s.difference([3, 4])), ordered(s.difference()), ordered(s.difference([1], {2}))
ordered(s.symmetric_difference([3, 4, 4]))
s.symmetric_difference()
s.symmetric_difference([1], [2])
l = m.list([4, 5])
ordered(s.union(l)), ordered(s.union(l, [6]))
s.union(5)
s.union([[]])
s.difference(other=[1])
ordered(s.copy())
s |= {4}
ordered(s.copy()), type(s).__name__
s &= {1, 2, 4, 9}
ordered(s.copy())
s -= {1}
ordered(s.copy())
s ^= {2, 7}
ordered(s.copy()), type(s).__name__
ordered(s._callmethod("__ior__", ({8},))), ordered(s._callmethod("__isub__", ({8},)))
s.update([1, 2], (3,), {"a": 1}, "b"), s.update(), s.update({5})
ordered(s.copy())
s.intersection_update([1, 2, 3, 4], {2, 3, 4})
ordered(s.copy())
s.difference_update([2], {3}), s.difference_update()
ordered(s.copy())
s.symmetric_difference_update([4, 5])
ordered(s.copy())
s.update(5)
s.update([[]])
ordered(s.copy())
s.clear(), s.update([1.0])
ordered(s | {1}), ordered({1} | s), ordered(s ^ {1}), ordered(s - {True})
"""

COMPARED = """
s = m.set([1, 2])
s <= {1, 2}, s <= {1}, s <= {1, 2, 3}, s < {1, 2}, s < {1, 2, 3}, s < {3, 4, 5}
s >= {1, 2}, s >= {1}, s >= {1, 2, 3}, s > {1, 2}, s > {1}, s > {9}
{1} < s, {1} <= s, {1, 2, 3} > s, {1, 2} >= s, {1, 2} > s
s <= [1, 2]
s > 5
s.issubset([1, 2, 3]), s.issubset([1]), s.issubset("ab")
s.issuperset([1]), s.issuperset([3]), s.issuperset(()), s.issuperset([1.0, True])
s.isdisjoint([3]), s.isdisjoint([1]), s.isdisjoint(())
s.issubset(5)
s.isdisjoint([[]])
s.issubset()
s == {1, 2}, s == s
"""

DICT = """
d = m.dict([("a", 1), ("b", 2)])
d.fromkeys("xy"), d.fromkeys([1, 1.0, 2], "v"), d.fromkeys({"k": 1}, [0]), d.fromkeys(())
d.fromkeys()
d.fromkeys(5)
d.fromkeys([[]])
d.fromkeys([1], 2, 3)
d.copy()
"""

REVERSED = """
list(reversed(d)), type(d.__reversed__()).__name__
list(reversed(m.dict()))
"""

MERGED = """
d | {"b": 3, "c": 4}, {"b": 3, "c": 4} | d, d | {}
d.copy()
d | [("b", 3)]
[("b", 3)] | d
d | 5
d |= {"b": 3}
d.copy(), type(d).__name__
d |= [("c", 4), ("a", 0)]
d.copy()
d |= [1]
d |= 5
d._callmethod("__ior__", ({"z": 1},))
d.copy()
"""


def main():
    manager = connected_manager()
    names = {"m": manager, "copy": copy, "ordered": ordered}
    for text in (MADE, ELEMENTS, MIXED, COMPARED, DICT):
        walk(text, names)
    if sys.version_info >= (3, 8):
        walk(REVERSED, names)
    if sys.version_info >= (3, 9):
        walk(MERGED, names)
    names["s"] = manager.set()
    adders = [
        Background("for n in range(%d, %d): s.add(n)" % (n, n + 40), names)
        for n in range(0, 100, 20)
    ]
    for adder in adders:
        adder.join()
    walk("len(s), s.copy() == set(range(120))", names)
    print("done")


if __name__ == "__main__":
    main()
