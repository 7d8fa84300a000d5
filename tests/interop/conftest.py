"""Fixtures: one fresh manager per test, and one run of a test for each interpreter found."""

import os
from multiprocessing.managers import BaseManager

import pytest

import interpreters
import libraries
import namespaces
from manager import Manager, binary
from shapes import AUTHKEY


class QueueManager(BaseManager):
    """What a stock client knows of a manager: the names."""


QueueManager.register("get_task_queue")
QueueManager.register("get_result_queue")


def pytest_sessionstart():
    os.environ["PIECEWORK_CONFIG"] = ""  # nobody's own settings are tested
    try:
        binary()
    except FileNotFoundError as error:
        pytest.exit(str(error), 1)


def pytest_report_header():
    return [
        "piecework: %s" % binary(),
        "pythons: %s" % " ".join(map(str, interpreters.found())),
        "machines: %s" % (namespaces.missing() or "network namespaces"),
    ]


def pytest_generate_tests(metafunc):
    if "python" in metafunc.fixturenames:
        metafunc.parametrize("python", interpreters.found(), ids=str)
    if "python_with_libraries" in metafunc.fixturenames:
        metafunc.parametrize("python_with_libraries", libraries.found(), ids=str)


def pytest_report_collectionfinish(items):
    needed = any("python_with_libraries" in item.fixturenames for item in items)
    return libraries.shown() if needed else []


@pytest.fixture
def serve(tmp_path):
    """Starts managers: `serve("task:ack=explicit", "result")`. They end with the test."""
    running = []

    def start(*queues, **others):
        running.append(Manager(tmp_path, *queues, **others))
        return running[-1]

    yield start
    for manager in running:
        manager.__exit__()


@pytest.fixture
def connect():
    """Connects the test itself as a stock client; gives the proxies of task and result."""

    def queues(manager):
        client = QueueManager(address=manager.address, authkey=AUTHKEY.encode())
        client.connect()
        return client.get_task_queue(), client.get_result_queue()

    return queues
