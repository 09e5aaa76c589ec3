"""Shared memory in which a scanner's process reports its current call and its progress to its parent."""

from __future__ import annotations

import mmap
import os
from enum import IntEnum
from typing import Final

from filmscand.drivers.scanner.slide_gate import Started

_WORD_BYTES: Final = 8


class Phase(IntEnum):
    """The call into the driver's library that the scanner's process is in."""

    IDLE = 0
    OPEN = 1
    OPTION = 2
    START = 3
    PARAMETERS = 4
    READ = 5
    CLOSE = 6


class Slot(IntEnum):
    """Words of the shared memory.

    PHASE: current call. TICKS: counts every sign of progress. STARTED: how far the start of the frame got. PASS and
    PASSES: current pass over the slide, from 0, and their number. DONE_BYTES and TOTAL_BYTES: bytes of this pass.
    """

    PHASE = 0
    TICKS = 1
    STARTED = 2
    PASS = 3
    PASSES = 4
    DONE_BYTES = 5
    TOTAL_BYTES = 6


class Monitor:
    """The shared words. One process writes, another reads; only single words are consistent.

    Parameters
    ----------
    descriptor : int
        File descriptor of the shared memory.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, len(Slot) * _WORD_BYTES)
        self._slots = memoryview(self._memory).cast("q")

    @classmethod
    def create(cls) -> Monitor:
        """Create the memory. It has no name, so a crash leaves nothing behind."""
        descriptor = os.memfd_create("filmscand-monitor")
        os.truncate(descriptor, len(Slot) * _WORD_BYTES)
        return cls(descriptor)

    @property
    def descriptor(self) -> int:
        """File descriptor to pass to the other process."""
        return self._descriptor

    def __getitem__(self, slot: Slot) -> int:
        return self._slots[slot]

    def enter(self, phase: Phase) -> None:
        """Report that a call begins."""
        self._slots[Slot.PHASE] = phase
        self._slots[Slot.TICKS] += 1

    def begin_frame(self) -> None:
        """Reset the words of the previous frame."""
        for slot in (Slot.STARTED, Slot.PASS, Slot.DONE_BYTES, Slot.TOTAL_BYTES):
            self._slots[slot] = 0
        self._slots[Slot.PASSES] = 1

    def request_start(self) -> None:
        """Report that a start is about to be requested."""
        self._slots[Slot.STARTED] = max(self._slots[Slot.STARTED], Started.REQUESTED)
        self.enter(Phase.START)

    def start_succeeded(self) -> None:
        """Report that the start has succeeded: the slide is in the gate."""
        self._slots[Slot.STARTED] = Started.SUCCEEDED

    def expect_passes(self, passes: int) -> None:
        """Report how many times this frame will be read: once, or twice with a separate infrared frame."""
        self._slots[Slot.PASSES] = passes

    def begin_pass(self, number: int, total_bytes: int) -> None:
        """Report how many bytes the start of a pass has announced; `number` counts from 0."""
        self._slots[Slot.PASS] = number
        self._slots[Slot.DONE_BYTES] = 0
        self._slots[Slot.TOTAL_BYTES] = total_bytes

    def advance(self, done_bytes: int) -> None:
        """Report how many bytes of this pass have arrived."""
        self._slots[Slot.DONE_BYTES] = done_bytes
        self._slots[Slot.TICKS] += 1

    def fraction(self) -> float:
        """Return the share of the frame that has arrived, 0..1, over all passes."""
        total = self[Slot.TOTAL_BYTES]
        within = min(self[Slot.DONE_BYTES] / total, 1.0) if total else 0.0
        return min((self[Slot.PASS] + within) / max(self[Slot.PASSES], 1), 1.0)

    def close(self) -> None:
        """Release the memory; may be called repeatedly."""
        if self._descriptor >= 0:
            self._slots.release()
            self._memory.close()
            os.close(self._descriptor)
            self._descriptor = -1
