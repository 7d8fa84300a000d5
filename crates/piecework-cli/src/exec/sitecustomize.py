"""What every Python under `piecework exec` loads first: waits for multiprocessing.managers.

It runs inside other people's programs, in any Python, so it does next to nothing: it registers one
finder, takes itself off sys.path, and hands over to the sitecustomize that it stands in front of.
"""

import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_MANAGERS = "multiprocessing.managers"


class _Watch(object):
    """A finder that finds nothing but multiprocessing.managers, and that by asking the others."""

    def find_spec(self, name, path=None, target=None):
        if name != _MANAGERS:
            return None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    spec.loader = _Loader(spec.loader, self)
                    return spec
        return None


class _Loader(object):
    """The module's own loader, with the takeover as its last step."""

    def __init__(self, loader, watch):
        self._loader = loader
        self._watch = watch

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        if self._watch in sys.meta_path:
            sys.meta_path.remove(self._watch)
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _take_over(module)


def _take_over(managers):
    sys.path.insert(0, _FOLDER)
    try:
        import piecework_takeover
    finally:
        sys.path.remove(_FOLDER)
    piecework_takeover.install(managers)


if sys.version_info >= (3, 6) and "PIECEWORK_EXEC" in os.environ:
    if _MANAGERS in sys.modules:
        _take_over(sys.modules[_MANAGERS])
    else:
        sys.meta_path.insert(0, _Watch())

# The program sees the path it would have had without us. Where there is no other sitecustomize, the
# ImportError goes to the site module, which expects it.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _FOLDER]
del sys.modules["sitecustomize"]
import sitecustomize  # noqa: E402, F401
