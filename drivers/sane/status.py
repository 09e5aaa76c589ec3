"""From the words of libsane to errors that say what can be done."""

from __future__ import annotations

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
from filmscand.drivers.scanner.recipes import Meaning, Recipe, Status

# python-sane gives only the text of sane_strstatus, never the code.
STATUS_TEXTS = {
    "Operation not supported": Status.UNSUPPORTED,
    "Operation was canceled": Status.CANCELLED,
    "Operation was cancelled": Status.CANCELLED,
    "Device busy": Status.DEVICE_BUSY,
    "Invalid argument": Status.INVAL,
    "End of file reached": Status.EOF,
    "Document feeder jammed": Status.JAMMED,
    "Document feeder out of documents": Status.NO_DOCS,
    "Scanner cover is open": Status.COVER_OPEN,
    "Error during device I/O": Status.IO_ERROR,
    "Out of memory": Status.NO_MEM,
    "Access to resource has been denied": Status.ACCESS_DENIED,
}
ERROR_OF = {
    Meaning.WAIT: ScannerBusyError,
    Meaning.END_OF_MAGAZINE: MagazineEmptyError,
    Meaning.JAMMED: ScannerJammedError,
    Meaning.COVER_OPEN: CoverOpenError,
    Meaning.ACCESS: ScannerAccessError,
    Meaning.REOPEN: ScannerIoError,
    Meaning.CANCELLED: ScanCancelledError,
    Meaning.SETUP: ScannerSetupError,
}


def scanner_error(text: str, recipe: Recipe, call: str) -> ScannerError:
    """Make the error that a status text stands for, in the call in which it came.

    A status that SANE does not have is rubbish on the line, and so an input/output error.
    """
    message = f"{call}: {text}"
    status = STATUS_TEXTS.get(text)
    if status is None:
        return ScannerIoError(message)
    if status is Status.INVAL and call == "open":
        return ScannerGoneError(message)
    # Nothing in a request can make a start or a read invalid: the backend has lost its state.
    if status is Status.INVAL and call in ("start", "read"):
        return ScannerIoError(message)
    return ERROR_OF[recipe.meaning(status)](message)
