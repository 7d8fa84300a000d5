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
    map_eval = [stacked("builtins", "map"), OS_SYSTEM, b"](" + run + b"e"]
    mapped = map_eval[0] + MARK + b"".join(map_eval[1:]) + b"t" + NEWOBJ
    touch = run[5:]
    return [
        runs("GLOBAL, protocol 0", 0, call(named("os", "system"), b"V" + touch + b"\n"), "os.system"),
        runs("GLOBAL, protocol 1", 1, call(named("os", "system"), run), "os.system"),
        runs("GLOBAL, protocol 2", 2, call(named("posix", "system"), run), "posix.system"),
        runs("GLOBAL, protocol 3", 3, call(named("os", "system"), run), "os.system"),
        runs("STACK_GLOBAL, protocol 4", 4, call(OS_SYSTEM, run), "os.system"),
        runs("STACK_GLOBAL, protocol 5", 5, call(stacked("posix", "system"), run), "posix.system"),
        runs("STACK_GLOBAL, protocol 0", 0, call(OS_SYSTEM, run), "os.system"),
        runs("INST", 0, MARK + b"V" + touch + b"\nios\nsystem\n", "os.system"),
        runs("INST, protocol 4", 4, MARK + run + b"iposix\nsystem\n", "posix.system"),
        runs("OBJ", 1, MARK + named("os", "system") + run + b"o", "os.system"),
        runs("OBJ, STACK_GLOBAL", 4, MARK + OS_SYSTEM + run + b"o", "os.system"),
        runs("NEWOBJ", 4, stacked("builtins", "frozenset") + mapped + b"\x85" + NEWOBJ, "builtins.map"),
        runs("NEWOBJ_EX", 4, stacked("builtins", "list") + map_eval[0] + MARK + map_eval[1]
             + map_eval[2] + b"t}" + NEWOBJ_EX + b"\x85R", "builtins.map"),
        runs("OBJ of a class", 1, MARK + named("builtins", "list") + mapped + b"o", "builtins.map"),
        runs("INST of a class", 2, MARK + mapped + b"i__builtin__\nlist\n", "builtins.map"),
        runs("TUPLE1 and REDUCE", 4, OS_SYSTEM + run + b"\x85R", "os.system"),
    ]


def by_memo(run):
    """The function, or the two halves of its name, by way of the memo."""
    end = b"\x93" + run + b"\x85R"
    junk = text("datetime")
    return [
        runs("BINPUT and BINGET", 4, OS + b"q\x07" + POP + b"h\x07" + SYSTEM + end, "os.system"),
        runs("LONG_BINPUT and LONG_BINGET", 4,
             OS + b"r\0\1\0\0" + POP + b"j\0\1\0\0" + SYSTEM + end, "os.system"),
        runs("PUT and GET", 4, OS + b"p17\n" + POP + b"g17\n" + SYSTEM + end, "os.system"),
        runs("MEMOIZE", 4, OS + MEMOIZE + POP + SYSTEM + MEMOIZE + POP + b"h\0h\1" + end, "os.system"),
        runs("PUT by text, GET by byte", 4, SYSTEM + b"p3\n" + POP + OS + b"h\3" + end, "os.system"),
        runs("a slot overwritten", 4,
             junk + b"q\0" + POP + OS + b"q\0" + POP + b"h\0" + SYSTEM + end, "os.system"),
        runs("MEMOIZE counts what BINPUT filled", 4,
             junk + b"q\5" + POP + OS + MEMOIZE + POP + b"h\1" + SYSTEM + end, "os.system"),
        runs("MEMOIZE overwrites what BINPUT filled", 4,
             junk + b"q\1" + POP + OS + MEMOIZE + POP + b"h\1" + SYSTEM + end, "os.system"),
        runs("the function from the memo", 4,
             OS_SYSTEM + MEMOIZE + POP + b"h\0" + run + b"\x85R", "os.system"),
        runs("the arguments from the memo", 4,
             run + b"\x85" + MEMOIZE + POP + OS_SYSTEM + b"h\0R", "os.system"),
        runs("called and put away", 4, call(OS_SYSTEM, run) + MEMOIZE + POP + b"h\0", "os.system"),
    ]


def hidden(run):
    """What is refused stands in, before or after what is not."""
    called = call(OS_SYSTEM, run)
    return [
        runs("in junk that is popped", 4, called + POP + b"N", "os.system"),
        runs("in junk under a mark", 4, MARK + called + POP_MARK + NONE, "os.system"),
        runs("a MARK popped", 4, OS + MARK + POP + SYSTEM + b"\x93" + run + b"\x85R", "os.system"),
        runs("junk in between", 4, OS + MARK + b"N" + POP_MARK + SYSTEM + b"N" + POP + b"\x93"
             + run + b"\x85R", "os.system"),
        broken("DUP of the function", OS_SYSTEM + DUP + POP + run + b"\x85R", "DUP"),
        broken("DUP of the name", OS + DUP + POP + SYSTEM + b"\x93" + run + b"\x85R", "DUP"),
        runs("in a list", 4, b"](K\1" + called + b"e", "os.system"),
        runs("as a key", 4, b"}" + called + b"Ns", "os.system"),
        runs("as a value", 4, b"}(N" + called + b"u", "os.system"),
        runs("in a tuple", 4, b"N" + called + b"\x86", "os.system"),
        runs("in a set", 4, b"\x8f(" + called + b"\x90", "os.system"),
        runs("in a frozenset", 4, MARK + called + b"\x91", "os.system"),
        runs("500 lists deep", 4, b"]" * 500 + called + b"a" * 500, "os.system"),
        runs("after 70,000 bytes", 4, b"](" + some_bytes(b"x" * 70000) + called + b"e", "os.system"),
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
    """Names with dots, and names that a call makes."""
    end = b"\x93" + run + b"\x85R"
    rot13 = text("rot13")
    decoded = call(stacked("codecs", "decode"), text("bf"), rot13)
    encoded = call(stacked("_codecs", "encode"), text("flfgrz"), rot13)
    return [
        runs("a dotted name", 4, call(stacked("shutil", "os.system"), run), "shutil.os.system"),
        runs("a dotted name of a module let in", 4, call(stacked("uuid", "os.system"), run), "uuid.os.system"),
        runs("a dotted GLOBAL", 4, call(named("os", "path.os.system"), run), "os.path.os.system"),
        runs("a dotted INST", 4, MARK + run + b"ios\npath.os.system\n", "os.path.os.system"),
        runs("dots after PROTO in the middle", 2, b"](N\x80\4" + call(named("uuid", "os.system"), run)
             + b"e", "uuid.os.system"),
        runs("a name from a codec", 4, OS + encoded + end, "_codecs.encode"),
        runs("a module from a codec", 4, decoded + SYSTEM + end, "codecs.decode"),
        runs("a name put together", 4, call(stacked("operator", "concat"), text("o"), text("s"))
             + SYSTEM + end, "operator.concat"),
        runs("a name from bytes", 4, OS + call(stacked("builtins", "bytes.decode"),
             some_bytes(b"system")) + end, "builtins.bytes.decode"),
        runs("a name from str", 4, OS + call(stacked("builtins", "str"), some_bytes(b"system"), text("ascii"))
             + end, ""),
        asks("a name in wide letters", 4, call(stacked("\uff4f\uff53", "system"), run), "\uff4f\uff53.system"),
        asks("a GLOBAL in wide letters", 3, call(named("\uff4f\uff53", "system"), run), "\uff4f\uff53.system"),
        asks("a name with a line feed", 4, call(stacked("os\n", "system"), run), '"os\\n"'),
        asks("a name with a return", 2, call(named("os\r", "system\r"), run), '"os\\r"'),
        asks("a name with a zero", 4, call(stacked("os", "system\0"), run), "system"),
        asks("a name with escapes of a terminal", 4, call(stacked("os", "\x1b[2Ksystem"), run), "system"),
        asks("no name", 4, call(stacked("", ""), run), ""),
    ]


def by_state(run):
    """BUILD finds __setstate__ in what was set before, and calls it."""
    def with_setstate(made):
        state = EMPTY_DICT + text("__setstate__") + OS_SYSTEM + SETITEM
        return made + state + BUILD + run + BUILD

    changed = NONE + EMPTY_DICT + text("__setstate__") + OS_SYSTEM + SETITEM + b"\x86" + BUILD
    counter = stacked("collections", "Counter")
    return [
        runs("a state that is called", 4, with_setstate(call(stacked("types", "SimpleNamespace"))),
             "os.system"),
        runs("an exception's state", 4, with_setstate(call(stacked("builtins", "ValueError"))),
             "os.system"),
        runs("a class that is changed", 4, counter + MEMOIZE + changed + POP + b"h\0)" + NEWOBJ + run
             + BUILD, "os.system"),
        asks("a class that is changed by data", 4, counter + NONE + EMPTY_DICT + text("__eq__") + NONE
             + SETITEM + b"\x86" + BUILD, "changes a class"),
        asks("a factory", 4, call(stacked("collections", "defaultdict"), OS_SYSTEM), "os.system"),
        asks("an object without its constructor", 2, call(named("copy_reg", "_reconstructor"),
             named("subprocess", "Popen"), named("__builtin__", "object"), NONE), "subprocess.Popen"),
        asks("a new object by copyreg", 4, call(stacked("copyreg", "__newobj__"), stacked("subprocess",
             "Popen"), run), "subprocess.Popen"),
        asks("a new object by name", 4, stacked("subprocess", "Popen") + b")}" + text("args") + run
             + SETITEM + NEWOBJ_EX, "subprocess.Popen"),
    ]


def by_python2(run):
    """Below protocol 3 the names of Python 2 stand for those of Python 3."""
    getoutput = call(named("commands", "getoutput"), run)
    imported = call(named("__builtin__", "__import__"), OS)
    both = [runs("commands.getoutput, protocol %d" % number, number, getoutput, "subprocess.getoutput")
            for number in (0, 1, 2)]
    return both + [
        runs("__builtin__, by getattr", 2, call(call(named("__builtin__", "getattr"), imported, SYSTEM),
             run), "builtins."),
        runs("a list by itertools.imap", 2, call(named("__builtin__", "list"), call(named("itertools",
             "imap"), OS_SYSTEM, b"](" + run + b"e")), "builtins.map"),
        runs("PROTO 2 in the middle", 4, b"](N\x80\2" + getoutput + b"e", "subprocess.getoutput"),
        asks("__builtin__.reduce", 1, call(named("__builtin__", "reduce"), OS_SYSTEM, b"](" + run
             + b"e"), "functools.reduce"),
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
        broken("bytes of all the memory there is", called + POP + b"\x8e" + b"\xff" * 7 + b"\x7f",
               "BINBYTES8"),
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
        broken("POP_MARK of the request's own mark", called + POP_MARK + POP_MARK, "mark"),
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
