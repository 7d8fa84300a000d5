"""Runs lines as if they were typed at Python's prompt, and prints what each of them gave.

Scripts about the objects of a SyncManager are written with it. A line may end in a comment:
`# words differ` shows only the class of what it raises, for the words differ by version, and
`# raises` shows only that it raises, as which exception a manager picks is its own affair.
"""

import re
import sys
import threading
from multiprocessing import current_process
from multiprocessing.managers import RemoteError, SyncManager


def connected_manager():
    """The manager that the command line of a script asks for: HOST PORT AUTHKEY start|connect."""
    host, port, authkey, how = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4]
    # Proxies that come out of other objects know no key but this one.
    current_process().authkey = authkey
    manager = SyncManager(address=(host, port), authkey=authkey)
    if how == "start":
        manager.start()
    else:
        manager.connect()
    print("manager at %s:%d" % manager.address, file=sys.stderr)
    return manager


def walk(text, names):
    """Runs each line of the text with these names, and adds to them what it assigns."""
    for line in filter(None, map(str.strip, text.split("\n"))):
        print("%s -> %s" % (line, answer(line, names)))


def answer(line, names):
    code, _, comment = line.partition("  # ")
    try:
        try:
            return shown(eval(compile(code, "<line>", "eval"), names))
        except SyntaxError:
            exec(compile(code, "<line>", "exec"), names)
            return "done"
    except Exception as error:
        if comment == "raises":
            return "raises"
        if comment == "words differ" or isinstance(error, (TypeError, RemoteError)):
            return "raises %s" % type(error).__name__
        return "raises %s(%s)" % (type(error).__name__, error)


def shown(value):
    return re.sub("0x[0-9a-f]+", "0x...", repr(value))


def in_thread(line, names):
    """Runs one line in a thread of its own, a client of its own to the manager, to its end."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer(line, names)))
    thread.start()
    thread.join()
    print("in a thread: %s -> %s" % (line, answers[0]))


class Background:
    """Runs one line in a thread of its own, and prints what it gave once that is asked for."""

    def __init__(self, line, names):
        self.line = line
        self._thread = threading.Thread(target=self._run, args=(line, dict(names)))
        self._thread.start()

    def _run(self, line, names):
        self.answer = answer(line, names)

    def is_running(self):
        return self._thread.is_alive()

    def join(self):
        self._thread.join()
        return self.answer

    def show(self):
        print("in a thread: %s -> %s" % (self.line, self.join()))
