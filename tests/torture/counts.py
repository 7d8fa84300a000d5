"""Prints what is in the queues, a line for each: NAME READY DELAYED LEASED DEAD.

usage: counts.py HOST PORT AUTHKEY
"""

from errand import connect

manager = connect()
for queue in manager.get_task_queue(), manager.get_result_queue():
    stats = queue.stats()
    print(*[stats[key] for key in ("name", "ready", "delayed", "leased", "dead")])
