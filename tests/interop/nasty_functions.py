"""Functions and classes that lead to code, to files, or out of the process: a line for each."""

import marshal
import pickle

from nasty_pickles import asks, runs
from opcodes import EMPTY_DICT, NONE, STOP, call, data, named, proto, some_bytes, stacked, text

OS = call(stacked("importlib", "import_module"), text("os"))
OS_SYSTEM = stacked("os", "system")


def all_of_them(mark):
    return (starting(mark) + evaluating(mark) + looking_up(mark) + through_others(mark)
            + unpickling(mark) + writing(mark) + asked_for(mark))


def one(module, name, *args):
    """The call of one function, which makes the file."""
    full = "%s.%s" % (module, name)
    return runs(full, 4, call(stacked(module, name), *args), full)


def starting(mark):
    """Programs."""
    run, touch, path = text("touch " + mark), text("touch"), text(mark)
    words, wait = data(["touch", mark]), b"K\0"
    return [
        one("os", "popen", run),
        one("os", "execvp", touch, words),
        one("os", "spawnlp", wait, touch, touch, path),
        one("os", "spawnvp", wait, touch, words),
        one("subprocess", "call", words),
        one("subprocess", "run", words),
        one("subprocess", "check_output", words),
        one("subprocess", "getoutput", run),
        one("subprocess", "getstatusoutput", run),
    ]


def evaluating(mark):
    """Code of Python, as text, as bytecode, and by the modules that measure and trace it."""
    source = "open(%r, 'w').close()" % mark
    code = text(source)
    compiled = call(stacked("marshal", "loads"), some_bytes(
        marshal.dumps(compile(source, "", "exec"))))
    function = call(stacked("types", "FunctionType"), compiled, EMPTY_DICT)
    interpreter = call(stacked("code", "InteractiveInterpreter"))
    return [
        one("builtins", "eval", code),
        one("builtins", "exec", code),
        one("builtins", "exec", compiled)._replace(name="exec of bytecode"),
        runs("types.FunctionType", 4, call(function), "types.FunctionType"),
        one("timeit", "timeit", text("pass"), code),
        one("cProfile", "run", code),
        one("profile", "run", code),
        one("bdb", "Bdb.run", call(stacked("bdb", "Bdb")), code),
        one("trace", "Trace.run", call(stacked("trace", "Trace")), code),
        one("code", "InteractiveInterpreter.runsource", interpreter, code),
        one("runpy", "_run_code", compiled, EMPTY_DICT),
    ]


def looking_up(mark):
    """A function by its name, or out of another."""
    run = text("touch " + mark)
    getter = call(stacked("operator", "attrgetter"), text("system"))
    partial = call(stacked("functools", "partial"), OS_SYSTEM, run)
    library = call(stacked("ctypes", "CDLL"), NONE)

    def found(name, function, refused):
        return runs(name, 4, call(function, run), refused)

    return [
        found("getattr", call(stacked("builtins", "getattr"), OS, text("system")), "builtins.getattr"),
        found("__import__", call(stacked("operator", "attrgetter"), text("system"))
              + call(stacked("builtins", "__import__"), text("os")) + b"\x85R", "operator.attrgetter"),
        found("import_module", getter + OS + b"\x85R", "operator.attrgetter"),
        runs("methodcaller", 4, call(call(stacked("operator", "methodcaller"), text("system"), run), OS),
             "operator.methodcaller"),
        runs("partial", 4, call(partial), "functools.partial"),
        found("reduce", call(stacked("functools", "reduce"), stacked("builtins", "getattr"),
                             data(["system"]), OS), "functools.reduce"),
        found("pydoc.locate", call(stacked("pydoc", "locate"), text("os.system")), "pydoc.locate"),
        found("itemgetter", call(stacked("operator", "itemgetter"), text("system"))
              + call(stacked("builtins", "vars"), OS) + b"\x85R", "operator.itemgetter"),
        runs("types.MethodType", 4, call(call(stacked("types", "MethodType"), OS_SYSTEM, run)),
             "types.MethodType"),
        runs("ctypes.CDLL", 4, call(call(stacked("builtins", "getattr"), library, text("system")),
             some_bytes(b"touch " + mark.encode())), "builtins.getattr"),
    ]


def through_others(mark):
    """What calls what it is given, sooner or later."""
    run = text("touch " + mark)
    runs_list, makes_list = b"](" + run + b"e", stacked("builtins", "list")
    formatter = {"()": "os.system", "command": "touch " + mark}
    return [
        runs("map", 4, call(makes_list, call(stacked("builtins", "map"), OS_SYSTEM, runs_list)),
             "builtins.map"),
        runs("filter", 4, call(makes_list, call(stacked("builtins", "filter"), OS_SYSTEM, runs_list)),
             "builtins.filter"),
        runs("starmap", 4, call(makes_list, call(stacked("itertools", "starmap"), OS_SYSTEM,
             b"](" + run + b"\x85e")), "itertools.starmap"),
        runs("a deque of a map", 4, call(stacked("collections", "deque"), call(stacked(
             "builtins", "map"), OS_SYSTEM, runs_list)), "builtins.map"),
        one("logging.config", "dictConfig", data({"version": 1, "formatters": {"a": formatter}})),
        runs("threading.Thread.run", 4, call(stacked("threading", "Thread.run"), call(stacked("threading",
             "Thread"), NONE, OS_SYSTEM, NONE, run + b"\x85")), "threading.Thread"),
        runs("concurrent.futures", 4, call(stacked("concurrent.futures.thread", "_WorkItem.run"), call(
             stacked("concurrent.futures.thread", "_WorkItem"), call(stacked("concurrent.futures",
             "Future")), OS_SYSTEM, run + b"\x85", EMPTY_DICT)), "concurrent.futures"),
    ]


def unpickling(mark):
    """A pickle within a pickle."""
    inner = proto(4) + call(OS_SYSTEM, text("touch " + mark)) + STOP
    again = proto(4) + call(stacked("pickle", "loads"), some_bytes(inner)) + STOP
    return [
        one("pickle", "loads", some_bytes(inner)),
        one("_pickle", "loads", some_bytes(inner)),
        one("pickle", "_loads", some_bytes(inner)),
        runs("cPickle.loads", 2, call(named("cPickle", "loads"), some_bytes(inner)), "pickle.loads"),
        one("pickle", "loads", some_bytes(again))._replace(name="a pickle within one within one"),
        one("multiprocessing.reduction", "ForkingPickler.loads", some_bytes(inner)),
    ]


def writing(mark):
    """Files, straight."""
    path, write = text(mark), text("w")
    made = call(stacked("pathlib", "Path"), path)
    return [
        one("builtins", "open", path, write),
        one("io", "open", path, write),
        one("io", "FileIO", path, write),
        one("_io", "open", path, write),
        one("codecs", "open", path, write),
        one("os", "open", path, data(0o101)),
        one("os", "mkdir", path),
        one("os", "symlink", text("/"), path),
        one("os", "makedirs", path),
        one("shutil", "copyfile", text("/dev/null"), path),
        one("zipfile", "ZipFile", path, write),
        one("tarfile", "open", path, write),
        one("logging", "FileHandler", path),
        one("pathlib", "Path.touch", made),
        one("pathlib", "Path.write_text", made, text("")),
    ]


# Whose harm is no file, or would take a terminal, a network, or this session with it.
ASKED_FOR = """
nt.system os.remove os.kill os.fork os.abort os._exit os.posix_spawn os.putenv pty.spawn
subprocess.Popen webbrowser.open shutil.rmtree pdb.run pdb.set_trace code.interact pathlib.Path.unlink
socket.socket socket.create_connection urllib.request.urlopen smtplib.SMTP ctypes.cast ctypes.string_at
logging.config.listen logging.config.fileConfig types.CodeType types.ModuleType builtins.compile
builtins.type builtins.super builtins.globals builtins.breakpoint builtins.input builtins.setattr
builtins.memoryview operator.call functools.lru_cache importlib.util.spec_from_file_location
importlib.reload doctest.debug_script tempfile.mkstemp
contextlib.ExitStack.callback runpy.run_path runpy.run_module pkgutil.get_data pkgutil.resolve_name weakref.finalize
_thread.start_new_thread threading.Timer multiprocessing.Process multiprocessing.managers.RebuildProxy
multiprocessing.connection.Client asyncio.create_subprocess_shell sys.exit sys.settrace sys._getframe
gc.get_objects atexit.register signal.signal inspect.getsource dataclasses.make_dataclass
collections.namedtuple typing.get_type_hints sqlite3.connect shelve.open mmap.mmap zipimport.zipimporter
copyreg.add_extension copyreg.pickle numpy.load numpy.testing._private.utils.runstring
cloudpickle.cloudpickle._make_function torch.load joblib.load dill.loads pandas.read_pickle sympy.sympify
""".split()


def asked_for(mark):
    """Called, and only named: whoever holds a function may call it later."""
    halves = [name.rpartition(".")[::2] for name in ASKED_FOR]
    return [asks(module + "." + name, 4, call(stacked(module, name), text(mark)), module + "." + name)
            for module, name in halves] + [
        asks("os.system, never called", 4, OS_SYSTEM, "os.system"),
        asks("os.system in a list, by GLOBAL", 2, b"](" + named("os", "system") + b"Ne", "os.system"),
        asks("eval, never called", 2, named("__builtin__", "eval"), "builtins.eval"),
    ]
