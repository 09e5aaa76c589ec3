"""Keeps account of which slide lies in the scanner's gate, and what a failure did to it."""

from __future__ import annotations

from enum import IntEnum

from filmscand.drivers.base import Rgb
from filmscand.drivers.scanner.errors import Recovery, ScanCancelledError, ScannerError, SlideFate
from filmscand.drivers.scanner.recipes import FeederWay
from filmscand.drivers.scanner.same_slide import Fingerprint


class Started(IntEnum):
    """How far the first start of a frame has come: what decides where its slide is."""

    NOT_YET = 0
    ASKED = 1
    SUCCEEDED = 2


class SlideGate:
    """What is known of the gate of one scanner.

    `uncertain` says that the feeder may have moved or not: it went silent in a start that should have fed a slide.
    """

    def __init__(self) -> None:
        self.uncertain = False
        self._frame: int | None = None
        self._last: Fingerprint | None = None
        self._before: Fingerprint | None = None

    def must_feed(self, frame: int) -> bool:
        """Tell whether the slide of this frame has yet to come into the gate."""
        return self._frame != frame

    def scanned(self, frame: int, rgb: Rgb) -> None:
        """Take note that a frame has come whole."""
        self._frame, self.uncertain = frame, False
        self._before, self._last = self._last, Fingerprint.of(rgb)

    def shows_last_slide_again(self) -> bool:
        """Tell whether the last two frames show the same slide."""
        return self._before is not None and self._last is not None and self._before.same_slide(self._last)

    def resume(self, last: Rgb | None) -> None:
        """Take note that a run goes on whose last frame was `last`: nobody knows what lies in the gate."""
        self._frame, self.uncertain = None, True
        self._last = None if last is None else Fingerprint.of(last)

    def holds_last_slide_still(self) -> None:
        """Take note that the frame just scanned was the one before over again: its own slide has yet to be fed."""
        self._frame = None

    def failed(self, error: ScannerError, frame: int, way: FeederWay, started: Started, *, fed: bool) -> SlideFate:
        """Take note of a failure, and say where the slide is."""
        fate = _fate(error, way, started, fed=fed)
        if started is Started.SUCCEEDED:
            self._frame, self.uncertain = frame, False
        elif fate is SlideFate.UNCERTAIN and way is FeederWay.AUTOLOAD:
            self._frame, self.uncertain = None, True
        return fate

    def pressed(self, button: str) -> None:
        """Take note of a button: a slide that somebody has loaded must not be passed over."""
        self._frame, self.uncertain = None, button == "load"


def _fate(error: ScannerError, way: FeederWay, started: Started, *, fed: bool) -> SlideFate:
    if way not in (FeederWay.AUTOLOAD, FeederWay.ADVANCE) or not fed or started is Started.NOT_YET:
        return SlideFate.IN_GATE
    if started is Started.SUCCEEDED:
        return SlideFate.PASSED if way is FeederWay.ADVANCE else SlideFate.IN_GATE
    silent = error.recovery is Recovery.REOPEN or isinstance(error, ScanCancelledError)
    return SlideFate.UNCERTAIN if silent else SlideFate.IN_GATE
