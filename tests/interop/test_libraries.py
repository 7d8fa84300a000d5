"""Arrays of numpy and functions by cloudpickle come out of the manager as they do out of a file."""

import libraries
from test_payloads import exchanged


def test_numpy(python_with_libraries, serve, tmp_path):
    python, getters = python_with_libraries, libraries.found()
    said, from_neither = exchanged("numpy_kinds", python, getters, serve, tmp_path)
    assert said == "not by every pickler: []"
    for getter, neither in from_neither.items():
        # What an older numpy makes of a newer one's arrays is its own affair, from whatever source.
        if libraries.numpy_version(getter) >= libraries.numpy_version(python):
            assert neither == "from neither: []", "from %s to %s" % (python, getter)


def test_cloudpickle(python_with_libraries, serve, tmp_path):
    """With the same version only: a function is bytecode, which another Python may die of."""
    python = python_with_libraries
    _, from_neither = exchanged("cloudpickle_kinds", python, [python], serve, tmp_path)
    assert from_neither == {python: "from neither: []"}
