"""Faults that a virtual scanner plays on demand: what happens, when, at which slide, and how often."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from filmscand.drivers.virtual.wire import Status


class FaultKind(StrEnum):
    """What goes wrong."""

    JAMMED = "jammed"
    EMPTY = "empty"
    COVER_OPEN = "cover_open"
    IO_ERROR = "io_error"
    BUSY = "busy"
    EARLY_END = "early_end"
    STALL = "stall"
    CLOSE_DATA = "close_data"
    CLOSE_ALL = "close_all"
    RESET = "reset"
    GARBAGE = "garbage"


class Moment(StrEnum):
    """During which call of the client it goes wrong."""

    OPEN = "open"
    OPTION = "option"
    PARAMETERS = "parameters"
    START = "start"
    READ = "read"


class Plane(StrEnum):
    """Which pass it spoils; a scanner that gives infrared along with the picture has only a picture pass."""

    PICTURE = "picture"
    INFRARED = "infrared"


STATUS_OF = {
    FaultKind.JAMMED: Status.JAMMED,
    FaultKind.EMPTY: Status.NO_DOCS,
    FaultKind.COVER_OPEN: Status.COVER_OPEN,
    FaultKind.IO_ERROR: Status.IO_ERROR,
    FaultKind.BUSY: Status.DEVICE_BUSY,
}
_ONLY_READING = {FaultKind.EARLY_END, FaultKind.CLOSE_DATA, FaultKind.RESET}
_TEXT = re.compile(
    r"(?P<kind>[a-z_]+)(@(?P<moment>[a-z]+))?(:(?P<slide>\d+))?(/(?P<fraction>[0-9.]+))?"
    r"(\+(?P<plane>[a-z]+))?(x(?P<times>\d+|all))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    kind : FaultKind
        What goes wrong.
    moment : Moment
        In which call.
    slide : int
        Number of the slide, from 1, that is in the gate or about to be.
    fraction : float
        For `Moment.READ`: the part of the frame's bytes that still arrives, 0..1.
    plane : Plane
        For start and read: the pass that is spoilt.
    times : int or None
        How often it happens; None: until somebody clears it.
    """

    kind: FaultKind
    moment: Moment = Moment.READ
    slide: int = 1
    fraction: float = 0.5
    plane: Plane = Plane.PICTURE
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.kind in _ONLY_READING and self.moment is not Moment.READ:
            raise ValueError(f"{self.kind} can only happen while reading, not at {self.moment}")
        if self.moment in (Moment.OPTION, Moment.PARAMETERS) and self.kind in (FaultKind.EMPTY, FaultKind.JAMMED):
            raise ValueError(f"{self.kind} is a matter of start and read, not of {self.moment}")
        if not 0.0 <= self.fraction <= 1.0:
            raise ValueError(f"fraction is a part of the frame, 0 to 1, not {self.fraction}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault from ``kind[@moment][:slide][/fraction][+plane][xTIMES|xall]``, such as ``jammed@start:3``.

        Raises
        ------
        ValueError
            If the text is not of this form.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f"a fault reads kind@moment:slide/fraction+plane, such as io_error@read:3/0.5; not {text!r}"
            )
        parts = found.groupdict()
        times = parts["times"] or "1"
        return cls(
            kind=FaultKind(parts["kind"]),
            moment=Moment(parts["moment"] or "read"),
            slide=int(parts["slide"] or 1),
            fraction=float(parts["fraction"] or 0.5),
            plane=Plane(parts["plane"] or "picture"),
            times=None if times == "all" else int(times),
        )


class FaultBook:
    """The faults still to come; safe to ask from any thread."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int | None]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Let one more fault come."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Take all faults away, as a person does who opens the scanner and frees it."""
        with self._lock:
            self._left.clear()

    def take(self, moment: Moment, slide: int, plane: Plane = Plane.PICTURE) -> Fault | None:
        """Give the fault that is due now, and count it as happened."""
        with self._lock:
            for index, (fault, times) in enumerate(self._left):
                if (fault.moment, fault.slide, fault.plane) != (moment, slide, plane):
                    continue
                if times is not None:
                    self._left[index] = (fault, times - 1)
                    if times == 1:
                        del self._left[index]
                return fault
        return None
