"""Functions and classes that lead to code, to files, or out of the process: a line for each."""

import marshal

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
    run, system = text("touch " + mark), text("system")
    imported = call(stacked("builtins", "__import__"), text("os"))
    attribute = call(stacked("operator", "attrgetter"), system)
    item = call(stacked("operator", "itemgetter"), system)
    variables = call(stacked("builtins", "vars"), OS)
    method = call(stacked("operator", "methodcaller"), system, run)
    partial = call(stacked("functools", "partial"), OS_SYSTEM, run)
    bound = call(stacked("types", "MethodType"), OS_SYSTEM, run)
    getattr_ = stacked("builtins", "getattr")
    reduced = call(stacked("functools", "reduce"), getattr_, data(["system"]), OS)
    located = call(stacked("pydoc", "locate"), text("os.system"))
    library = call(stacked("ctypes", "CDLL"), NONE)
    touch = some_bytes(b"touch " + mark.encode())
    return [
        runs("getattr", 4, call(call(getattr_, OS, system), run), "builtins.getattr"),
        runs("__import__", 4, call(call(attribute, imported), run), "operator.attrgetter"),
        runs("attrgetter", 4, call(call(attribute, OS), run), "operator.attrgetter"),
        runs("itemgetter", 4, call(call(item, variables), run), "operator.itemgetter"),
        runs("methodcaller", 4, call(method, OS), "operator.methodcaller"),
        runs("partial", 4, call(partial), "functools.partial"),
        runs("reduce", 4, call(reduced, run), "functools.reduce"),
        runs("MethodType", 4, call(bound), "types.MethodType"),
        runs("locate", 4, call(located, run), "pydoc.locate"),
        runs("CDLL", 4, call(call(getattr_, library, system), touch), "builtins.getattr"),
    ]


def through_others(mark):
    """What calls what it is given, sooner or later."""
    run = text("touch " + mark)
    several, to_list = b"](" + run + b"e", stacked("builtins", "list")
    mapped = call(stacked("builtins", "map"), OS_SYSTEM, several)
    filtered = call(stacked("builtins", "filter"), OS_SYSTEM, several)
    starred = call(stacked("itertools", "starmap"), OS_SYSTEM, b"](" + run + b"\x85e")
    formatter = {"()": "os.system", "command": "touch " + mark}
    thread = call(stacked("threading", "Thread"), NONE, OS_SYSTEM, NONE, run + b"\x85")
    future = call(stacked("concurrent.futures", "Future"))
    pooled = stacked("concurrent.futures.thread", "_WorkItem")
    work = call(pooled, future, OS_SYSTEM, run + b"\x85", EMPTY_DICT)
    return [
        runs("map", 4, call(to_list, mapped), "builtins.map"),
        runs("filter", 4, call(to_list, filtered), "builtins.filter"),
        runs("starmap", 4, call(to_list, starred), "itertools.starmap"),
        runs("a deque of a map", 4, call(stacked("collections", "deque"), mapped), "builtins.map"),
        runs("a dict's keys of a map", 4, call(stacked("builtins", "dict.fromkeys"), mapped),
             "builtins.dict.fromkeys"),
        one("logging.config", "dictConfig", data({"version": 1, "formatters": {"a": formatter}})),
        one("threading", "Thread.run", thread),
        one("concurrent.futures.thread", "_WorkItem.run", work),
    ]


def unpickling(mark):
    """A pickle within a pickle."""
    within = some_bytes(proto(4) + call(OS_SYSTEM, text("touch " + mark)) + STOP)
    again = some_bytes(proto(4) + call(stacked("pickle", "loads"), within) + STOP)
    return [
        one("pickle", "loads", within),
        one("_pickle", "loads", within),
        one("pickle", "_loads", within),
        runs("cPickle.loads", 2, call(named("cPickle", "loads"), within), "pickle.loads"),
        one("pickle", "loads", again)._replace(name="a pickle within one within one"),
        one("multiprocessing.reduction", "ForkingPickler.loads", within),
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
subprocess.Popen webbrowser.open shutil.rmtree pdb.run pdb.set_trace code.interact
pathlib.Path.unlink socket.socket socket.create_connection urllib.request.urlopen smtplib.SMTP
ctypes.cast ctypes.string_at logging.config.listen logging.config.fileConfig types.CodeType
types.ModuleType builtins.compile builtins.type builtins.super builtins.globals
builtins.breakpoint builtins.input builtins.setattr builtins.memoryview operator.call
functools.lru_cache importlib.util.spec_from_file_location importlib.reload doctest.debug_script
tempfile.mkstemp contextlib.ExitStack.callback runpy.run_path runpy.run_module pkgutil.get_data
pkgutil.resolve_name weakref.finalize _thread.start_new_thread threading.Timer
multiprocessing.Process multiprocessing.managers.RebuildProxy multiprocessing.connection.Client
asyncio.create_subprocess_shell sys.exit sys.settrace sys._getframe gc.get_objects atexit.register
signal.signal inspect.getsource dataclasses.make_dataclass collections.namedtuple
typing.get_type_hints sqlite3.connect shelve.open mmap.mmap zipimport.zipimporter
copyreg.add_extension copyreg.pickle numpy.load numpy.testing._private.utils.runstring
cloudpickle.cloudpickle._make_function torch.load joblib.load dill.loads pandas.read_pickle
sympy.sympify
""".split()


def asked_for(mark):
    """Called, and only named: whoever holds a function may call it later."""
    return [
        asks(full, 4, call(stacked(*full.rsplit(".", 1)), text(mark)), full) for full in ASKED_FOR
    ] + [
        asks("os.system, never called", 4, OS_SYSTEM, "os.system"),
        asks("os.system in a list", 2, b"](" + named("os", "system") + b"Ne", "os.system"),
        asks("eval, never called", 2, named("__builtin__", "eval"), "builtins.eval"),
    ]
