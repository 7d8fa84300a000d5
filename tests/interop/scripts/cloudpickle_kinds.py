"""Payloads that cloudpickle makes, and what each is made of and what it returns, as text."""

import enum
import functools
import sys
import types

import cloudpickle

import payload_kinds

# At cloudpickle's own protocol, and at one that is not the highest.
PICKLERS = [cloudpickle.dumps, functools.partial(cloudpickle.dumps, protocol=4)]


def kinds():
    return functions() + dynamic_classes()


def functions():
    shared = ["put"]
    count = 3

    def closure(more=shared, *, only="put"):
        return [count, shared, more, only]

    def factorial(n=5):
        return n * factorial(n - 1) if n else 1

    def other():
        return closure(), factorial(), shared

    def generator():
        yield from shared

    def annotated(put: "put" = 1) -> int:
        """put"""
        return put

    annotated.put = shared
    return [
        ("a lambda", lambda: "put"),
        ("lambdas", [lambda: "put", lambda: "get", shared]),
        ("a closure", closure),
        ("a closure and what it holds", [closure, shared]),
        ("a function in itself", factorial),
        ("functions of functions", [other, closure, factorial]),
        ("a generator function", generator),
        ("an annotated function", annotated),
        ("a partial of a lambda", functools.partial(lambda *parts: parts, "put")),
        ("modules", [sys, types.ModuleType("put")]),
    ]


def dynamic_classes():
    class Dynamic(object):
        """Exists here only."""

        put = ["put"]

        def __init__(self, *parts):
            self.parts = list(parts)

        def __call__(self):
            return [self.own, self.put, self.of_class(), self.of_none()]

        @property
        def own(self):
            return self.parts

        @classmethod
        def of_class(cls):
            return cls.__name__

        @staticmethod
        def of_none():
            return "put"

    class Derived(Dynamic):
        def __call__(self):
            return super().__call__()

    class Shade(enum.Enum):
        PUT = "put"
        GET = 2

    one = Dynamic("put")
    one.parts.append(one)
    derived = Derived(one)
    derived.get = "put"
    return [
        ("a class", Dynamic),
        ("an instance", one),
        ("instances", [one, derived, Dynamic, Derived("put")]),
        ("a bound method", one.of_class),
        ("an enum", [Shade.GET, Shade.PUT, Shade]),
    ]


def shape(thing):
    seen = {}
    try:
        made_of = payload_kinds.shape(thing, seen, special)
        return made_of + " " + payload_kinds.shape(called(thing), seen, special)
    finally:
        # Else a class that was read once would be the answer to all pickles of it.
        cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()


def called(thing):
    """What functions return."""
    if isinstance(thing, list):
        return [called(part) for part in thing]
    if isinstance(thing, type) or not callable(thing):
        return None
    result = thing()
    return list(result) if isinstance(result, types.GeneratorType) else result


def special(thing):
    """The parts of a thing of this module, and of what leads to one."""
    if isinstance(thing, types.CodeType):
        return [thing.co_name, thing.co_names, thing.co_varnames, thing.co_code, thing.co_consts]
    if isinstance(thing, types.MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, functools.partial):
        return [thing.func, thing.args, thing.keywords]
    if isinstance(thing, property):
        return [thing.fget]
    if isinstance(thing, (classmethod, staticmethod)):
        return [thing.__func__]
    if isinstance(thing, types.FunctionType) and thing.__module__ == __name__:
        return parts_of_function(thing)
    if isinstance(thing, type) and thing.__module__ == __name__:
        return parts_of_class(thing)
    if type(thing).__module__ == __name__ and not isinstance(thing, enum.Enum):
        return [type(thing), thing.__dict__]
    return None


def parts_of_function(thing):
    cells = [cell.cell_contents for cell in thing.__closure__ or ()]
    about = [thing.__name__, thing.__doc__, thing.__defaults__, thing.__kwdefaults__]
    return about + [cells, thing.__annotations__, thing.__dict__, thing.__code__]


def parts_of_class(thing):
    if issubclass(thing, enum.Enum):
        return [thing.__name__, [(member.name, member.value) for member in thing]]
    own = (types.FunctionType, property, classmethod, staticmethod, list)
    fields = {name: part for name, part in vars(thing).items() if isinstance(part, own)}
    fields.pop("__slotnames__", None)  # a note of Python's pickler, once it met an instance
    return [thing.__name__, thing.__doc__, thing.__bases__, sorted(fields.items())]
