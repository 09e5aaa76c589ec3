"""Shared memory in which a scanner's process says what it is at, and its parent sees whether it moves."""

from __future__ import annotations

import mmap
import os
from enum import IntEnum
from typing import Final

from filmscand.drivers.scanner.slide_gate import Started

_WORD_BYTES: Final = 8


class Phase(IntEnum):
    """What the scanner's process is at."""

    IDLE = 0
    OPEN = 1
    OPTION = 2
    START = 3
    PARAMETERS = 4
    READ = 5
    CLOSE = 6


class Slot(IntEnum):
    """Places in the shared memory."""

    PHASE = 0
    TICKS = 1
    STARTED = 2
    PASS = 3
    PASSES = 4
    DONE_BYTES = 5
    TOTAL_BYTES = 6


class Monitor:
    """The shared words; written by one process, read by another, each word by itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, len(Slot) * _WORD_BYTES)
        self._slots = memoryview(self._memory).cast("q")

    @classmethod
    def create(cls) -> Monitor:
        """Make the memory; it has no name, so nothing of it can be left behind."""
        descriptor = os.memfd_create("filmscand-monitor")
        os.truncate(descriptor, len(Slot) * _WORD_BYTES)
        return cls(descriptor)

    @property
    def descriptor(self) -> int:
        """File descriptor to hand to the other process."""
        return self._descriptor

    def __getitem__(self, slot: Slot) -> int:
        return self._slots[slot]

    def enter(self, phase: Phase) -> None:
        """Say that a new call begins."""
        self._slots[Slot.PHASE] = phase
        self._slots[Slot.TICKS] += 1

    def begin_frame(self) -> None:
        """Forget the frame before."""
        for slot in (Slot.STARTED, Slot.PASS, Slot.DONE_BYTES, Slot.TOTAL_BYTES):
            self._slots[slot] = 0
        self._slots[Slot.PASSES] = 1

    def ask_start(self) -> None:
        """Say that a start is about to be asked for."""
        self._slots[Slot.STARTED] = max(self._slots[Slot.STARTED], Started.ASKED)
        self.enter(Phase.START)

    def start_succeeded(self) -> None:
        """Say that the slide has been taken in."""
        self._slots[Slot.STARTED] = Started.SUCCEEDED

    def expect_passes(self, passes: int) -> None:
        """Say how many times the carriage or the memory will be read for this frame."""
        self._slots[Slot.PASSES] = passes

    def begin_pass(self, number: int, total_bytes: int) -> None:
        """Say how much the start has announced; `number` counts from 0."""
        self._slots[Slot.PASS] = number
        self._slots[Slot.DONE_BYTES] = 0
        self._slots[Slot.TOTAL_BYTES] = total_bytes

    def advance(self, done_bytes: int) -> None:
        """Say how many bytes have come."""
        self._slots[Slot.DONE_BYTES] = done_bytes
        self._slots[Slot.TICKS] += 1

    def fraction(self) -> float:
        """Give the part of the frame that has come, 0..1."""
        total = self[Slot.TOTAL_BYTES]
        within = min(self[Slot.DONE_BYTES] / total, 1.0) if total else 0.0
        return min((self[Slot.PASS] + within) / max(self[Slot.PASSES], 1), 1.0)

    def close(self) -> None:
        """Let go of the memory."""
        if self._descriptor >= 0:
            self._slots.release()
            self._memory.close()
            os.close(self._descriptor)
            self._descriptor = -1
