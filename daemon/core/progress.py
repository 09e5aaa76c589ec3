"""Tells how many bytes have been read while files are compared with their hashes; a progress bar listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int], None]

_listener: ContextVar[Listener | None] = ContextVar("progress listener", default=None)


@contextmanager
def bytes_told_to(listener: Listener) -> Iterator[None]:
    """Call `listener` with the number of bytes of each piece that is read inside (a context manager)."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


def tell_bytes(count: int) -> None:
    """Tell that `count` more bytes were read; nothing happens if nobody listens."""
    if (listener := _listener.get()) is not None:
        listener(count)
