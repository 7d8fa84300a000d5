"""Celery's side of bench_python.py: the task, and where its Redis is.

usage: BENCH_REDIS=PORT celery -A bench_celery worker
"""

import os

from celery import Celery
from celery.signals import worker_ready

REDIS = "redis://127.0.0.1:%s/0" % os.environ["BENCH_REDIS"]

app = Celery("bench_celery", broker=REDIS, backend=REDIS)
app.conf.broker_connection_retry_on_startup = True  # what it does, and warns about unless told
app.conf.worker_redirect_stdouts = False


@app.task
def same(number):
    return number


@worker_ready.connect
def tell(**_):
    print("ready")
