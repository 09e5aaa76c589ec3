"""Which process is which: numbers are used again, start times are not."""

from __future__ import annotations

import os
from pathlib import Path

from daemon.jobs import ProcessId

_BORN_FIELD = 19  # field 22 of proc_pid_stat(5), counted from the one after the command


def this_process() -> ProcessId:
    """Return the identity of the calling process."""
    identity = find_process(os.getpid())
    assert identity is not None
    return identity


def find_process(pid: int) -> ProcessId | None:
    """Return the identity of a living process; None where there is none, or only its remains wait to be collected."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command stands in brackets and may itself hold brackets and spaces.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else ProcessId(pid, int(fields[_BORN_FIELD]))


def is_alive(process: ProcessId) -> bool:
    """Tell whether exactly this process still runs."""
    return find_process(process.pid) == process
