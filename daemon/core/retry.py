"""The pause before something that failed is tried again."""

from __future__ import annotations

MAX_BACKOFF_S = 300.0


def backoff_s(retries: int, first_s: float = 1.0, cap_s: float = MAX_BACKOFF_S) -> float:
    """Return the pause before the next try, seconds: min(`cap_s`, `first_s` * 2 ** `retries`).

    Parameters
    ----------
    retries : int
        Number of tries so far that failed again, from 0.
    first_s, cap_s : float
        First and longest pause, seconds.
    """
    return min(cap_s, first_s * 2.0 ** min(retries, 30))
