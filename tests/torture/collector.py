"""Keeps the results: writes each into its file and then says so to the manager.

usage: collector.py HOST PORT AUTHKEY FILE

It may be killed between the two, and then gets the same item again: each line has the item's id, by
which two deliveries of one result are told from two results. A line ends with a dot of its own.
"""

import sys

from errand import GONE, connect, rest

BATCH_MAX = 50
WAIT_SECONDS = 1


def collect(file):
    result = connect().get_result_queue()
    while True:
        leases = result.lease(BATCH_MAX, WAIT_SECONDS)
        lines = ["%d %s .\n" % (item_id, item) for item_id, _, item in leases]
        file.write("".join(lines).encode())
        for item_id, _, _ in leases:
            result.settle(item_id, "ack")


with open(sys.argv[4], "ab", buffering=0) as file:
    # A line that was cut by a kill has no dot at its end, and nothing may be glued to it.
    file.write(b"\n")
    while True:
        try:
            collect(file)
        except GONE as error:
            print("the manager is gone:", repr(error), flush=True)
        rest()
