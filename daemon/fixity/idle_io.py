"""Reads behind all other work: the disk serves a thread of the idle class only when nobody else asks.

The kernel honours the class where the disk's scheduler knows classes (bfq, mq-deadline), and for local disks only.
Python has no call for it, nor has the C library: see ioprio_set(2).

Only reading is put behind. A thread that writes to the database holds its lock, for which everybody else waits; and one
with a lower priority for the processor would keep Python's own lock for longer.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

# Numbers of the call ioprio_set by machine, from the kernel's tables of system calls.
_CALLS: Final[Mapping[str, int]] = {
    "x86_64": 251,
    "aarch64": 30,
    "riscv64": 30,
    "loongarch64": 30,
    "armv7l": 314,
    "armv6l": 314,
    "i686": 289,
    "ppc64le": 273,
    "s390x": 282,
}
# linux/ioprio.h: one process or thread, 0 for the calling one; the classes, of which these have no levels.
_WHO_PROCESS: Final = 1
_CLASS_SHIFT: Final = 13
_CLASS_NONE: Final = 0
_CLASS_IDLE: Final = 3


@contextmanager
def idle_io() -> Iterator[None]:
    """Put what the calling thread reads in the block behind all others, where the kernel can."""
    _choose(_CLASS_IDLE)
    try:
        yield
    finally:
        _choose(_CLASS_NONE)


def why_not_idle() -> str | None:
    """Return why `idle_io` has no effect for the calling thread; None if the kernel takes it."""
    refused = _choose(_CLASS_IDLE)
    return refused or _choose(_CLASS_NONE)


def _choose(io_class: int) -> str | None:
    """Choose the class of the calling thread; return why the kernel refuses, None if it does not."""
    call = _CALLS.get(_machine())
    if call is None:
        return f"the number of the system call ioprio_set is not known for {platform.machine()}"
    if ctypes.CDLL(None, use_errno=True).syscall(call, _WHO_PROCESS, 0, io_class << _CLASS_SHIFT) != 0:
        return f"the kernel refuses the idle class of I/O: {os.strerror(ctypes.get_errno())}"
    return None


def _machine() -> str:
    # A program of 32 bits under a kernel of 64 has the calls of 32 bits.
    machine = platform.machine()
    is_64 = sys.maxsize > 2**32
    return machine if is_64 else {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
