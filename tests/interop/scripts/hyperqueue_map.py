"""Runs a program once for each line of its input under HyperQueue, two at a time.

    python hyperqueue_map.py PROGRAM < lines

A server and a worker of HyperQueue's are started for it, as `LocalCluster` does. What the tasks write
goes nowhere if the output of this does; else it is written in the order of the lines.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

CORES = 2


def main(program):
    folder = Path(tempfile.mkdtemp(prefix="hyperqueue-"))
    wants_output = not os.path.samestat(os.fstat(1), os.stat(os.devnull))
    # The server prints what it is; that is not the output of a task.
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job, outputs = Job(), []
    for number, line in enumerate(sys.stdin):
        output = str(folder / f"{number}.out") if wants_output else None
        job.program([program, line.rstrip("\n")], stdout=output, stderr=None)
        outputs.append(output)
    try:
        with LocalCluster(str(folder / "server"), WorkerConfig(cores=CORES)) as cluster:
            client = cluster.client()
            client.wait_for_jobs([client.submit(job)])
            for output in filter(None, outputs):
                stdout.write(Path(output).read_text())
    finally:
        stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
