"""Faults that a virtual scanner simulates on request: what goes wrong, when, at which slide, and how often."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from filmscand.drivers.virtual.wire import Status


class FaultKind(StrEnum):
    """What goes wrong.

    DRIP: from then on, a row now and then.
    JAMMED, EMPTY, COVER_OPEN, IO_ERROR, BUSY: the scanner answers with this status. EARLY_END: the frame ends too soon.
    STALL: no further answer. CLOSE_DATA, RESET: the data connection is closed or reset. CLOSE_ALL: both connections
    are closed. GARBAGE: random bytes instead of an answer.
    """

    JAMMED = "jammed"
    EMPTY = "empty"
    COVER_OPEN = "cover_open"
    IO_ERROR = "io_error"
    BUSY = "busy"
    EARLY_END = "early_end"
    STALL = "stall"
    DRIP = "drip"
    CLOSE_DATA = "close_data"
    CLOSE_ALL = "close_all"
    RESET = "reset"
    GARBAGE = "garbage"


class Moment(StrEnum):
    """The call of the client in which the fault happens."""

    OPEN = "open"
    OPTION = "option"
    PARAMETERS = "parameters"
    START = "start"
    READ = "read"


class Plane(StrEnum):
    """The pass in which the fault happens; a scanner that reads infrared with the picture has only a picture pass."""

    PICTURE = "picture"
    INFRARED = "infrared"


STATUS_OF = {
    FaultKind.JAMMED: Status.JAMMED,
    FaultKind.EMPTY: Status.NO_DOCS,
    FaultKind.COVER_OPEN: Status.COVER_OPEN,
    FaultKind.IO_ERROR: Status.IO_ERROR,
    FaultKind.BUSY: Status.DEVICE_BUSY,
}
_Word = TypeVar("_Word", bound=StrEnum)
_ONLY_READING = {FaultKind.EARLY_END, FaultKind.CLOSE_DATA, FaultKind.RESET, FaultKind.DRIP}
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
        The call in which it happens.
    slide : int
        Number of the slide in the gate, or about to enter it, from 1.
    fraction : float
        For `Moment.READ`: share of the frame's bytes that still arrives, 0..1.
    plane : Plane
        For `Moment.START` and `Moment.READ`: the pass in which it happens.
    times : int or None
        How many times it happens, >= 1; None repeats it until somebody clears it.

    Raises
    ------
    ValueError
        If the kind cannot happen at this moment, or the fraction is out of range.
    """

    kind: FaultKind
    moment: Moment = Moment.READ
    slide: int = 1
    fraction: float = 0.5
    plane: Plane = Plane.PICTURE
    times: int | None = 1

    def __post_init__(self) -> None:
        if self.kind in _ONLY_READING and self.moment is not Moment.READ:
            raise ValueError(f"fault {self.kind}: expected the moment read, found {self.moment}")
        if self.moment in (Moment.OPTION, Moment.PARAMETERS) and self.kind in (FaultKind.EMPTY, FaultKind.JAMMED):
            raise ValueError(f"fault {self.kind}: expected the moment open, start or read, found {self.moment}")
        if not 0.0 <= self.fraction <= 1.0:
            raise ValueError(f"fault {self.kind}: expected a fraction of the frame from 0 to 1, found {self.fraction}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Parse a fault from ``kind[@moment][:slide][/fraction][+plane][xTIMES|xall]``, such as ``jammed@start:3``.

        Raises
        ------
        ValueError
            If the text does not have this form, or the fault is impossible.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            form = "kind@moment:slide/fraction+plane, such as io_error@read:3/0.5"
            raise ValueError(f"fault: expected {form}, found {text!r}")
        parts = found.groupdict()
        times = parts["times"] or "1"
        return cls(
            kind=_one_of(FaultKind, parts["kind"], "a kind of fault"),
            moment=_one_of(Moment, parts["moment"] or "read", "a moment"),
            slide=int(parts["slide"] or 1),
            fraction=float(parts["fraction"] or 0.5),
            plane=_one_of(Plane, parts["plane"] or "picture", "a plane"),
            times=None if times == "all" else int(times),
        )


def _one_of(words: type[_Word], found: str, meaning: str) -> _Word:
    if found not in list(words):
        raise ValueError(f"expected {meaning} of {', '.join(words)}; found {found!r}")
    return words(found)


class FaultBook:
    """The faults still to come; any thread may use it."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._pending: list[tuple[Fault, int | None]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._pending.append((fault, fault.times))

    def clear(self) -> None:
        """Remove all faults, as a person does who opens the scanner and frees it."""
        with self._lock:
            self._pending.clear()

    def take(self, moment: Moment, slide: int, plane: Plane = Plane.PICTURE) -> Fault | None:
        """Return the fault that is due now and count it as happened; None if there is none."""
        with self._lock:
            for index, (fault, times) in enumerate(self._pending):
                if (fault.moment, fault.slide, fault.plane) != (moment, slide, plane):
                    continue
                if times is not None:
                    self._pending[index] = (fault, times - 1)
                    if times == 1:
                        del self._pending[index]
                return fault
        return None
