"""What can go wrong with a scanner, named by what the caller can do about it.

DriverError
└── ScannerError                 .recovery  .advice  .slide
    ├── ScannerBusyError         WAIT     warming up, or another program holds it
    ├── ScannerIoError           REOPEN   the line or the scanner failed; a fresh start may do
    │   ├── ShortFrameError               fewer bytes came than announced
    │   ├── ScannerStalledError           nothing came in its time; it could be cancelled
    │   ├── ScannerHungError              nothing came and nothing helped: its process was killed
    │   ├── ScannerCrashedError           libsane crashed, and its process with it
    │   └── ScannerGoneError              no such device any more
    ├── AttentionError           HUMAN    a hand is needed; trying again does harm
    │   ├── ScannerJammedError
    │   ├── CoverOpenError
    │   └── ScannerAccessError            the system does not let us have the device
    ├── MagazineEmptyError       FINISH   no further slide
    ├── ScanCancelledError       FINISH   we were asked to stop
    └── ScannerSetupError        FIX      the request, the recipe or the machine has to be changed
        └── LibsaneMissingError           libsane or python-sane is not installed
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from filmscand.drivers.base import DriverError


class Recovery(StrEnum):
    """What the caller can do."""

    WAIT = "wait"
    REOPEN = "reopen"
    HUMAN = "human"
    FINISH = "finish"
    FIX = "fix"


class SlideFate(StrEnum):
    """Where the slide is whose scan failed.

    IN_GATE: the same frame may be asked for again. PASSED: the scanner has moved on, the frame is lost to this pass
    through the magazine. UNCERTAIN: the scanner may or may not have moved; compare the next picture with the last.
    """

    IN_GATE = "in_gate"
    PASSED = "passed"
    UNCERTAIN = "uncertain"


class ScannerError(DriverError):
    """Anything the scanner did wrong.

    Attributes
    ----------
    recovery : Recovery
        What the caller can do.
    advice : str
        What a person should do, in a sentence; empty where nothing is needed.
    slide : SlideFate
        Where the slide is.
    """

    recovery: ClassVar[Recovery] = Recovery.REOPEN
    default_advice: ClassVar[str] = ""

    def __init__(self, message: str, *, advice: str | None = None, slide: SlideFate = SlideFate.IN_GATE) -> None:
        super().__init__(message)
        self.advice = self.default_advice if advice is None else advice
        self.slide = slide


class ScannerBusyError(ScannerError):
    """It is warming up, or another program holds it; waiting may help."""

    recovery = Recovery.WAIT


class ScannerIoError(ScannerError):
    """The line or the scanner failed; closing, opening and trying again may help."""

    default_advice = "Check the cable and the power of the scanner if it happens again."


class ShortFrameError(ScannerIoError):
    """Fewer bytes came than were announced: never taken for a picture."""


class ScannerStalledError(ScannerIoError):
    """Nothing came in its time; the scan could be cancelled in good order."""


class ScannerHungError(ScannerIoError):
    """Nothing came in its time and a cancel went unheard; the process that held the scanner was killed."""

    default_advice = "Turn the scanner off and on again if it does not answer."


class ScannerCrashedError(ScannerIoError):
    """libsane crashed; only the process that held the scanner is lost."""


class ScannerGoneError(ScannerIoError):
    """There is no such device, or no longer."""

    default_advice = "Check that the scanner is switched on and connected."


class AttentionError(ScannerError):
    """A hand is needed; trying again without one may do harm."""

    recovery = Recovery.HUMAN


class ScannerJammedError(AttentionError):
    """A slide or film is stuck."""

    default_advice = "Free the slide that is stuck in the feeder, then go on."


class CoverOpenError(AttentionError):
    """The scanner's cover is open."""

    default_advice = "Close the scanner's cover, then go on."


class ScannerAccessError(AttentionError):
    """The system does not let this user have the device."""

    default_advice = (
        "Give the service's user the group 'scanner' and install the udev rule, then plug the scanner in again."
    )


class MagazineEmptyError(ScannerError):
    """There is no further slide: the end of a magazine or strip."""

    recovery = Recovery.FINISH


class ScanCancelledError(ScannerError):
    """The scan was given up because somebody asked for it."""

    recovery = Recovery.FINISH


class ScannerSetupError(ScannerError):
    """The request, the recipe or the machine's set-up does not fit; trying again changes nothing."""

    recovery = Recovery.FIX


class LibsaneMissingError(ScannerSetupError):
    """libsane or python-sane is not installed."""

    default_advice = "apt install libsane-dev, then pip install 'filmscand[scanner]'; sane-utils for load and eject."


ERROR_TYPES: dict[str, type[ScannerError]] = {
    kind.__name__: kind
    for kind in (
        ScannerError,
        ScannerBusyError,
        ScannerIoError,
        ShortFrameError,
        ScannerStalledError,
        ScannerHungError,
        ScannerCrashedError,
        ScannerGoneError,
        ScannerJammedError,
        CoverOpenError,
        ScannerAccessError,
        MagazineEmptyError,
        ScanCancelledError,
        ScannerSetupError,
        LibsaneMissingError,
    )
}
