"""The package nkscan: whether it is there, and what its errors mean for the operator."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from filmscand.drivers.scanner.errors import (
    FilmNotReadyError,
    ScanCancelledError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerError,
    ScannerGoneError,
    ScannerIoError,
    ScannerJammedError,
    ScannerSetupError,
)

PREFIX: Final = "nkscan:"
# What the package needs: its wheels are built for it.
_OLDEST_PYTHON: Final = (3, 13)
# Errors by the name of their class in nkscan, the most special first.
_ERRORS: Final[dict[str, type[ScannerError]]] = {
    "DeviceBusy": ScannerBusyError,
    "TransportError": ScannerIoError,
    "TransientError": ScannerIoError,
    "DeviceNotFound": ScannerGoneError,
    "MediaError": FilmNotReadyError,
    "UnsupportedError": ScannerSetupError,
    "ScanCancelled": ScanCancelledError,
    "ScannerError": ScannerIoError,
}
# Texts in messages of nkscan that say more than the class of the error does: a mechanism that is stuck, and a device
# file that this user may not open.
_STUCK: Final = "mechanical error"
_FORBIDDEN: Final = "Permission denied"


def is_installed() -> bool:
    """Return whether the package nkscan can be imported."""
    return importlib.util.find_spec("nkscan") is not None


def load_nkscan() -> Any:
    """Import the package nkscan.

    Raises
    ------
    ScannerSetupError
        If it is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module("nkscan")
    except ImportError as error:
        raise ScannerSetupError(f"the package nkscan cannot be loaded: {error}", advice=_how_to_install()) from error


def _how_to_install() -> str:
    found = ".".join(map(str, sys.version_info[:2]))
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return f"nkscan needs Python {oldest} or later, this is {found}: install filmscand under a later Python."
    return f"Install it: {sys.executable} -m pip install nkscan"


def scanner_error(error: Exception) -> ScannerError | None:
    """Return the error for an exception of nkscan, None for any other exception."""
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__.partition(".")[0] == "nkscan"]
    known = next((_ERRORS[name] for name in names if name in _ERRORS), None)
    if known is None:
        return None
    message = str(error)
    if _FORBIDDEN in message:
        return ScannerAccessError(message)
    if known is ScannerIoError and _STUCK in message:
        return ScannerJammedError(message)
    return known(message)


@contextmanager
def converted_errors() -> Iterator[None]:
    """Convert the exceptions of nkscan into `ScannerError` (a context manager)."""
    try:
        yield
    except ScannerError:
        raise
    except Exception as error:
        converted = scanner_error(error)
        if converted is None:
            raise
        raise converted from error
