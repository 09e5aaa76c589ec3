"""The class of I/O of a thread, as the kernel knows it."""

from __future__ import annotations

import ctypes
import platform

import pytest

from filmscand.daemon.fixity import idle_io as module
from filmscand.daemon.fixity.idle_io import idle_io, why_not_idle

# ioprio_get follows ioprio_set in the kernel's tables.
GET = {"x86_64": 252, "aarch64": 31}.get(platform.machine())


def io_class():
    return ctypes.CDLL(None, use_errno=True).syscall(GET, 1, 0) >> 13


@pytest.mark.skipif(GET is None, reason="the number of ioprio_get is not known for this machine")
def test_what_is_read_in_the_block_is_in_the_idle_class():
    if why_not_idle() is not None:
        pytest.skip(why_not_idle())
    before = io_class()
    with idle_io():
        assert io_class() == 3
    assert io_class() == before


def test_a_machine_whose_system_calls_are_not_known_is_told_and_reads_all_the_same(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    assert why_not_idle() == "the number of the system call ioprio_set is not known for pdp11"
    with idle_io():
        pass


def test_what_the_kernel_refuses_is_told(monkeypatch):
    monkeypatch.setitem(module._CALLS, platform.machine(), 100_000)
    assert why_not_idle() == "the kernel refuses the idle class of I/O: Function not implemented"
