"""Errors of a scanner, grouped by what the caller can do about them.

DriverError
└── ScannerError                 .recovery  .advice  .slide
    ├── ScannerBusyError         WAIT     warming up, or another program holds it
    ├── ScannerIoError           REOPEN   the connection or the scanner failed; opening it again may help
    │   ├── ShortFrameError               fewer bytes came than the scanner announced
    │   ├── ScannerStalledError           no data in time; the scan was cancelled
    │   ├── ScannerHungError              no data in time and no answer to a cancel; its process was killed
    │   ├── ScannerCrashedError           libsane crashed, and the scanner's process with it
    │   └── ScannerGoneError              the device is not connected
    ├── AttentionError           HUMAN    a person has to act first; retrying may do harm
    │   ├── ScannerJammedError
    │   ├── CoverOpenError
    │   ├── FilmNotReadyError             film, holder or adapter is missing, or not put in rightly
    │   └── ScannerAccessError            this user has no permission to use the device
    ├── MagazineEmptyError       FINISH   no slide is left
    ├── ScanCancelledError       FINISH   somebody cancelled the scan
    └── ScannerSetupError        FIX      change the request, the recipe or the installation
        └── LibsaneMissingError           libsane or python-sane is not installed
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from filmscand.drivers.base import DriverError
from filmscand.drivers.scanner.python_sane import how_to_install_here


class Recovery(StrEnum):
    """What the caller can do about an error."""

    WAIT = "wait"
    REOPEN = "reopen"
    HUMAN = "human"
    FINISH = "finish"
    FIX = "fix"


class SlideFate(StrEnum):
    """Where the slide of the failed scan is now.

    IN_GATE: the same frame can be scanned again. PASSED: the scanner has moved on; the frame is lost in this pass
    through the magazine. UNCERTAIN: the scanner may or may not have moved; compare the next picture with the last.
    """

    IN_GATE = "in_gate"
    PASSED = "passed"
    UNCERTAIN = "uncertain"


class ScannerError(DriverError):
    """Base class of all errors of a scanner.

    Attributes
    ----------
    recovery : Recovery
        What the caller can do.
    advice : str
        What a person should do, as one sentence; empty if there is nothing to do.
    slide : SlideFate
        Where the slide of the failed scan is now.
    """

    recovery: ClassVar[Recovery] = Recovery.REOPEN
    default_advice: ClassVar[str] = ""

    def __init__(self, message: str, *, advice: str | None = None, slide: SlideFate = SlideFate.IN_GATE) -> None:
        super().__init__(message)
        self.advice = self.default_advice if advice is None else advice
        self.slide = slide


class ScannerBusyError(ScannerError):
    """The scanner is warming up, or another program uses it; waiting may help."""

    recovery = Recovery.WAIT


class ScannerIoError(ScannerError):
    """The connection or the scanner failed; closing, opening and trying again may help."""

    default_advice = "Check the cable and the power of the scanner if this happens again."


class ShortFrameError(ScannerIoError):
    """Fewer bytes came than the scanner announced; the incomplete picture is discarded."""


class ScannerStalledError(ScannerIoError):
    """No data came within the budget of the call; the scan was cancelled cleanly."""


class ScannerHungError(ScannerIoError):
    """No data came within the budget and a cancel had no effect; the scanner's process was killed."""

    default_advice = "Turn the scanner off and on again if it does not answer."


class ScannerCrashedError(ScannerIoError):
    """libsane crashed; only the scanner's own process is lost."""


class ScannerGoneError(ScannerIoError):
    """The device does not exist, or is no longer connected."""

    default_advice = "Check that the scanner is switched on and connected."


class AttentionError(ScannerError):
    """A person has to act first; retrying before that may do harm."""

    recovery = Recovery.HUMAN


class ScannerJammedError(AttentionError):
    """A slide or film is stuck."""

    default_advice = "Free the slide that is stuck in the feeder, then continue."


class CoverOpenError(AttentionError):
    """The scanner's cover is open."""

    default_advice = "Close the scanner's cover, then continue."


class FilmNotReadyError(AttentionError):
    """Film, holder or adapter is missing, or not put in as the scanner needs it."""

    default_advice = "Put the film in as the scanner needs it, then continue."


class ScannerAccessError(AttentionError):
    """This user has no permission to use the device."""

    default_advice = (
        "Add the service's user to the group 'scanner' and install the udev rule, then plug the scanner in again."
    )


class MagazineEmptyError(ScannerError):
    """No slide is left: the end of a magazine or strip."""

    recovery = Recovery.FINISH


class ScanCancelledError(ScannerError):
    """The scan was stopped because somebody cancelled it."""

    recovery = Recovery.FINISH


class ScannerSetupError(ScannerError):
    """The request, the recipe or the installation does not fit; retrying changes nothing."""

    recovery = Recovery.FIX


class LibsaneMissingError(ScannerSetupError):
    """libsane or python-sane is not installed."""

    default_advice = f"Install it: {how_to_install_here()}"


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
        FilmNotReadyError,
        ScannerAccessError,
        MagazineEmptyError,
        ScanCancelledError,
        ScannerSetupError,
        LibsaneMissingError,
    )
}
