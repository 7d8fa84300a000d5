"""Proxies of a SyncManager inside its other objects: put there, read back, and used; and what
is made of them by those that go through them.

usage: objects_nested.py HOST PORT AUTHKEY start|connect
"""

import gc
import sys

from prompt import connected_manager, in_thread, walk

IN_A_DICT = """
d = m.dict()
d["list"] = m.list([1])
gc.collect() * 0
d["list"].append(2)
d["list"][:]
type(d["list"]).__name__
d["dict"] = m.dict(a=1)
d["dict"]["b"] = 2
d["dict"].copy()
d["dict"]["deeper"] = m.list()
d["dict"]["deeper"].append("deep")
d["dict"]["deeper"][:]
d.keys(), len(d)
{key: type(value).__name__ for key, value in d.items()}
[type(value).__name__ for value in d.values()]
found = d["list"]
found.append(3)
d["list"][:]
del d["list"]
found[:]
"list" in d
d.pop("dict")["deeper"][:]
d.copy()
"""

IN_A_LIST = """
l = m.list([m.list(), m.dict(), m.Namespace(), m.Value("i", 1)])
gc.collect() * 0
[type(value).__name__ for value in l]
l[0].append("a")
l[0][:]
l[1]["key"] = "value"
l[1]["key"]
l[2].name = "a name"
l[2].name
l[3].value += 1
l[3].value
rows = m.list([m.list([0, 0]) for _ in range(2)])
rows[0][1] = 5
[row[:] for row in rows]
l.pop(0)[:]
len(l)
"""

LOCKS = """
d = m.dict(lock=m.Lock(), event=m.Event(), semaphore=m.Semaphore(1))
gc.collect() * 0
d["lock"].acquire()
d["lock"].acquire(False)
d["lock"].release()
with d["lock"]: print("within:", d["lock"].acquire(False))
d["event"].set()
d["event"].is_set()
d["semaphore"].acquire(False), d["semaphore"].acquire(False)
n = m.Namespace(barrier=m.Barrier(1), condition=m.Condition())
n.barrier.wait()
c = n.condition
with c: print("notified:", c.notify_all())
v = m.Value("O", m.list([1]))
v.value.append(2)
v.value[:]
"""

ITERATED = """
l = m.list([1, [2], "three"])
m.list(l)[:]
other = m.list([0])
other.extend(l)
other[:]
other += l
len(other)
other[1:3] = l
other[:]
d = m.dict(a=1, b=[2])
m.dict(d).copy()
e = m.dict(z=3)
e.update(d)
e.copy()
e.update(d, a=4)
e.copy()
pairs = m.list([("x", 1), ("y", 2)])
m.dict(pairs).copy()
m.dict(l)  # raises
l + other
l[0] = other
l[0][:] == other[:]
a = m.Array("i", [1, 2, 3])
m.list(a)[:]
m.Array("i", m.list([4, 5]))[:]
m.list(m.Namespace(a=1))  # raises
m.list(m.Value("i", 1))  # raises
"""

# Before Python 3.9 a manager does not take the proxy of a queue.
QUEUE = """
d["queue"] = m.Queue(1)
gc.collect() * 0
d["queue"].put("item")
d["queue"].full(), d["queue"].get(timeout=5)
"""

THROUGH_A_QUEUE = """
q = m.Queue()
shared = m.list(["kept"])
q.put(shared)
q.put({"inside": [shared, m.dict(x=1)]})
got = q.get()
got.append("by the getter")
shared[:]
got = q.get()
[value[:] if type(value).__name__ == "ListProxy" else value.copy() for value in got["inside"]]
q.put(m.list(["nobody else knows it"]))
gc.collect() * 0
q.get()[:]
"""


def main():
    manager = connected_manager()
    names = {"m": manager, "gc": gc}
    walk(IN_A_DICT, names)
    walk(IN_A_LIST, names)
    walk(LOCKS, names)
    walk(ITERATED, names)
    if sys.version_info >= (3, 9):
        walk(QUEUE, names)
    walk(THROUGH_A_QUEUE, names)
    in_thread("l[0].copy(), rows[1][:], d['event'].is_set()", names)
    print("done")


if __name__ == "__main__":
    main()
