"""A master that puts tasks under keys, and after a restart again those that were not confirmed.

usage: master.py HOST PORT AUTHKEY NAME FOLDER

Each of its threads keeps a journal in FOLDER: `try KEY NUMBER .` before a task is put; then the
same with `put`, or with `known` if the manager had it already. When there is a file FOLDER/stop it
begins nothing new, and ends once all is confirmed.
"""

import os
import sys
import threading

from errand import GONE, connect, number_of, rest, task_of

THREADS = 2
# So many tasks wait at most: what is got should be young and old, not a mountain.
WAITING_MAX = 60


class Journal:
    def __init__(self, path):
        self.tried = {}  # key -> nothing; in order, on every Python since 3.6
        self.count = 0
        if os.path.exists(path):
            with open(path) as file:
                for line in file:
                    self.replay(line.split())
        self.file = open(path, "ab", buffering=0)
        # A line that was cut by a kill has no dot at its end, and nothing may be glued to it.
        self.file.write(b"\n")

    def replay(self, words):
        if len(words) != 4 or words[3] != ".":
            return
        if words[0] == "try":
            self.count += words[1] not in self.tried
            self.tried[words[1]] = None
        else:
            del self.tried[words[1]]

    def write(self, word, key):
        line = "%s %s %d ." % (word, key, number_of(key))
        self.file.write((line + "\n").encode())
        self.replay(line.split())


def put(task, journal, key):
    journal.write("try", key)
    new = task.put_once(key, task_of(key))
    journal.write("put" if new else "known", key)


def work(name, folder):
    """One thread's part; returns when it is done, or the manager is gone."""
    try:
        journal = Journal(os.path.join(folder, name + ".journal"))
        task = connect().get_task_queue()
        for key in list(journal.tried):
            put(task, journal, key)
        while not os.path.exists(os.path.join(folder, "stop")):
            if task.qsize() < WAITING_MAX:
                put(task, journal, "%s.%d" % (name, journal.count))
            else:
                rest()
        done.add(name)
    except GONE as error:
        print("the manager is gone:", repr(error), flush=True)


done = set()
names = ["%s-%d" % (sys.argv[4], n) for n in range(THREADS)]
running = {}
while len(done) < THREADS:
    for name in names:
        if name not in done and not (name in running and running[name].is_alive()):
            running[name] = threading.Thread(target=work, args=(name, sys.argv[5]), daemon=True)
            running[name].start()
    rest()
