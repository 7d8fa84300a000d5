"""Prints what a program can see of its surroundings, before and without multiprocessing.managers.

usage: untouched.py [import]
"""

import sys

if "import" in sys.argv:
    import multiprocessing.managers

    loader = type(multiprocessing.managers.__loader__).__name__
    print(
        "loader: %s %s"
        % (loader, multiprocessing.managers.__spec__.loader is multiprocessing.managers.__loader__)
    )
print("path: %r" % sys.path[1:])
print("ours: %r" % sorted(name for name in sys.modules if "piecework" in name))
print("loaded: %r" % ("multiprocessing" in sys.modules))
print("sitecustomize: %s" % getattr(sys.modules.get("sitecustomize"), "GREETING", None))
