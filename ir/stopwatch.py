"""Wall time of the engine's steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class StopWatch:
    """A stopwatch that adds up the time of each step.

    Attributes
    ----------
    seconds : dict of str to float
        Wall time of each step that has run, seconds.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, step: str, work: Callable[[], Result]) -> Result:
        """Run a step and add its wall time to that of earlier runs of the same step.

        Parameters
        ----------
        step : str
            Name of the step, the key in `seconds`.
        work : callable
            The step; it takes no argument.

        Returns
        -------
        Result
            What `work` returns.
        """
        start = time.perf_counter()
        result = work()
        self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start
        return result
