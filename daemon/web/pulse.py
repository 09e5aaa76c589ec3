"""The pulse of the supervisor: what it tells in each of its rounds, for those who ask whether the service gets on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

# Half of the unit's WatchdogSec: who asks here hears of a stall before systemd restarts the service.
STALLED_S: Final = 30.0


class Pulse:
    """Notes each round of the supervisor; safe to read from any thread.

    Parameters
    ----------
    clock_s : callable
        Returns seconds of a clock that nobody sets.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        # One reference, so that a reader never sees the time of one round with the problem of another.
        self._last: tuple[float, str | None] = (clock_s(), None)

    def beat(self, worker_problem: str | None) -> None:
        """Note a round in which the database answered; `worker_problem` says why no worker can be started."""
        self._last = (self._clock_s(), worker_problem)

    def problem(self) -> str | None:
        """Return why the service cannot make progress, None if it can."""
        at_s, worker_problem = self._last
        silent_s = self._clock_s() - at_s
        if silent_s > STALLED_S:
            return f"the supervisor has not finished a round for {silent_s:.0f} s; restart the service"
        return worker_problem
