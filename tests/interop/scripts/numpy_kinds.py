"""Payloads that are made with numpy, and what each is made of, as text."""

import functools

import cloudpickle
import numpy

import payload_kinds

# What programs take that send more than data: for arrays it must make no difference.
PICKLERS = [cloudpickle.dumps, functools.partial(cloudpickle.dumps, protocol=4)]


def kinds():
    return arrays() + more_of_numpy()


def arrays():
    base = numpy.arange(24).reshape(4, 6)
    fortran = numpy.asfortranarray(base)
    fields = numpy.zeros(3, [("put", "<i4"), ("get", "S3"), ("both", [("a", "f8"), ("b", "?")])])
    fields["get"], fields["both"]["a"] = b"put", [1.5, 2.5, 3.5]
    objects = numpy.array([["put", None], [base, {"put": [1]}]], object)
    around = numpy.empty(2, object)
    around[0], around[1] = around, "put"
    kinds = "?bhilqBHILQefdgFDG"
    return [
        ("every number", [numpy.array([0, 1, 2]).astype(kind) for kind in kinds]),
        ("byte orders", [numpy.array([1, 2], order + kind) for order in "<>" for kind in "hifF"]),
        ("texts and bytes", [numpy.array(["put", u"\u4e16"]), numpy.array([b"put", b""]),
                             numpy.array([b"abc"], "V4")]),
        ("dates", [numpy.array(["2020-01-02", "NaT"], "M8[D]"), numpy.array([1, 2], "m8[25s]")]),
        ("no element", [numpy.array([]), numpy.zeros((0, 3)), numpy.zeros((2, 0), "S")]),
        ("no dimension", [numpy.array(5), numpy.array("put"), numpy.array(None, object)]),
        ("fortran order", [fortran, fortran[1:], fortran.T]),
        ("views of one base", [base, base[1:], base[:, ::2], base.T, base[::-1], base]),
        ("not to be written", numpy.broadcast_to(base[0], (3, 6))),
        ("with fields", [fields, fields["both"], fields[0], fields.view(numpy.recarray)]),
        ("objects", objects),
        ("an array in itself", around),
        ("masked", numpy.ma.masked_array([1.5, 2.5, 3.5], [False, True, False], fill_value=9)),
        ("masked fields", numpy.ma.masked_array(fields, [False, True, False])),
        ("large", numpy.arange(20000.0)),
        ("large in fortran order", numpy.asfortranarray(numpy.ones((100, 120)))),
        ("large and shared", [numpy.full(9000, 7), {"put": base}] * 2),
        ("many", [numpy.arange(n) for n in range(150)]),
    ]


def more_of_numpy():
    random = numpy.random.RandomState(7)
    return [
        ("scalars", [numpy.float64(1.5), numpy.int8(-3), numpy.bool_(True), numpy.str_("put"),
                     numpy.bytes_(b"put"), numpy.datetime64("2020-01-02"), numpy.complex64(1j),
                     numpy.void(b"put")]),
        ("dtypes", [numpy.dtype(kind) for kind in ("f8", ">i2", "U3", "M8[ns]", "O", "(2,3)f4")]),
        ("aligned fields", numpy.dtype([("put", "i1"), ("get", "f8")], align=True)),
        ("classes and functions", [numpy.float64, numpy.ndarray, numpy.add, numpy.linalg.norm]),
        ("a matrix", numpy.matrix([[1, 2], [3, 4]])),
        ("a random state", [random.get_state()[1][:9], random]),
        ("among other things", {"put": numpy.ones(3), "many": [(numpy.zeros(1), "put")] * 2}),
    ]


def shape(thing):
    return payload_kinds.shape(thing, special=special)


def special(thing):
    """The parts of a thing of numpy; its own texts speak for themselves."""
    if isinstance(thing, numpy.ma.MaskedArray):
        return [thing.data, thing.mask, thing.fill_value]
    if isinstance(thing, numpy.ndarray):
        return parts_of_array(thing)
    if isinstance(thing, numpy.generic):
        return [repr(thing.dtype), thing.tobytes()]
    if isinstance(thing, numpy.dtype):
        return [repr(thing), thing.isalignedstruct]
    if isinstance(thing, numpy.random.RandomState):
        return list(thing.get_state())
    return None


def parts_of_array(thing):
    about = "%r, shape %r, strides %r, writeable %r" % (
        thing.dtype, thing.shape, thing.strides, thing.flags.writeable)
    contents = thing.tolist() if thing.dtype.hasobject else thing.tobytes("A")
    return [about, contents, thing.base if isinstance(thing.base, numpy.ndarray) else None]
