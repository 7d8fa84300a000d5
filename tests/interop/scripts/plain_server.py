"""A manager that serves two queues and a lock and does nothing else, until it is killed.

usage: plain_server.py HOST PORT AUTHKEY
"""

import queue
import sys
import threading
from multiprocessing.managers import AcquirerProxy, BaseManager

host, port, authkey = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

task_queue = queue.Queue()
result_queue = queue.Queue()
lock = threading.Lock()


class QueueManager(BaseManager):
    pass


QueueManager.register("get_task_queue", callable=lambda: task_queue)
QueueManager.register("get_result_queue", callable=lambda: result_queue)
QueueManager.register("get_lock", callable=lambda: lock, proxytype=AcquirerProxy)
server = QueueManager(address=(host, port), authkey=authkey).get_server()
print("manager at %s:%d" % server.address, file=sys.stderr)
server.serve_forever()
