"""Items that run something where they are read: refused by name, and never run in the manager."""

from program import Program
from shapes import AUTHKEY, command

NASTY, HONEST = 21, 7


def test_nasty_items_are_refused_or_carried_and_never_run(python, serve, tmp_path):
    mark = tmp_path / "somebody-unpickled"
    manager = serve("task:payloads=data", "result:payloads=any")
    with Program(*command(python, "nasty_putter.py", *manager.address, AUTHKEY, mark)) as putter:
        said = putter.finish()
    task = [line for line in said if line.startswith("task: ")]
    refused = [line for line in task if line.endswith("refused with a hint")]
    assert len(refused) == NASTY and task[:NASTY] == refused, "\n".join(task)
    assert all(line.endswith("stored") for line in task[NASTY:]), "\n".join(task[NASTY:])
    assert "task holds %d" % HONEST in said
    assert "result holds %d" % (NASTY + HONEST) in said, "\n".join(said)
    assert not mark.exists(), "the manager ran what it was sent"
