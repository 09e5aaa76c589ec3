"""The calls into python-sane for one device: open, start, read, cancel, close. The monitor is told before each call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.sane.options import SaneOptions
from filmscand.drivers.sane.planes import Parameters
from filmscand.drivers.sane.status import scanner_error
from filmscand.drivers.scanner.errors import (
    LibsaneMissingError,
    ScanCancelledError,
    ScannerError,
    ScannerGoneError,
    ScannerIoError,
)
from filmscand.drivers.scanner.recipes import Recipe


@dataclass(frozen=True, slots=True)
class DeviceName:
    """The names of a device. The USB address in `device` may change; vendor and model do not."""

    device: str
    vendor: str = ""
    model: str = ""


def load_sane() -> Any:
    """Import python-sane and initialize libsane.

    Raises
    ------
    LibsaneMissingError
        If either is not installed.
    """
    try:
        sane = importlib.import_module("sane")
    except ImportError as error:
        raise LibsaneMissingError(f"python-sane cannot be loaded: {error}") from error
    sane.init()
    return sane


class SaneLink:
    """One device; only one thread may use it, except for `interrupt`.

    Attributes
    ----------
    name : DeviceName
        Names of the device; `open` completes them with vendor and model.
    options : SaneOptions
        Options of the open device; set by `open`.
    """

    options: SaneOptions

    def __init__(self, name: DeviceName, recipe: Recipe, monitor: Monitor) -> None:
        self.name = name
        self._recipe = recipe
        self._monitor = monitor
        self._sane = load_sane()
        self._device: Any = None

    def open(self) -> None:
        """Open the device; if its USB address has changed, open the only one of the same vendor and model.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._monitor.enter(Phase.OPEN)
        if not self.name.model:
            same_device = (DeviceName(*row[:3]) for row in self._list_devices() if row[0] == self.name.device)
            self.name = next(same_device, self.name)
        try:
            self._device = self.call("open", lambda: self._sane.open(self.name.device)).dev
        except ScannerGoneError:
            found = self._find_new_address()
            if found is None or found == self.name.device:
                raise
            self._device = self.call("open", lambda: self._sane.open(found)).dev
        self.options = SaneOptions(self._device, lambda: self._monitor.enter(Phase.OPTION))
        self._monitor.enter(Phase.IDLE)

    def _list_devices(self) -> list[tuple[str, str, str, str]]:
        rows: list[tuple[str, str, str, str]] = self.call("list", self._sane.get_devices)
        return rows

    def _find_new_address(self) -> str | None:
        vendor, model = self.name.vendor, self.name.model
        same = [row[0] for row in self._list_devices() if row[1:3] == (vendor, model)]
        fitting = [device for device in same if self._recipe.fits(device, vendor, model)]
        return fitting[0] if len(fitting) == 1 else None

    def close(self) -> None:
        """Close the device."""
        if self._device is not None:
            self._monitor.enter(Phase.CLOSE)
            device, self._device = self._device, None
            device.close()

    def interrupt(self) -> None:
        """Stop the current call; for another thread than the one that makes it."""
        device = self._device
        if device is not None:
            device.cancel()

    def cancel(self) -> None:
        """End a frame, after its last byte or after a failure; some backends refuse the next start without this."""
        if self._device is not None:
            self._monitor.enter(Phase.READ)
            self._device.cancel()

    def start(self) -> Parameters:
        """Start a frame and return its parameters.

        Raises
        ------
        ScannerError
            If it does not start, or announces impossible parameters.
        """
        self._monitor.request_start()
        self.call("start", self._device.start)
        self._monitor.start_succeeded()
        self._monitor.enter(Phase.PARAMETERS)
        kind, _last, (cols, lines), depth, bytes_per_line = self.call("parameters", self._device.get_parameters)
        return Parameters(kind, cols, lines, depth, bytes_per_line)

    def read(self, parameters: Parameters, number: int) -> bytearray:
        """Read a frame to its end, without cancelling it afterwards.

        Parameters
        ----------
        parameters : Parameters
            What `start` returned.
        number : int
            Number of the pass over the slide, from 0.

        Raises
        ------
        ScannerError
            If the read fails, or more bytes come than announced.
        """
        self._monitor.begin_pass(number, parameters.total_bytes)
        self._monitor.enter(Phase.READ)
        progress = _ReadProgress(self._monitor, parameters, self._device.cancel)
        try:
            stream: bytearray = self.call("read", lambda: self._device.snap(1, 1, progress))[0]
        except ScanCancelledError as error:
            if progress.too_long:
                expected = f"expected the announced {parameters.total_bytes} bytes"
                raise ScannerIoError(f"{expected}, the scanner sends more") from error
            raise
        return stream

    def call(self, name: str, function: Callable[[], Any]) -> Any:
        """Call a function of python-sane and convert its errors into `ScannerError`; `name`: see `DONE_THEN`."""
        try:
            return function()
        except ScannerError:
            raise
        except Exception as error:
            # python-sane does not export its error class from the module `sane`.
            if type(error).__module__ != "_sane":
                raise
            raise scanner_error(str(error), self._recipe, name) from error


class _ReadProgress:
    """The function that python-sane calls after each line. It must never raise, or the interpreter crashes."""

    def __init__(self, monitor: Monitor, parameters: Parameters, cancel: Callable[[], None]) -> None:
        self._monitor = monitor
        self._chunk_bytes = parameters.chunk_bytes
        self._limit_bytes = parameters.total_bytes
        self._cancel = cancel
        self.too_long = False

    def __call__(self, line: int, _lines: int) -> None:
        done_bytes = line * self._chunk_bytes
        self._monitor.advance(done_bytes)
        if done_bytes > self._limit_bytes and not self.too_long:
            # python-sane would read an endless frame until memory runs out.
            self.too_long = True
            self._cancel()
