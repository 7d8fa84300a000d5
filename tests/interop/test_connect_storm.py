"""256 stock clients that connect in the same moment are all served."""

from contextlib import ExitStack

import interpreters
from program import Program
from shapes import AUTHKEY, command

PROCESSES = 8
CLIENTS_EACH = 32  # each opens eight connections on its way to the first result


def test_all_are_served(serve, connect):
    manager = serve()
    task, result = connect(manager)
    total = PROCESSES * CLIENTS_EACH
    for n in range(total):
        task.put(n)
    with ExitStack() as stack:
        crowd = [
            stack.enter_context(
                Program(
                    *command(
                        interpreters.main(),
                        "many_clients.py",
                        *manager.address,
                        AUTHKEY,
                        CLIENTS_EACH,
                    )
                )
            )
            for _ in range(PROCESSES)
        ]
        for program in crowd:
            program.wait_for("^ready$")
        for program in crowd:
            program.tell("go")
        for program in crowd:
            assert program.finish() == ["ready", "served %d" % CLIENTS_EACH]
    assert sorted(result.get_nowait() for _ in range(total)) == [2 * n for n in range(total)]
    assert (task.qsize(), result.qsize()) == (0, 0)
