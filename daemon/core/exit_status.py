"""The exit status of a command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit statuses; scripts rely on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PART_FAILED = 3
    SCANNER = 4
    INTEGRITY = 5
    # What shells give to a program that Ctrl-C ended: 128 and the number of SIGINT.
    STOPPED = 130

    @classmethod
    def of(cls, failed: int, tried: int) -> Exit:
        """Return DONE if none of `tried` frames failed, FAILED if all of them did, else PART_FAILED."""
        if not failed:
            return cls.DONE
        return cls.FAILED if failed == tried else cls.PART_FAILED
