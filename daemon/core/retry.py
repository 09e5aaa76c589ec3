"""How long to wait before something that failed is tried again."""

from __future__ import annotations

MAX_BACKOFF_S = 300.0


def backoff_s(retries: int, first_s: float = 1.0, cap_s: float = MAX_BACKOFF_S) -> float:
    """Return how long to wait before the next try: doubled each time, never longer than `cap_s`."""
    return min(cap_s, first_s * 2.0 ** min(retries, 30))
