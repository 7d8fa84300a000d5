"""A crowd in one process: each thread waits at a barrier that all processes' threads share.

It prints the places that they were given, once all are through.

usage: objects_crowd.py HOST PORT AUTHKEY CLIENTS
"""

import sys
import threading
from multiprocessing.managers import BarrierProxy, BaseManager

host, port, authkey, clients = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4])


class CrowdManager(BaseManager):
    pass


CrowdManager.register("meeting", proxytype=BarrierProxy)
manager = CrowdManager(address=(host, port), authkey=authkey)
manager.connect()
barrier = manager.meeting()
places = []
threading.stack_size(256 * 1024)
threads = [
    threading.Thread(target=lambda: places.append(barrier.wait(120))) for _ in range(clients)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("places: %s" % " ".join(map(str, places)))
