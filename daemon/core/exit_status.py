"""What a command's exit status means."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses; scripts may rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PART_FAILED = 3
    SCANNER = 4
    INTEGRITY = 5

    @classmethod
    def of(cls, failed: int, tried: int) -> Exit:
        """Return the status of a command of whose `tried` frames so many failed."""
        if not failed:
            return cls.DONE
        return cls.FAILED if failed == tried else cls.PART_FAILED
