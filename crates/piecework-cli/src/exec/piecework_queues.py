"""Finds the queues among a manager's typeids, and moves them and their users to piecework."""

import queue
import sys
import threading
import time

METHODS = (
    "empty",
    "full",
    "get",
    "get_nowait",
    "join",
    "put",
    "put_nowait",
    "qsize",
    "shutdown",
    "task_done",
)

# What a queue.Queue that moved to piecework says of its size to the threads that still wait in it:
# more than nothing for those that get, less than any bound for those that put.
SIZE_OF_MOVED = 0.5


class Shared(object):
    """One queue object of the program, with the typeids that lead to it."""

    def __init__(self, instance, typeid):
        self.instance = instance
        self.typeids = [typeid]
        self.maxsize = _maxsize(instance)


class Offer(object):
    """What a registry offers: shared queues, typeids that make a new queue each time, the rest."""

    def __init__(self):
        self.queues = []
        self.each = []
        self.refused = []


def survey(registry, sync_registry):
    """Calls each registered callable, as a server would for a client, and sorts what it gives."""
    offer = Offer()
    for typeid, entry in sorted(registry.items()):
        make = entry[0]
        if make is queue.Queue:
            offer.each.append(typeid)
        elif make is not None and sync_registry.get(typeid) is not entry:
            refusal = _add(offer, typeid, make)
            if refusal:
                offer.refused.append((typeid, refusal))
                _say("clients that ask for %s will be refused: %s" % (typeid, refusal))
    return offer


def _add(offer, typeid, make):
    """Adds what one callable gives to the offer, or returns why it cannot be served."""
    try:
        instance = make()
        again = make() if _is_queue(instance) else None
    except Exception as error:
        return "its callable raised %s: %s" % (type(error).__name__, error)
    if not _is_queue(instance):
        return (
            "it gives a %s; piecework serves only queue.Queue and multiprocessing.Queue so far; "
            "keep it in a manager of its own, run without piecework exec" % type(instance).__name__
        )
    if again is not instance:
        if _maxsize(instance):
            return "it gives a new bounded queue each time; register one queue, or queue.Queue"
        offer.each.append(typeid)
        return None
    for shared in offer.queues:
        if shared.instance is instance:
            shared.typeids.append(typeid)
            return None
    offer.queues.append(Shared(instance, typeid))
    return None


def proxy(managers, address, authkey, typeid):
    """Connects to the manager like any client."""

    class Local(managers.BaseManager):
        pass

    Local.register(typeid)
    local = Local(address, authkey)
    local.connect()
    return getattr(local, typeid)()


def divert(shared, connect):
    """Moves a queue's items to piecework, and lets its methods and those who wait in it follow.

    A server forked by start() would have the items, and the threads of a program that serves in its
    own process may use the queue itself, not a proxy.
    """
    instance = shared.instance
    remote = _Remote(connect)
    if _is_process_queue(instance):
        remote.put_all(_take_all(instance), shared.typeids)
        _forward(instance, remote)
        return
    with instance.mutex:
        waiting = instance.not_empty._waiters or instance.not_full._waiters
        joining = bool(instance.all_tasks_done._waiters)
        items = list(instance.queue)
        remote.put_all(items, shared.typeids)
        instance.queue.clear()
        _forward(instance, remote)
        _divert_waiters(instance, remote)
        if waiting:
            instance.not_empty.notify_all()
            instance.not_full.notify_all()
    if joining:
        thread = threading.Thread(target=_join, args=(instance, remote), name="piecework-join")
        thread.daemon = True
        thread.start()


def divert_shared(managers, registry, address, authkey):
    """Does the same in the program for multiprocessing queues that a process of start() serves.

    Other than a queue.Queue, of which a forked server has a copy, they are shared by all processes.
    """
    if "multiprocessing.queues" not in sys.modules:
        return
    seen = []
    for typeid, entry in sorted(registry.items()):
        if entry[0] is None or managers.SyncManager._registry.get(typeid) is entry:
            continue
        try:
            instance = entry[0]()
        except Exception:
            continue  # the server has said so
        if _is_process_queue(instance) and not any(instance is other for other in seen):
            seen.append(instance)
            _forward(instance, _Remote(lambda t=typeid: proxy(managers, address, authkey, t)))


class _Remote(object):
    """A proxy that connects when it is needed first."""

    def __init__(self, connect):
        self._connect = connect
        self._lock = threading.Lock()
        self._proxy = None

    def call(self, method, *args, **kwargs):
        with self._lock:
            if self._proxy is None:
                self._proxy = self._connect()
        return getattr(self._proxy, method)(*args, **kwargs)

    def put_all(self, items, typeids):
        for item in items:
            try:
                self.call("put", item)
            except Exception as error:
                raise type(error)(
                    "an item that %s holds already cannot be put on the network: %s"
                    % (" or ".join(typeids), error)
                )


def _forward(instance, remote):
    def forward(name):
        return lambda *args, **kwargs: remote.call(name, *args, **kwargs)

    for name in METHODS:
        if hasattr(instance, name):
            setattr(instance, name, forward(name))


def _divert_waiters(instance, remote):
    """Threads that are inside get() or put() when the queue moves take their last step elsewhere.

    Queue.get() waits for `_qsize()` and then calls `_get()`; put() likewise. Both hold the mutex.
    """

    def unlocked(method, *args):
        timeout = _time_left(sys._getframe(2))
        instance.mutex.release()
        try:
            return remote.call(method, *args, timeout=timeout)
        finally:
            instance.mutex.acquire()

    instance._qsize = lambda: SIZE_OF_MOVED
    instance._get = lambda: unlocked("get")
    instance._put = lambda item: unlocked("put", item)


def _time_left(frame):
    """Reads the deadline of a Queue.get() or put() in its frame, where Python keeps it."""
    endtime = frame.f_locals.get("endtime")
    return None if endtime is None else max(0.0, endtime - time.monotonic())


def _join(instance, remote):
    remote.call("join")
    with instance.all_tasks_done:
        instance.unfinished_tasks = 0
        instance.all_tasks_done.notify_all()


def _is_queue(instance):
    """Whether it is exactly a queue that we know: subclasses may keep another order, or do more."""
    return type(instance) is queue.Queue or _is_process_queue(instance)


def _is_process_queue(instance):
    queues = sys.modules.get("multiprocessing.queues")
    return queues is not None and type(instance) in (queues.Queue, queues.JoinableQueue)


def _maxsize(instance):
    """The bound of a queue, 0 for none, which a multiprocessing.Queue says by its semaphore."""
    if not _is_process_queue(instance):
        return max(0, instance.maxsize)
    from multiprocessing.synchronize import SEM_VALUE_MAX

    return 0 if instance._maxsize >= SEM_VALUE_MAX else instance._maxsize


def _take_all(instance):
    """Empties a multiprocessing.Queue; its qsize() counts what is still on its way, too."""
    kind = type(instance)  # the methods of the instance may belong to an earlier manager
    items = []
    try:
        while kind.qsize(instance) > 0:
            items.append(kind.get(instance, timeout=1))
    except (queue.Empty, NotImplementedError):
        pass
    return items


def _say(line):
    print("piecework: " + line, file=sys.stderr)
