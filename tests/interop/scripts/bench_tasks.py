"""Runs tasks through a system, collects their results, and says how many seconds that took.

As many as are told run before, so that what the system starts when it is first used is there.

usage: bench_tasks.py SYSTEM WORKERS TASKS_BEFORE TASKS [WORD]...
"""

import os
import sys
import time
from contextlib import contextmanager

from bench_task import same


@contextmanager
def pool(workers):
    import multiprocessing

    with multiprocessing.Pool(workers) as processes:
        yield lambda tasks: processes.imap_unordered(same, range(tasks), chunksize=1)


@contextmanager
def in_order(workers, chunksize):
    import multiprocessing

    chunksize = int(chunksize) if chunksize else None
    with multiprocessing.Pool(workers) as processes:
        yield lambda tasks: processes.map(same, range(tasks), chunksize=chunksize)


@contextmanager
def joblib(workers, batch_size):
    from joblib import Parallel, delayed

    batch_size = batch_size if batch_size == "auto" else int(batch_size)
    with Parallel(n_jobs=workers, backend="loky", batch_size=batch_size) as parallel:
        yield lambda tasks: parallel(delayed(same)(number) for number in range(tasks))


@contextmanager
def dask(workers):
    from distributed import Client, LocalCluster

    shape = dict(n_workers=workers, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**shape) as cluster, Client(cluster) as client:
        # Not pure: else those that ran before are known, and are not run again.
        yield lambda tasks: client.gather(client.map(same, range(tasks), pure=False))


@contextmanager
def celery(_workers, redis):
    os.environ["BENCH_REDIS"] = redis
    from celery import group

    from bench_celery import same

    yield lambda tasks: group(same.s(number) for number in range(tasks))().get()


@contextmanager
def tutorial(_workers, host, port, authkey):
    from multiprocessing.managers import BaseManager

    class QueueManager(BaseManager):
        pass

    QueueManager.register("get_task_queue")
    QueueManager.register("get_result_queue")
    manager = QueueManager(address=(host, int(port)), authkey=authkey.encode())
    manager.connect()
    task = manager.get_task_queue()
    result = manager.get_result_queue()

    def run(tasks):
        for number in range(tasks):
            task.put(number)
        return [result.get() for _ in range(tasks)]

    yield run


SYSTEMS = {
    "pool": pool,
    "map": in_order,
    "joblib": joblib,
    "dask": dask,
    "celery": celery,
    "tutorial": tutorial,
}


def main():
    (system, workers, before, tasks), words = sys.argv[1:5], sys.argv[5:]
    with SYSTEMS[system](int(workers), *words) as run:
        checked(run, int(before))
        print("%f" % checked(run, int(tasks)))


def checked(run, tasks):
    """Runs so many, and returns the seconds until all results are here."""
    begin = time.perf_counter()
    results = list(run(tasks))
    took = time.perf_counter() - begin
    assert sorted(results) == list(range(tasks)), "not the results of %d tasks" % tasks
    return took


# Some start their processes by importing this.
if __name__ == "__main__":
    main()
