"""The identity of a process: its number and its start time, because the system uses numbers again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

# Fields 3 and 22 of proc_pid_stat(5), counted from the one after the command.
_STATE_FIELD = 0
_BORN_FIELD = 19


class ProcessId(NamedTuple):
    """One process, distinct from a later process with the same number.

    Attributes
    ----------
    pid : int
        Number of the process.
    born : int
        Start of the process, clock ticks after boot.
    """

    pid: int
    born: int


def this_process() -> ProcessId:
    """Return the identity of the calling process."""
    identity = identify(os.getpid())
    assert identity is not None
    return identity


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a process, also of a zombie; None if no process has this number."""
    fields = _fields(pid)
    return None if fields is None else ProcessId(pid, int(fields[_BORN_FIELD]))


def is_alive(process: ProcessId) -> bool:
    """Return whether this process still runs; a zombie does not."""
    fields = _fields(process.pid)
    return fields is not None and int(fields[_BORN_FIELD]) == process.born and fields[_STATE_FIELD] not in "ZX"


def _fields(pid: int) -> list[str] | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name stands in brackets and may itself contain brackets and spaces.
    return status.rpartition(")")[2].split()
