"""Malicious pickles: each asks for something that data never needs. None is executed here.

`all_of_them` yields a name and the bytes of each. They are put together by hand, for most could not
be made by a pickler; the helpers below are the opcodes that they need.
"""
import pickle
import struct


def text(value):
    """SHORT_BINUNICODE"""
    data = value.encode()
    return b"\x8c" + struct.pack("B", len(data)) + data


def named(module, name):
    """GLOBAL"""
    return b"c%s\n%s\n" % (module.encode(), name.encode())


def stacked(module, name):
    """STACK_GLOBAL"""
    return text(module) + text(name) + b"\x93"


def protocol(number, body):
    return (b"\x80" + struct.pack("B", number) if number else b"") + body + b"."


def call(function, *args):
    """REDUCE"""
    return function + b"(" + b"".join(args) + b"tR"


MEMO, GET0, GET1, POP, MARK, POP_MARK, BUILD, NEWOBJ = (
    b"\x94", b"h\x00", b"h\x01", b"0", b"(", b"1", b"b", b"\x81")
OS, SYSTEM, TRUE = text("os"), text("system"), text("true")
OS_SYSTEM = stacked("os", "system")
RUN = OS_SYSTEM + b"\x8c\x04true\x85R"


class Reduced:
    """What a pickler writes for a class of its own making."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


# Functions and classes that lead to code, or to files, or out of the process.
NAMES = """
os system; posix system; nt system; os popen; os execv; os spawnl; os remove; os fork; os kill
os path.join; os environ; subprocess Popen; subprocess check_output; subprocess getoutput; pty spawn
builtins eval; builtins exec; builtins compile; builtins getattr; builtins setattr; builtins open
builtins __import__; builtins globals; builtins vars; builtins map; builtins filter; builtins type
builtins input; builtins super; builtins classmethod; builtins property; builtins breakpoint
builtins iter; builtins next; builtins memoryview; builtins print; builtins help; builtins exit
builtins object.__subclasses__; builtins str.format; builtins int.__class__; builtins dict.get
builtins type.mro; builtins __loader__.load_module; builtins UnicodeDecodeError
functools partial; functools reduce; functools partialmethod; functools lru_cache
operator attrgetter; operator methodcaller; operator itemgetter; operator call; _operator attrgetter
importlib import_module; importlib.util spec_from_file_location; importlib._bootstrap _load
runpy run_path; pydoc locate; pydoc pipepager; pkgutil resolve_name; pkgutil get_data; site main
types FunctionType; types CodeType; types MethodType; types ModuleType; types DynamicClassAttribute
marshal loads; pickle loads; _pickle loads; pickle Unpickler; shelve open; dill loads; joblib load
ctypes CDLL; ctypes cast; _ctypes dlopen; weakref finalize; weakref ref; gc get_objects
code InteractiveInterpreter; codeop compile_command; timeit timeit; timeit main; cProfile run
profile run; trace Trace.run; bdb Bdb.run; pdb run; doctest debug_script; unittest.mock patch
logging.config dictConfig; logging.config fileConfig; logging FileHandler; logging.handlers
threading Thread; threading Timer; _thread start_new_thread; multiprocessing.context Process
multiprocessing.managers RebuildProxy; multiprocessing.managers AutoProxy
multiprocessing.connection Client; multiprocessing.reduction rebuild_socket
concurrent.futures ThreadPoolExecutor; asyncio create_subprocess_shell; asyncio run; sched scheduler
socket socket; socket create_connection; urllib.request urlopen; http.client HTTPConnection
webbrowser open; smtplib SMTP; ftplib FTP; telnetlib Telnet; xmlrpc.client ServerProxy
shutil rmtree; shutil copyfile; tempfile mkstemp; pathlib Path.unlink; pathlib Path.write_text
pathlib os.system; glob glob; fileinput input; linecache getline; io open; io FileIO; codecs open
codecs lookup; _codecs lookup; _codecs register; codecs encode; encodings search_function
zipimport zipimporter; zipfile ZipFile; tarfile open; sqlite3 connect; mmap mmap; dbm open
sys modules; sys setprofile; sys settrace; sys exit; sys _getframe; signal signal; atexit register
collections namedtuple; collections _sys.modules; collections OrderedDict.fromkeys
collections abc.Callable; collections deque.append; datetime sys.modules; datetime datetime.now
decimal Decimal.__class__; uuid os.system; uuid getnode; uuid _popen; fractions re.compile
enum Enum; dataclasses make_dataclass; typing get_type_hints; copyreg pickle; copyreg constructor
copyreg __reduce_ex__; copyreg add_extension; copy deepcopy; inspect getsource; ast literal_eval
numpy load; numpy fromfile; numpy save; numpy memmap; numpy.core.multiarray fromfile
numpy.testing._private.utils runstring; numpy.f2py.crackfortran param_eval
numpy.ctypeslib load_library
numpy vectorize; numpy frompyfunc; numpy ndarray.tofile; numpy core.multiarray.fromfile
cloudpickle.cloudpickle _make_function; cloudpickle.cloudpickle _builtin_type; cloudpickle loads
torch.storage _load_from_bytes; torch load; pandas read_pickle; pandas eval; sympy sympify
""".replace("\n", ";")

# The same at protocols 0 to 2, under their names in Python 2.
NAMES_OF_PYTHON_2 = """
__builtin__ eval; __builtin__ execfile; __builtin__ getattr; __builtin__ __import__
__builtin__ reduce; __builtin__ apply; __builtin__ file; __builtin__ type; commands getoutput
itertools imap; copy_reg __reduce_ex__; copy_reg pickle; thread start_new_thread; cPickle loads
urllib urlopen; urllib2 urlopen; Queue Queue; SocketServer TCPServer; exceptions Missing
UserDict UserDict.__class__; anydbm open; test.test_support run_unittest; StringIO open
""".replace("\n", ";")


def by_name():
    for pair in filter(None, (part.split() for part in NAMES.split(";"))):
        module, name = pair if len(pair) == 2 else pair + ["SocketHandler"]
        shown = "%s.%s" % (module, name)
        called = call(stacked(module, name), TRUE)
        yield shown, protocol(4, called)
        yield shown + ", never called", protocol(4, stacked(module, name))
        if "." not in name:
            yield shown + ", GLOBAL", protocol(3, call(named(module, name), TRUE))
            yield shown + ", protocol 0", protocol(0, call(named(module, name), b"Vtrue\n"))
    for pair in filter(None, (part.split() for part in NAMES_OF_PYTHON_2.split(";"))):
        for number in (0, 1, 2):
            made = protocol(number, call(named(*pair), b"Vtrue\n"))
            yield "%s.%s, protocol %d" % (pair[0], pair[1], number), made


def by_opcode():
    """os.system, reached by every opcode that imports or calls."""
    command = MARK + TRUE
    yield "INST", protocol(0, b"(Vtrue\nios\nsystem\n")
    yield "OBJ", protocol(1, MARK + named("os", "system") + b"Vtrue\no")
    yield "NEWOBJ", protocol(2, named("os", "system") + command + b"t" + NEWOBJ)
    yield "NEWOBJ_EX", protocol(4, OS_SYSTEM + command + b"t}\x92")
    yield "EXT1", protocol(2, b"\x82\x07" + command + b"tR")
    yield "EXT2", protocol(2, b"\x83\x07\x01" + command + b"tR")
    yield "EXT4", protocol(2, b"\x84\x07\x00\x01\x00" + command + b"tR")
    yield "EXT1 in a list", protocol(2, b"](N\x82\x01e")
    yield "PERSID", protocol(0, b"Pos.system\n")
    yield "BINPERSID", protocol(2, TRUE + b"Q")
    for name, strs in (("SHORT_BINSTRING", b"U\x02osU\x06system"),
                       ("BINSTRING", b"T\x02\0\0\0osT\x06\0\0\0system"),
                       ("STRING", b"S'os'\nS'system'\n"),
                       ("UNICODE", b"Vos\nVsystem\n"),
                       ("UNICODE, escaped", b"V\\u006fs\nVs\\U00000079stem\n"),
                       ("BINUNICODE", b"X\x02\0\0\0osX\x06\0\0\0system"),
                       ("BINUNICODE8", b"\x8d\x02\0\0\0\0\0\0\0os\x8d\x06\0\0\0\0\0\0\0system")):
        yield "names by " + name, protocol(4, strs + b"\x93" + command + b"tR")


def through_the_memo():
    """The name's two halves come to the stack by ways that hide them."""
    end = b"\x93" + TRUE + b"\x85R"
    yield "both from the memo", protocol(4, OS + MEMO + POP + SYSTEM + MEMO + POP + GET0 + GET1 + end)
    yield "the module from the memo", protocol(4, OS + MEMO + POP + GET0 + SYSTEM + end)
    yield "the name from the memo", protocol(4, SYSTEM + MEMO + POP + OS + GET0 + end)
    yield "the function from the memo", protocol(
        4, OS_SYSTEM + MEMO + POP + GET0 + TRUE + b"\x85R")
    yield "a slot overwritten", protocol(
        4, text("datetime") + b"q\x00" + POP + OS + b"q\x00" + POP + GET0 + SYSTEM + end)
    yield "a slot far away", protocol(
        4, OS + b"r\x00\x01\x00\x00" + POP + b"j\x00\x01\x00\x00" + SYSTEM + end)
    yield "a slot by text", protocol(4, OS + b"p17\n" + POP + b"g17\n" + SYSTEM + end)
    yield "MEMOIZE counts what PUT filled", protocol(
        4, text("datetime") + b"q\x05" + POP + OS + MEMO + POP + GET1 + SYSTEM + end)
    yield "junk in between", protocol(4, OS + MARK + b"N" + POP_MARK + SYSTEM + b"N" + POP + end)
    yield "junk before", protocol(4, text("datetime") + POP + OS + SYSTEM + end)
    yield "a MARK popped", protocol(4, OS + MARK + POP + SYSTEM + end)
    yield "the name is made by a call", protocol(
        4, OS + call(stacked("builtins", "str"), SYSTEM) + end)
    yield "the name is bytes, decoded", protocol(
        4, OS + call(stacked("_codecs", "encode"), text("flfgrz"), text("rot13")) + end)


def through_the_protocol():
    """PROTO in mid-stream changes what a name stands for."""
    for number in (0, 1, 2):
        low = b"\x80" + struct.pack("B", number)
        yield "commands is subprocess from here on, %d" % number, protocol(
            4, b"](N" + low + call(named("commands", "getoutput"), TRUE) + b"e")
        yield "reduce by STACK_GLOBAL, %d" % number, protocol(
            4, low + stacked("__builtin__", "reduce") + low)
    yield "dots count from here on", protocol(
        2, b"](N\x80\x04" + call(named("collections", "_sys.exit"), TRUE) + b"e")


def inside_of_data():
    """What is refused stands deep in what is not."""
    yield "in a list", protocol(4, b"](K\x01" + RUN + b"e")
    yield "as a key", protocol(4, b"}" + RUN + b"Ns")
    yield "as a value", protocol(4, b"}(N" + RUN + b"u")
    yield "in a tuple", protocol(4, b"N" + RUN + b"\x86")
    yield "in a set", protocol(4, b"\x8f(" + RUN + b"\x90")
    yield "in a frozenset", protocol(4, MARK + RUN + b"\x91")
    yield "in popped junk", protocol(4, RUN + POP + b"N")
    yield "in junk under a mark", protocol(4, MARK + RUN + POP_MARK + b"N")
    yield "2000 lists deep", protocol(4, b"]" * 2000 + RUN + b"a" * 2000)
    yield "after 70000 bytes", protocol(4, b"](B\x70\x11\x01\x00" + b"x" * 70000 + RUN + b"e")
    factory = call(stacked("collections", "defaultdict"), OS_SYSTEM)
    yield "as a defaultdict's factory", protocol(4, factory + TRUE + b"Ns")
    yield "as a defaultdict's builtin", protocol(
        4, call(stacked("collections", "defaultdict"), stacked("builtins", "input")))
    yield "in an exception", protocol(4, call(stacked("builtins", "ValueError"), RUN))
    yield "in an exception's state", protocol(
        4, call(stacked("builtins", "ValueError")) + b"}" + text("note") + OS_SYSTEM + b"sb")
    yield "in a Counter", protocol(4, call(stacked("collections", "Counter"), RUN))
    yield "in an OrderedDict", protocol(4, call(stacked("collections", "OrderedDict")) + TRUE + RUN + b"s")
    yield "in a deque", protocol(4, call(stacked("collections", "deque")) + RUN + b"a")
    yield "in a namespace", protocol(
        4, call(stacked("types", "SimpleNamespace")) + b"}" + text("a") + RUN + b"sb")
    yield "as a reconstructed base", protocol(
        2, call(named("copy_reg", "_reconstructor"), named("os", "_wrap_close"),
                named("__builtin__", "object"), b"N"))
    yield "as a new object's class", protocol(
        4, call(stacked("copyreg", "__newobj__"), stacked("subprocess", "Popen"), TRUE))
    for codec in ("rot13", "zlib", "os", "latin_1"):
        yield "encoded by " + codec, protocol(4, call(stacked("_codecs", "encode"), TRUE, text(codec)))
    yield "encoded by a codec that is made by a call", protocol(
        2, call(named("_codecs", "encode"), TRUE, call(named("__builtin__", "str"), text("latin1"))))
    for name in ("bytes", "bytearray", "str"):
        made = stacked("builtins", name)
        yield name + " by a codec", protocol(4, call(made, TRUE, text("os")))
        yield name + " by a codec, as new", protocol(4, made + TRUE + text("os") + b"\x86\x81")
        yield name + " by a codec, by OBJ", protocol(4, MARK + made + TRUE + text("os") + b"o")
        yield name + " by a codec, by INST", protocol(
            2, MARK + TRUE + text("os") + b"i__builtin__\n%s\n" % name.encode())
        yield name + " by a codec, by copyreg", protocol(
            4, call(stacked("copyreg", "__newobj__"), made, TRUE, text("os")))
    yield "a reduced object", pickle.dumps(Reduced(eval, ("1",)), 4)
    yield "a reduced object at protocol 0", pickle.dumps(Reduced(exec, ("1",)), 0)
    yield "reduced within reduced", pickle.dumps(Reduced(list, ([Reduced(eval, ("1",))],)), 2)
    yield "a class of one's own", pickle.dumps(Reduced)


def by_state():
    """BUILD, and its like, where the class itself is changed."""
    for module, name in (("uuid", "UUID"), ("collections", "Counter"), ("fractions", "Fraction"),
                         ("pathlib", "PurePath"), ("copyreg", "_reconstructor")):
        change = b"N}" + text("__eq__") + stacked("builtins", "list") + b"s\x86" + BUILD
        held = stacked(module, name) + MEMO
        yield "a change of " + name, protocol(4, stacked(module, name) + change)
        yield "a change of %s from the memo" % name, protocol(4, held + POP + GET0 + change)
        yield "a change of %s, by INST" % name, protocol(
            4, MARK + b"i%s\n%s\n" % (module.encode(), name.encode()) + POP
            + stacked(module, name) + change)
    yield "an item set on a class", protocol(4, stacked("collections", "Counter") + b"NNs")
    yield "an item appended to a class", protocol(4, stacked("collections", "UserList") + b"Na")


def with_numpy():
    """Arrays that numpy would believe, and that read and write memory which is not theirs."""
    def dtype(name, state):
        return call(stacked("numpy", "dtype"), text(name), b"\x89\x88") + MARK + state + b"tb"

    def numbers(*values):
        return b"".join(b"J" + struct.pack("<i", value) for value in values)

    def array(kind, shape=b"K\x01\x85", data=b"]Na", start=b"K\x00\x85"):
        empty = call(stacked("numpy.core.multiarray", "_reconstruct"), stacked("numpy", "ndarray"),
                     start, b"C\x01b")
        return empty + MARK + b"K\x01" + shape + kind + b"\x89" + data + b"tb"

    def plain(order="<", *values):
        return b"K\x03" + text(order) + b"NNN" + numbers(*(values or (-1, -1, 0)))

    eight = b"C\x08AAAAAAAA"
    objects = dtype("O8", plain("|", -1, -1, 63))
    fields = (b"K\x03" + text("|") + b"N" + text("a") + b"\x85}" + text("a") + dtype("i8", plain())
              + b"J\x00\xca\x9a\x3b\x86s" + numbers(8, 1, 0))
    yield "numpy: an array of objects", protocol(4, array(objects))
    yield "numpy: an array of objects, too short a list", protocol(4, array(objects, b"M\xff\xff\x85"))
    yield "numpy: a nasty in an array of objects", protocol(4, array(objects, data=b"]" + RUN + b"a"))
    yield "numpy: objects that are said to be none", protocol(
        4, array(dtype("O8", plain("|", -1, -1, 0)), data=eight))
    yield "numpy: numbers that are said to be objects", protocol(
        4, array(dtype("i8", plain("<", -1, -1, 63)), data=eight))
    yield "numpy: a field outside", protocol(4, array(dtype("V8", fields), data=eight))
    yield "numpy: elements larger than said", protocol(4, array(dtype("S8", plain("|", 9999, 1, 0))))
    yield "numpy: elements of negative size", protocol(4, array(dtype("S8", plain("|", -8, 1, 0))))
    yield "numpy: no alignment", protocol(4, array(dtype("U2", plain("<", 8, 0, 8)), data=eight))
    yield "numpy: a dtype from a list of fields", protocol(
        4, call(stacked("numpy", "dtype"), text("i8,O"), b"\x89\x88"))
    yield "numpy: an empty array whose dtype is compiled", protocol(
        4, call(stacked("numpy.core.multiarray", "_reconstruct"), stacked("numpy", "ndarray"),
                b"K\x00\x85", b"C\x031.5"))
    yield "numpy: an array that is not empty before its state", protocol(
        4, array(dtype("c16", plain()), b"K\x03K\x08\x86", b"C\xc0" + bytes(192), b"K\x04\x85"))
    yield "numpy: a dtype of something", protocol(4, call(stacked("numpy", "dtype"), b"}"))
    yield "numpy: a dtype that is shared", protocol(
        4, call(stacked("numpy", "dtype"), text("S8"), b"\x88\x89") + MARK + plain("|", 8, 1, 0) + b"tb")
    late = call(stacked("numpy", "dtype"), text("S8"), b"\x89\x88") + MEMO
    more = MARK + plain("|", 8, 1, 0) + b"tb"
    yield "numpy: a state set twice", protocol(4, late + more + more)
    yield "numpy: a state set later", protocol(4, late + more + POP + GET0 + more)
    yield "numpy: used before its state", protocol(4, late + POP + GET0)
    yield "numpy: used, then its state", protocol(
        4, MARK + late + array(GET0, data=eight) + POP + more + b"l")
    overflowing = numbers(2**31 - 1, 2**31 - 1, 2**31 - 1)
    yield "numpy: a shape without a product", protocol(
        4, array(dtype("i8", plain()), MARK + overflowing + b"t", b"C\x00"))
    yield "numpy: a negative shape", protocol(
        4, array(dtype("i8", plain()), numbers(-1) + b"\x85", b"C\x00"))
    yield "numpy: a shape that is no literal", protocol(
        4, array(dtype("i8", plain()), call(stacked("builtins", "list")), b"C\x00"))
    whole = array(dtype("i8", plain()), data=eight)
    again = MARK + b"K\x01K\x00\x85" + dtype("i8", plain()) + b"\x89C\x00tb"
    yield "numpy: an array emptied under a view", protocol(4, whole + again)
    yield "numpy: an array emptied later", protocol(
        4, whole + MEMO + call(stacked("numpy.core.numeric", "_frombuffer"), GET0,
                               dtype("i8", plain()), b"K\x01\x85", text("C")) + b"0" + GET0 + again)
    yield "numpy: a class handed through", protocol(
        4, call(stacked("numpy.core.multiarray", "scalar"), objects, stacked("uuid", "UUID")))
    yield "numpy: another subtype", protocol(
        4, call(stacked("numpy.core.multiarray", "_reconstruct"), stacked("uuid", "UUID"),
                b"K\x00\x85", b"C\x01b"))
    yield "numpy: the class as a factory", protocol(
        4, call(stacked("collections", "defaultdict"), stacked("numpy", "dtype")))
    yield "numpy: the class in a list", protocol(4, b"]" + stacked("numpy", "dtype") + b"a")
    yield "numpy: the class in a state", protocol(
        4, call(stacked("builtins", "ValueError")) + stacked("numpy", "dtype") + b"b")
    yield "numpy: made by NEWOBJ", protocol(4, stacked("numpy", "dtype") + text("O") + b"\x85\x81")
    yield "numpy: made by INST", protocol(4, MARK + text("O") + b"inumpy\ndtype\n")
    yield "numpy: made by OBJ", protocol(4, MARK + stacked("numpy", "dtype") + text("O") + b"o")
    yield "numpy: made by copyreg", protocol(
        4, call(stacked("copyreg", "__newobj__"), stacked("numpy", "ndarray"), b"K\x05"))
    yield "numpy: a changed class", protocol(4, stacked("numpy", "ndarray") + b"Nb")
    yield "numpy: an item set in a dtype", protocol(4, dtype("i8", plain()) + b"NNs")


def all_of_them(numpy):
    makers = (by_name, by_opcode, through_the_memo, through_the_protocol, inside_of_data, by_state,
              with_numpy)
    for maker in makers:
        for name, made in maker():
            yield name, made
    if numpy is not None:
        fields = numpy.zeros(2, [("a", "i4"), ("b", "O")])
        for value in (fields, fields.view(numpy.recarray), numpy.array([1], object),
                      numpy.ma.array([1]), numpy.array([eval], object)):
            for number in range(pickle.HIGHEST_PROTOCOL + 1):
                made = pickle.dumps(value, number)
                yield "numpy: %s, protocol %d" % (type(value).__name__, number), made
