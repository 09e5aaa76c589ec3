"""Converts the status texts of libsane into errors that name what can be done."""

from __future__ import annotations

from filmscand.drivers.scanner.errors import ScannerError, ScannerGoneError, ScannerIoError
from filmscand.drivers.scanner.meanings import ERROR_OF
from filmscand.drivers.scanner.recipes import Recipe, Status

# Texts of sane_strstatus: python-sane reports only the text, never the code.
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
# What was done when a call failed, in words.
DONE_THEN = {
    "list": "while scanners were looked for",
    "open": "when the scanner was opened",
    "option": "when an option was set",
    "start": "when a scan was started",
    "parameters": "when the size of the scan was asked",
    "read": "while the scan was read",
}


def scanner_error(text: str, recipe: Recipe, call: str) -> ScannerError:
    """Return the error for a status text.

    Parameters
    ----------
    text : str
        Text of the status. A text that SANE does not have comes from a corrupt connection and is an I/O error.
    recipe : Recipe
        The scanner's recipe, which may give a status another meaning.
    call : str
        The call that failed: "open", "option", "start", "parameters", "read" or "list".

    Returns
    -------
    ScannerError
    """
    message = f"{text}, {DONE_THEN[call]}"
    status = STATUS_TEXTS.get(text)
    if status is None:
        return ScannerIoError(message)
    if status is Status.INVAL and call == "open":
        return ScannerGoneError(message)
    # No request can make a start or a read invalid, so the backend has lost its state.
    if status is Status.INVAL and call in ("start", "read"):
        return ScannerIoError(message)
    # Nor can a read be unsupported once its start was accepted: a cut connection to saned ends like that now and then.
    if status is Status.UNSUPPORTED and call == "read":
        return ScannerIoError(message)
    return ERROR_OF[recipe.meaning(status)](message)
