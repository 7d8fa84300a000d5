"""Event of a SyncManager: every call, its answers, and those who wait for it.

usage: objects_event.py HOST PORT AUTHKEY start|connect
"""

from prompt import Background, connected_manager, walk

EVENT = """
event.is_set()
event.wait(0.05)
event.wait(timeout=0.05)
event.wait(0)
event.wait(-1)
event.wait("soon")
event.set()
event.is_set()
event.wait()
event.wait(None)
event.wait(0)
event.wait(5)
event.wait(timeout=0.05)
event.set()
event.is_set()
event.clear()
event.is_set()
event.clear()
event.wait(0.01)
event._callmethod("set", (1,))
event._callmethod("wait", (), {"timeout": 0.01})
event._callmethod("no_such_method")  # raises
repr(event)
type(event).__name__
m.Event(1)  # raises
"""


def main():
    manager = connected_manager()
    names = {"event": manager.Event(), "m": manager}
    walk(EVENT, names)
    waiters = [Background("event.wait()", names), Background("event.wait(20)", names)]
    walk("event.set()", names)
    for waiter in waiters:
        waiter.show()
    walk("event.is_set()\nevent.clear()", names)
    there_and_back(names)
    print("done")


def there_and_back(names):
    """Two threads that wake each other in turn."""
    names.update(there=names["m"].Event(), back=names["m"].Event())
    other = Background("[(there.wait(), there.clear(), back.set()) for _ in range(5)]", names)
    walk("[(there.set(), back.wait(20), back.clear()) for _ in range(5)]", names)
    other.show()
    walk("there.is_set(), back.is_set()", names)


if __name__ == "__main__":
    main()
