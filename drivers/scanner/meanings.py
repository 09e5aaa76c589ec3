"""What a status of SANE, or the exit code of a program, means for the operator."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    MagazineEmptyError,
    ScanCancelledError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)


class Meaning(StrEnum):
    """What a status or an exit code means for the operator."""

    WAIT = "wait"
    END_OF_MAGAZINE = "end_of_magazine"
    JAMMED = "jammed"
    COVER_OPEN = "cover_open"
    ACCESS = "access"
    GONE = "gone"
    REOPEN = "reopen"
    CANCELLED = "cancelled"
    SETUP = "setup"


ERROR_OF: Final[dict[Meaning, type[ScannerError]]] = {
    Meaning.WAIT: ScannerBusyError,
    Meaning.END_OF_MAGAZINE: MagazineEmptyError,
    Meaning.JAMMED: ScannerJammedError,
    Meaning.COVER_OPEN: CoverOpenError,
    Meaning.ACCESS: ScannerAccessError,
    Meaning.GONE: ScannerGoneError,
    Meaning.REOPEN: ScannerIoError,
    Meaning.CANCELLED: ScanCancelledError,
    Meaning.SETUP: ScannerSetupError,
}
