"""Slows down reading to a number of bytes per second."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """A speed limit: in any span of time no more is read than it allows, and one piece.

    Pauses are not saved up: after a long one, reading goes no faster.

    Parameters
    ----------
    bytes_per_s : float
        The limit.
    pause : callable
        Waits for a number of seconds, or raises if the reading is to end.
    clock_s : callable
        Returns seconds of a clock that nobody sets.
    """

    def __init__(
        self, bytes_per_s: float, pause: Callable[[float], object], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._bytes_per_s = bytes_per_s
        self._pause = pause
        self._clock_s = clock_s
        self._next_s = float("-inf")

    def spend(self, count: int) -> None:
        """Wait after reading `count` bytes, for as long as they take at this speed, less what the reading took."""
        now_s = self._clock_s()
        self._next_s = max(self._next_s + count / self._bytes_per_s, now_s)
        self._pause(self._next_s - now_s)
