"""Which process is which: numbers are used again, start times are not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

# Fields 3 and 22 of proc_pid_stat(5), counted from the one after the command.
_STATE_FIELD = 0
_BORN_FIELD = 19


class ProcessId(NamedTuple):
    """One process, told apart from a later one that was given the same number.

    Attributes
    ----------
    pid : int
        Its number.
    born : int
        Clock ticks between the boot and its start.
    """

    pid: int
    born: int


def this_process() -> ProcessId:
    """Return the identity of the calling process."""
    identity = identify(os.getpid())
    assert identity is not None
    return identity


def identify(pid: int) -> ProcessId | None:
    """Return the identity of a process, also of one that is dead but not yet collected; None where there is none."""
    fields = _fields(pid)
    return None if fields is None else ProcessId(pid, int(fields[_BORN_FIELD]))


def is_alive(process: ProcessId) -> bool:
    """Tell whether exactly this process still runs."""
    fields = _fields(process.pid)
    return fields is not None and int(fields[_BORN_FIELD]) == process.born and fields[_STATE_FIELD] not in "ZX"


def _fields(pid: int) -> list[str] | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command stands in brackets and may itself hold brackets and spaces.
    return status.rpartition(")")[2].split()
