"""Records which slide lies in the scanner's gate, and what a failure did to it."""

from __future__ import annotations

from enum import IntEnum

from filmscand.drivers.base import Rgb
from filmscand.drivers.scanner.errors import Recovery, ScanCancelledError, ScannerError, SlideFate
from filmscand.drivers.scanner.recipes import FeederWay
from filmscand.drivers.scanner.same_slide import Fingerprint


class Started(IntEnum):
    """How far the first start of a frame got; this decides where its slide is after a failure."""

    NOT_YET = 0
    REQUESTED = 1
    SUCCEEDED = 2


class SlideGate:
    """Which slide lies in the gate of one scanner, as far as that is known.

    Attributes
    ----------
    uncertain : bool
        Whether the feeder may or may not have moved, because a start that should have fed a slide gave no answer.
    """

    def __init__(self) -> None:
        self.uncertain = False
        self._frame: int | None = None
        self._last: Fingerprint | None = None
        self._last_but_one: Fingerprint | None = None

    def must_feed(self, frame: int) -> bool:
        """Return whether the slide of this frame still has to be fed into the gate."""
        return self._frame != frame

    def record_scan(self, frame: int, rgb: Rgb) -> None:
        """Record that a frame was scanned completely."""
        self._frame, self.uncertain = frame, False
        self._last_but_one, self._last = self._last, Fingerprint.of(rgb)

    def shows_last_slide_again(self) -> bool:
        """Return whether the last two frames show the same slide."""
        if self._last_but_one is None or self._last is None:
            return False
        return self._last_but_one.same_slide(self._last)

    def resume(self, last: Rgb | None) -> None:
        """Record that an earlier run continues: the slide in the gate is unknown.

        Parameters
        ----------
        last : (rows, cols, 3) ndarray of uint16 or None
            Picture of the last frame of that run; None if there is none.
        """
        self._frame, self.uncertain = None, True
        self._last = None if last is None else Fingerprint.of(last)

    def record_repeated_slide(self) -> None:
        """Record that the frame just scanned shows the previous slide: the frame's own slide still has to be fed."""
        self._frame = None

    def record_failure(
        self, error: ScannerError, frame: int, way: FeederWay, started: Started, *, fed: bool
    ) -> SlideFate:
        """Record a failed scan and return where its slide is.

        Parameters
        ----------
        error : ScannerError
            What went wrong.
        frame : int
            Number of the frame, from 1.
        way : FeederWay
            How the scanner feeds slides.
        started : Started
            How far the first start of the frame got.
        fed : bool
            Whether that start should have fed a slide.
        """
        fate = _fate(error, way, started, fed=fed)
        if started is Started.SUCCEEDED and (fed or not self.uncertain):
            self._frame, self.uncertain = frame, False
        elif fate is SlideFate.UNCERTAIN and way is FeederWay.AUTOLOAD:
            self._frame, self.uncertain = None, True
        return fate

    def record_button(self, button: str) -> None:
        """Record a pressed button: after "load", the slide in the gate must be scanned before any is fed."""
        self._frame, self.uncertain = None, button == "load"


def _fate(error: ScannerError, way: FeederWay, started: Started, *, fed: bool) -> SlideFate:
    if way not in (FeederWay.AUTOLOAD, FeederWay.ADVANCE) or not fed or started is Started.NOT_YET:
        return SlideFate.IN_GATE
    if started is Started.SUCCEEDED:
        return SlideFate.PASSED if way is FeederWay.ADVANCE else SlideFate.IN_GATE
    unanswered = error.recovery is Recovery.REOPEN or isinstance(error, ScanCancelledError)
    return SlideFate.UNCERTAIN if unanswered else SlideFate.IN_GATE
