"""One and the same call, os.system, in every spelling that pickles have: a line for each."""

from nasty_pickles import asks, broken, runs
from opcodes import (
    BUILD, DUP, EMPTY_DICT, MARK, MEMOIZE, NEWOBJ, NEWOBJ_EX, NONE, POP, POP_MARK, SETITEM, STOP,
    call, named, proto, some_bytes, stacked, text,
)

OS, SYSTEM = text("os"), text("system")
OS_SYSTEM = stacked("os", "system")


def all_of_them(mark):
    """Each runs `touch MARK`, or is broken, or would if its reader knew what it refers to."""
    run = text("touch %s" % mark)
    return (by_opcode(run) + by_memo(run) + hidden(run) + by_string(run) + by_name(run)
            + by_state(run) + by_python2(run) + unresolved(run) + not_whole(run)
            + not_to_be_read(run) + put_right(run))


def by_opcode(run):
    """os.system and the like, by every opcode that imports or calls."""
    unicode = b"V" + run[5:] + b"\n"
    map_of = stacked("builtins", "map") + MARK + OS_SYSTEM + b"](" + run + b"et"
    mapped, mapped_ex = map_of + NEWOBJ, map_of + EMPTY_DICT + NEWOBJ_EX
    to_set, to_list = stacked("builtins", "frozenset"), named("builtins", "list")
    return [
        runs("GLOBAL, protocol 0", 0, call(named("os", "system"), unicode), "os.system"),
        runs("GLOBAL, protocol 1", 1, call(named("os", "system"), run), "os.system"),
        runs("GLOBAL, protocol 2", 2, call(named("posix", "system"), run), "posix.system"),
        runs("GLOBAL, protocol 3", 3, call(named("os", "system"), run), "os.system"),
        runs("STACK_GLOBAL, protocol 4", 4, call(OS_SYSTEM, run), "os.system"),
        runs("STACK_GLOBAL, protocol 5", 5, call(OS_SYSTEM, run), "os.system"),
        runs("STACK_GLOBAL, protocol 0", 0, call(OS_SYSTEM, run), "os.system"),
        runs("INST", 0, MARK + unicode + b"ios\nsystem\n", "os.system"),
        runs("INST, protocol 4", 4, MARK + run + b"iposix\nsystem\n", "posix.system"),
        runs("OBJ", 1, MARK + named("os", "system") + run + b"o", "os.system"),
        runs("OBJ, STACK_GLOBAL", 4, MARK + OS_SYSTEM + run + b"o", "os.system"),
        runs("NEWOBJ", 4, to_set + mapped + b"\x85" + NEWOBJ, "builtins.map"),
        runs("NEWOBJ_EX", 4, to_set + mapped_ex + b"\x85}" + NEWOBJ_EX, "builtins.map"),
        runs("OBJ of a class", 1, MARK + to_list + mapped + b"o", "builtins.map"),
        runs("INST of a class", 2, MARK + mapped + b"i__builtin__\nlist\n", "builtins.map"),
        runs("TUPLE1 and REDUCE", 4, OS_SYSTEM + run + b"\x85R", "os.system"),
    ]


def by_memo(run):
    """The function, or the two halves of its name, by way of the memo."""
    end = b"\x93" + run + b"\x85R"
    junk = text("datetime")

    def by(name, opcodes):
        return runs(name, 4, opcodes, "os.system")

    return [
        by("BINPUT and BINGET", OS + b"q\x07" + POP + b"h\x07" + SYSTEM + end),
        by("LONG_BINPUT and LONG_BINGET", OS + b"r\0\1\0\0" + POP + b"j\0\1\0\0" + SYSTEM + end),
        by("PUT and GET", OS + b"p17\n" + POP + b"g17\n" + SYSTEM + end),
        by("MEMOIZE", OS + MEMOIZE + POP + SYSTEM + MEMOIZE + POP + b"h\0h\1" + end),
        by("PUT by text, GET by byte", SYSTEM + b"p3\n" + POP + OS + b"h\3" + end),
        by("a slot overwritten", junk + b"q\0" + POP + OS + b"q\0" + POP + b"h\0" + SYSTEM + end),
        by("MEMOIZE counts what BINPUT filled",
           junk + b"q\5" + POP + OS + MEMOIZE + POP + b"h\1" + SYSTEM + end),
        by("MEMOIZE overwrites what BINPUT filled",
           junk + b"q\1" + POP + OS + MEMOIZE + POP + b"h\1" + SYSTEM + end),
        by("the function from the memo", OS_SYSTEM + MEMOIZE + POP + b"h\0" + run + b"\x85R"),
        by("the arguments from the memo", run + b"\x85" + MEMOIZE + POP + OS_SYSTEM + b"h\0R"),
        by("called and put away", call(OS_SYSTEM, run) + MEMOIZE + POP + b"h\0"),
    ]


def hidden(run):
    """What is refused stands in, before or after what is not."""
    called, large = call(OS_SYSTEM, run), some_bytes(b"x" * 70000)
    return [
        runs("in junk that is popped", 4, called + POP + b"N", "os.system"),
        runs("in junk under a mark", 4, MARK + called + POP_MARK + NONE, "os.system"),
        runs("a MARK popped", 4, OS + MARK + POP + SYSTEM + b"\x93" + run + b"\x85R", "os.system"),
        broken("junk in between", OS + MARK + b"N" + POP_MARK + SYSTEM + b"N" + POP + b"\x93"
               + run + b"\x85R", "popped"),
        broken("DUP of the function", OS_SYSTEM + DUP + POP + run + b"\x85R", "DUP"),
        broken("DUP of the name", OS + DUP + POP + SYSTEM + b"\x93" + run + b"\x85R", "DUP"),
        runs("in a list", 4, b"](K\1" + called + b"e", "os.system"),
        runs("as a key", 4, b"}" + called + b"Ns", "os.system"),
        runs("as a value", 4, b"}(N" + called + b"u", "os.system"),
        runs("in a tuple", 4, b"N" + called + b"\x86", "os.system"),
        runs("in a set", 4, b"\x8f(" + called + b"\x90", "os.system"),
        runs("in a frozenset", 4, MARK + called + b"\x91", "os.system"),
        runs("500 lists deep", 4, b"]" * 500 + called + b"a" * 500, "os.system"),
        runs("after 70,000 bytes", 4, b"](" + large + called + b"e", "os.system"),
        runs("in an exception", 4, call(stacked("builtins", "ValueError"), called), "os.system"),
        runs("PROTO in the middle", 0, b"](N\x80\x04" + called + b"e", "os.system"),
        runs("a frame that is too short", 4, b"\x95\2\0\0\0\0\0\0\0" + called, "os.system"),
        runs("a frame within", 4, b"](\x95\1\0\0\0\0\0\0\0N" + called + b"e", "os.system"),
    ]


def by_string(run):
    """The name by every opcode that pushes a text, and by what escapes there are."""
    def by(name, both, protocol=4, refused="os.system"):
        return runs("names by " + name, protocol, both + b"\x93" + run + b"\x85R", refused)

    return [
        by("SHORT_BINSTRING", b"U\2osU\6system"),
        by("BINSTRING", b"T\2\0\0\0osT\6\0\0\0system"),
        by("STRING", b"S'os'\nS\"system\"\n", 0, "STACK_GLOBAL"),
        by("STRING with escapes", b"S'\\x6f\\163'\nS'\\x73ystem'\n", 0, "STACK_GLOBAL"),
        by("UNICODE", b"Vos\nVsystem\n", 0),
        by("UNICODE with escapes", b"V\\u006fs\nVs\\U00000079stem\n", 0),
        by("BINUNICODE8", b"\x8d\2\0\0\0\0\0\0\0os\x8d\6\0\0\0\0\0\0\0system"),
        by("SHORT_BINUNICODE", b"\x8c\2os\x8c\6system"),
    ]


def by_name(run):
    """Names with dots, names that a call makes, and names that nothing has."""
    end = b"\x93" + run + b"\x85R"
    letters, wide = some_bytes(b"system"), "\uff4f\uff53"
    rot13 = text("rot13")
    decoded = call(stacked("codecs", "decode"), text("bf"), rot13)
    encoded = call(stacked("_codecs", "encode"), text("flfgrz"), rot13)
    concatenated = call(stacked("operator", "concat"), text("o"), text("s"))
    of_bytes = call(stacked("builtins", "bytes.decode"), letters)
    of_str = call(stacked("builtins", "str"), letters, text("ascii"))
    by_uuid = call(named("uuid", "os.system"), run)

    def no_such(name, pair, refused, protocol=4):
        return asks(name, protocol, call(pair, run), refused)

    return [
        runs("a dotted name", 4, call(stacked("shutil", "os.system"), run), "shutil.os.system"),
        runs("a dotted name of what is let in", 4, call(stacked("uuid", "os.system"), run),
             "uuid.os.system"),
        runs("a dotted GLOBAL", 4, call(named("os", "path.os.system"), run), "os.path.os.system"),
        runs("a dotted INST", 4, MARK + run + b"ios\npath.os.system\n", "os.path.os.system"),
        runs("dots after PROTO in the middle", 2, b"](N\x80\4" + by_uuid + b"e", "uuid.os.system"),
        runs("a name from a codec", 4, OS + encoded + end, "_codecs.encode"),
        runs("a module from a codec", 4, decoded + SYSTEM + end, "codecs.decode"),
        runs("a name put together", 4, concatenated + SYSTEM + end, "operator.concat"),
        runs("a name from bytes", 4, OS + of_bytes + end, "builtins.bytes.decode"),
        runs("a name from str", 4, OS + of_str + end, "latin1"),
        no_such("a name in wide letters", stacked(wide, "system"), wide + ".system"),
        no_such("a GLOBAL in wide letters", named(wide, "system"), wide + ".system", 3),
        no_such("a name with a line feed", stacked("os\n", "system"), '"os\\n"'),
        no_such("a name with a return", named("os\r", "system\r"), '"os\\r"', 2),
        no_such("a name with a zero", stacked("os", "system\0"), "system"),
        no_such("a name that clears a terminal", stacked("os", "\x1b[2Jsystem"), "system"),
        no_such("no name", stacked("", ""), "--"),
    ]


def by_state(run):
    """BUILD finds __setstate__ in what was set before, and calls it."""
    method = EMPTY_DICT + text("__setstate__") + OS_SYSTEM + SETITEM
    equality = EMPTY_DICT + text("__eq__") + NONE + SETITEM
    namespace = call(stacked("types", "SimpleNamespace"))
    exception = call(stacked("builtins", "ValueError"))
    counter = stacked("collections", "Counter")
    changed = counter + MEMOIZE + NONE + method + b"\x86" + BUILD + POP + b"h\0)" + NEWOBJ
    popen = stacked("subprocess", "Popen")
    bare = call(named("copy_reg", "_reconstructor"), popen, named("__builtin__", "object"), NONE)
    named_args = EMPTY_DICT + text("args") + run + SETITEM
    return [
        runs("a state that is called", 4, namespace + method + BUILD + run + BUILD, "os.system"),
        runs("an exception's state", 4, exception + method + BUILD + run + BUILD, "os.system"),
        runs("a class that is changed", 4, changed + run + BUILD, "os.system"),
        asks("a class that is changed by data", 4, counter + NONE + equality + b"\x86" + BUILD,
             "changes a class"),
        asks("a factory", 4, call(stacked("collections", "defaultdict"), OS_SYSTEM), "os.system"),
        asks("an object without its constructor", 2, bare, "subprocess.Popen"),
        asks("a new object by copyreg", 4, call(stacked("copyreg", "__newobj__"), popen, run),
             "subprocess.Popen"),
        asks("a new object by name", 4, popen + b")" + named_args + NEWOBJ_EX, "subprocess.Popen"),
    ]


def by_python2(run):
    """Below protocol 3 the names of Python 2 stand for those of Python 3."""
    getoutput = call(named("commands", "getoutput"), run)
    imported = call(named("__builtin__", "__import__"), OS)
    attribute = call(named("__builtin__", "getattr"), imported, SYSTEM)
    several = b"](" + run + b"e"
    mapped = call(named("itertools", "imap"), OS_SYSTEM, several)
    listed = call(named("__builtin__", "list"), mapped)
    reduced = call(named("__builtin__", "reduce"), OS_SYSTEM, several)
    return [
        runs("commands.getoutput, protocol 0", 0, getoutput, "subprocess.getoutput"),
        runs("commands.getoutput, protocol 1", 1, getoutput, "subprocess.getoutput"),
        runs("commands.getoutput, protocol 2", 2, getoutput, "subprocess.getoutput"),
        runs("PROTO 2 in the middle", 4, b"](N\x80\2" + getoutput + b"e", "subprocess.getoutput"),
        runs("__builtin__.getattr", 2, call(attribute, run), "builtins.getattr"),
        runs("itertools.imap", 2, listed, "builtins.map"),
        asks("__builtin__.reduce", 1, reduced, "functools.reduce"),
        asks("__builtin__.execfile", 0, call(named("__builtin__", "execfile"), run), "execfile"),
        asks("__builtin__.apply", 0, call(named("__builtin__", "apply"), OS_SYSTEM, run), "apply"),
        asks("commands at protocol 3", 3, getoutput, "commands.getoutput"),
    ]


def unresolved(run):
    """What only a certain reader could tell."""
    argument = MARK + run + b"t"
    return [
        asks("EXT1", 2, b"\x82\7" + argument + b"R", "xtension"),
        asks("EXT2", 2, b"\x83\7\1" + argument + b"R", "xtension"),
        asks("EXT4", 2, b"\x84\7\0\1\0" + argument + b"R", "xtension"),
        asks("EXT1 as data", 2, b"](N\x82\1e", "xtension"),
        broken("PERSID", b"Pos.system\n", "persistent id", 0),
        broken("BINPERSID", run + b"Q", "persistent id", 2),
        broken("PERSID called", b"Pos.system\n" + argument + b"R", "persistent id", 0),
        broken("NEXT_BUFFER", b"\x97", "out-of-band buffer", 5),
    ]


def not_whole(run):
    """Of some, Python's own unpickler would run a part before it finds out."""
    called = call(OS_SYSTEM, run)
    return [
        broken("two pickles in one", NONE + STOP + called, "STOP"),
        broken("a pickle after another", called + STOP + proto(4) + called, "STOP"),
        broken("a text that ends outside", called + POP + b"X\xff\xff\0\0os", "BINUNICODE"),
        broken("bytes beyond all memory", called + POP + b"\x8e" + b"\x7f" * 8, "BINBYTES8"),
        broken("a BINSTRING of negative length", called + POP + b"T\xff\xff\xff\xff", "BINSTRING"),
        broken("a LONG4 of negative length", called + POP + b"\x8b\xff\xff\xff\xff", "LONG4"),
        broken("a line without end", called + POP + b"cos", "GLOBAL"),
        broken("an unknown opcode", called + b"\xff", "opcode"),
        broken("a protocol to come", b"\x80\6" + called, "PROTO"),
        broken("a slot that nobody filled", called + POP + b"h\x63", "BINGET"),
        broken("a slot filled after its use", called + POP + b"h\0" + MEMOIZE, "BINGET"),
        broken("TUPLE without MARK", b"t", "TUPLE"),
        broken("POP of the request's own parts", POP + POP + called, "mark"),
        broken("too many POPs", POP * 9 + called, "POP"),
        broken("POP_MARK of the request's own mark", called + POP_MARK + POP_MARK, "popped"),
        broken("REDUCE of nothing", b"R", "REDUCE"),
        broken("APPEND to nothing", MARK + b"a", "APPEND"),
        broken("a SETITEM too few", EMPTY_DICT + NONE + SETITEM, "SETITEM"),
    ]


def not_to_be_read(run):
    """Whole, but no unpickler makes anything of it: its reader gets the error."""
    called = call(OS_SYSTEM, run)
    return [
        asks("a text that is no UTF-8", 4, b"](X\2\0\0\0\xc3\x28" + called + b"e", "os.system"),
        asks("REDUCE without a tuple", 4, OS_SYSTEM + run + b"R", "os.system"),
        asks("STACK_GLOBAL of numbers", 4, b"K\1K\2\x93", "STACK_GLOBAL"),
        asks("a GLOBAL that is no UTF-8", 2, b"c\xc3\x28\nsystem\n", ""),
        asks("a STRING without quotes", 0, b"Sos\nS'system'\n\x93", "STACK_GLOBAL"),
    ]


def put_right(run):
    """Python's own unpickler stops at these; the manager keeps neither frames nor unused slots."""
    called = call(OS_SYSTEM, run)
    return [
        runs("a frame that ends outside", 4, b"\x95\xff\0\0\0\0\0\0\0" + called, "os.system"),
        runs("a frame of all the memory there is", 4, b"\x95" + b"\xff" * 8 + called, "os.system"),
        runs("a negative slot", 0, called + b"p-1\n", "os.system"),
        runs("a slot by no number", 0, called + b"pxyz\n", "os.system"),
    ]
