"""A task that does nothing, in a module of its own: all workers can import it."""


def same(number):
    return number
