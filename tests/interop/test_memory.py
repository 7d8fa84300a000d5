"""A backlog that does not fit in memory: it stays on disk, and comes back in its turn."""

ITEMS = 150_000
BATCH = 1_000
BYTES = 2_000
MEMORY = ("--memory", "8MiB")

# Of 300 MB of payloads: the items without them, and what a manager takes that has none.
RESIDENT_KIB_MAX = 160 << 10


def item(n):
    return b"%06d" % n + b"x" * BYTES


def resident_kib(manager):
    with open("/proc/%d/status" % manager.program.pid) as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def test_a_long_backlog_is_kept_on_disk_and_got_in_order(serve, connect):
    manager = serve("task:ack=explicit", "result", more=MEMORY)
    task, _ = connect(manager)
    for first in range(0, ITEMS, BATCH):
        task.put_many([item(n) for n in range(first, first + BATCH)])
    assert resident_kib(manager) < RESIDENT_KIB_MAX
    for first in range(0, ITEMS // 2, BATCH):
        assert task.get_many(BATCH, 5) == [item(n) for n in range(first, first + BATCH)]
        for _ in range(BATCH):
            task.task_done()
    manager.program.kill()
    manager = serve("task:ack=none", "result", data=manager.data, more=MEMORY)
    assert resident_kib(manager) < RESIDENT_KIB_MAX
    task, _ = connect(manager)
    for first in range(ITEMS // 2, ITEMS, BATCH):
        assert task.get_many(BATCH, 5) == [item(n) for n in range(first, first + BATCH)]
    assert task.qsize() == 0
