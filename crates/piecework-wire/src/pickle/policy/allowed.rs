//! The names that the policy `data` lets in, each with what it can do at worst.
//!
//! Whoever writes a pickle chooses the arguments of every call in it, the order of the calls, and
//! the state that is set on what they return. So a name is listed only if calling it with anything
//! else of this list leads to nothing but data. That rules out all that calls what it is given
//! (`map`, `functools.partial`), looks up or returns a thing by its name (`getattr`,
//! `operator.attrgetter`), or hands on a class that it was given (`type`).
//!
//! What the list does not bound is size: `bytes(10**12)` and `Fraction("1e999999999")` cost their
//! reader memory and time, as a large payload does, and end in a `MemoryError` or at his patience.
use std::collections::HashMap;
use std::sync::LazyLock;

use super::item::{Part, Use};

/// Names of one module that share a reason.
struct Group {
    module: &'static str,
    names: &'static [&'static str],
    usage: Use,
    /// What calling them, with any arguments, can do at worst.
    worst: &'static str,
}

const fn group(module: &'static str, names: &'static [&'static str], worst: &'static str) -> Group {
    Group { module, names, usage: Use::Any, worst }
}

const fn latin1(
    module: &'static str,
    names: &'static [&'static str],
    worst: &'static str,
) -> Group {
    Group { module, names, usage: Use::Latin1, worst }
}

const fn numpy(module: &'static str, name: &'static [&'static str], part: Part) -> Group {
    Group { module, names: name, usage: Use::Numpy(part), worst: NUMPY_WORST }
}

const PATHS: &[&str] =
    &["PurePath", "PurePosixPath", "PureWindowsPath", "Path", "PosixPath", "WindowsPath"];
const PATHS_WORST: &str = "a path that leads anywhere; it is opened by nobody but who uses it, \
    and no other class of this list calls a method that a path has";
const NUMPY_WORST: &str = "alone, memory of the reader is overwritten: numpy takes the state of \
    arrays and dtypes on trust; so each is let in only in the order, and with the kinds of \
    arguments, with which numpy itself pickles arrays of numbers, dates, texts and bytes";
const QUEUE_WORST: &str = "an exception that holds what it was given";

const GROUPS: &[Group] = &[
    group(
        "builtins",
        &["bool", "complex", "float", "int", "range", "slice"],
        "takes memory; asks its arguments for their number, which only classes of this list can \
         answer",
    ),
    latin1(
        "builtins",
        &["bytearray", "bytes", "str"],
        "takes memory; asks its argument for its length or text, which only classes of this list \
         can answer; called with another codec than Latin-1, it would import any module of the \
         package `encodings`",
    ),
    group(
        "builtins",
        &["dict", "frozenset", "list", "set", "tuple"],
        "takes memory; iterates over its argument, compares and hashes what that yields",
    ),
    group("builtins", &["object"], "nothing: an object without state"),
    group(
        "builtins",
        &["Ellipsis", "NotImplemented"],
        "nothing: they are constants that refuse all change",
    ),
    group(
        "builtins",
        // Not UnicodeDecodeError, UnicodeEncodeError and UnicodeTranslateError: to print one whose
        // `start` or `object` was made up reads memory that is not theirs, and ends the process.
        &[
            "ArithmeticError",
            "AssertionError",
            "AttributeError",
            "BaseException",
            "BaseExceptionGroup",
            "BlockingIOError",
            "BrokenPipeError",
            "BufferError",
            "BytesWarning",
            "ChildProcessError",
            "ConnectionAbortedError",
            "ConnectionError",
            "ConnectionRefusedError",
            "ConnectionResetError",
            "DeprecationWarning",
            "EOFError",
            "EncodingWarning",
            "EnvironmentError",
            "Exception",
            "ExceptionGroup",
            "FileExistsError",
            "FileNotFoundError",
            "FloatingPointError",
            "FutureWarning",
            "GeneratorExit",
            "IOError",
            "ImportError",
            "ImportWarning",
            "IndentationError",
            "IndexError",
            "InterruptedError",
            "IsADirectoryError",
            "KeyError",
            "KeyboardInterrupt",
            "LookupError",
            "MemoryError",
            "ModuleNotFoundError",
            "NameError",
            "NotADirectoryError",
            "NotImplementedError",
            "OSError",
            "OverflowError",
            "PendingDeprecationWarning",
            "PermissionError",
            "ProcessLookupError",
            "PythonFinalizationError",
            "RecursionError",
            "ReferenceError",
            "ResourceWarning",
            "RuntimeError",
            "RuntimeWarning",
            "StopAsyncIteration",
            "StopIteration",
            "SyntaxError",
            "SyntaxWarning",
            "SystemError",
            "SystemExit",
            "TabError",
            "TimeoutError",
            "TypeError",
            "UnboundLocalError",
            "UnicodeError",
            "UnicodeWarning",
            "UserWarning",
            "ValueError",
            "Warning",
            "ZeroDivisionError",
        ],
        "an exception with any attributes, which does nothing until somebody raises it",
    ),
    group(
        "copyreg",
        &["_reconstructor", "__newobj__", "__newobj_ex__"],
        "makes an instance of the class that it is given, which is on this list too",
    ),
    latin1(
        "_codecs",
        &["encode"],
        "text becomes bytes, as protocols 0 to 2 write them; with another codec than Latin-1, it \
         would import any module of the package `encodings`",
    ),
    group(
        "datetime",
        &["date", "datetime", "time", "timedelta", "timezone", "tzinfo"],
        "numbers, checked by the constructor",
    ),
    group("decimal", &["Decimal"], "a number; long texts take time"),
    group("fractions", &["Fraction"], "two numbers; a large exponent takes time and memory"),
    group("uuid", &["UUID"], "a number"),
    group("uuid", &["SafeUUID"], "one of three constants, whose value a state can change"),
    group(
        "ipaddress",
        &[
            "IPv4Address",
            "IPv4Interface",
            "IPv4Network",
            "IPv6Address",
            "IPv6Interface",
            "IPv6Network",
        ],
        "a number, and the length of a prefix",
    ),
    group(
        "collections",
        &["Counter", "OrderedDict", "deque", "ChainMap", "UserDict", "UserList", "UserString"],
        "takes memory; iterates over its argument, compares and hashes what that yields",
    ),
    group(
        "collections",
        &["defaultdict"],
        "calls its factory, which is made of names of this list, with no arguments",
    ),
    group("pathlib", PATHS, PATHS_WORST),
    group("pathlib._local", PATHS, PATHS_WORST),
    group("queue", &["Empty", "Full", "ShutDown"], QUEUE_WORST),
    group("_queue", &["Empty"], QUEUE_WORST),
    group(
        "array",
        &["array", "_array_reconstructor"],
        "numbers, copied from bytes whose length is checked",
    ),
    group("time", &["struct_time"], "a tuple of numbers or of anything else"),
    group("types", &["SimpleNamespace"], "an object with any attributes"),
    numpy("numpy", &["dtype"], Part::Dtype),
    numpy("numpy", &["ndarray"], Part::Ndarray),
    numpy("numpy.core.multiarray", &["_reconstruct"], Part::Reconstruct),
    numpy("numpy._core.multiarray", &["_reconstruct"], Part::Reconstruct),
    numpy("numpy.core.multiarray", &["scalar"], Part::Scalar),
    numpy("numpy._core.multiarray", &["scalar"], Part::Scalar),
    numpy("numpy.core.numeric", &["_frombuffer"], Part::FromBuffer),
    numpy("numpy._core.numeric", &["_frombuffer"], Part::FromBuffer),
];

/// What the name is let in for, if it is.
pub(super) fn usage(module: &str, name: &str) -> Option<Use> {
    static USES: LazyLock<HashMap<(&str, &str), Use>> = LazyLock::new(|| {
        let named = |group: &Group| (group.module, group.usage);
        let all = |group: &'static Group| group.names.iter().map(move |name| (named(group), *name));
        GROUPS.iter().flat_map(all).map(|((module, usage), name)| ((module, name), usage)).collect()
    });
    USES.get(&(module, name)).copied()
}

/// The whole list: module, name, and what calling it can do at worst.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    GROUPS
        .iter()
        .flat_map(|group| group.names.iter().map(|name| (group.module, *name, group.worst)))
}
