"""A SANE scanner inside its own process: opens it, sets it by its recipe, and reads frames through python-sane."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drivers.base import InfraredOrigin
from drivers.monitor import Monitor, Phase
from drivers.planes import Counts, Parameters, PlaneMemory, decode, fit_grid, split
from drivers.recipes import Delivery, FeederWay, Recipe
from drivers.sane_options import SaneOptions, offers_infrared
from drivers.sane_settings import PassPlan, Settings
from drivers.sane_status import scanner_error
from drivers.scanner import Capabilities, ScanRequest
from drivers.scanner_errors import (
    LibsaneMissingError,
    ScanCancelledError,
    ScannerError,
    ScannerGoneError,
    ScannerIoError,
    ScannerSetupError,
)

# coolscan2 may owe the infrared of a scan that failed; more than that is a state it will not come out of.
STALE_FRAMES = 2


@dataclass(frozen=True, slots=True)
class DeviceName:
    """What a device is known by: its USB address in `device` may change, vendor and model do not."""

    device: str
    vendor: str = ""
    model: str = ""


@dataclass(slots=True)
class ReadFrame:
    """Planes of one frame in shared memory, and how they came."""

    rgb: PlaneMemory
    infrared: PlaneMemory | None
    origin: InfraredOrigin
    bits_per_sample: int
    flags: tuple[str, ...] = ()


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


class SaneDevice:
    """One scanner; used by one thread, save for `cancel`."""

    def __init__(self, name: DeviceName, recipe: Recipe, monitor: Monitor) -> None:
        self._name = name
        self._recipe = recipe
        self._monitor = monitor
        self._sane = load_sane()
        self._device: Any = None
        self._options: SaneOptions
        self._settings: Settings
        self._infrared_armed = False

    def open(self) -> None:
        """Open the device; where its USB address has changed, the one of the same vendor and model.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._monitor.enter(Phase.OPEN)
        if not self._name.model:
            self._name = self._identified()
        try:
            self._device = self._call("open", lambda: self._sane.open(self._name.device)).dev
        except ScannerGoneError:
            found = self._find_again()
            if found is None or found == self._name.device:
                raise
            self._device = self._call("open", lambda: self._sane.open(found)).dev
        self._options = SaneOptions(self._device, self._before_option)
        self._settings = Settings(self._recipe, self._options)
        self._infrared_armed = False
        self._monitor.enter(Phase.IDLE)

    def _identified(self) -> DeviceName:
        rows: list[tuple[str, str, str, str]] = self._call("list", self._sane.get_devices)
        known = (DeviceName(*row[:3]) for row in rows if row[0] == self._name.device)
        return next(known, self._name)

    def _find_again(self) -> str | None:
        devices: list[tuple[str, str, str, str]] = self._call("list", self._sane.get_devices)
        same = [row[0] for row in devices if row[1:3] == (self._name.vendor, self._name.model)]
        fitting = [device for device in same if self._recipe.fits(device, self._name.vendor, self._name.model)]
        return fitting[0] if len(fitting) == 1 else None

    def close(self) -> None:
        """Close the device."""
        if self._device is not None:
            self._monitor.enter(Phase.CLOSE)
            device, self._device = self._device, None
            device.close()

    def cancel(self) -> None:
        """Give up what is under way; from another thread than the one that scans."""
        device = self._device
        if device is not None:
            device.cancel()

    def capabilities(self) -> Capabilities:
        """Say what the open device offers."""
        resolution, depth = self._options.find("resolution"), self._options.find("depth")
        samples = self._options.usable("samples-per-scan")
        feed = self._settings.feeder()
        offered = tuple(sorted(int(dpi) for dpi in resolution.choices)) if resolution else ()
        return Capabilities(
            vendor=self._name.vendor,
            model=self._name.model,
            device=self._name.device,
            recipe=self._recipe.name,
            resolutions_dpi=tuple(dpi for dpi in offered if dpi >= self._recipe.min_dpi),
            resolution_range_dpi=resolution.limits[:2] if resolution and resolution.limits else None,
            depths_bits=tuple(int(bits) for bits in depth.choices if int(bits) >= 8) if depth else (),
            infrared=offers_infrared(self._recipe, self._options),
            registered_infrared=self._recipe.infrared.delivery.registered,
            samples=tuple(int(count) for count in samples.choices) if samples and samples.choices else (1,),
            feeder=(feed.way if feed else FeederWay.NONE).value,
            frame_count=self._settings.frame_count(),
            notices_empty=feed.notices_empty if feed else False,
            buttons=tuple(button for button in self._recipe.buttons if self._options.find(button)),
        )

    def capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        """Scan one frame: picture, and infrared the way the recipe says.

        Raises
        ------
        ScannerError
            Whatever went wrong; the device has been cancelled by then.
        """
        try:
            return self._capture(request, frame, feed=feed)
        except ScannerError:
            self._abandon()
            raise
        finally:
            self._monitor.enter(Phase.IDLE)

    def _capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        infrared = request.infrared and offers_infrared(self._recipe, self._options)
        if request.resolution_dpi < self._recipe.min_dpi:
            raise ScannerSetupError(
                f"the scanner needs {self._recipe.min_dpi} dpi or more, not {request.resolution_dpi}"
            )
        if self._infrared_armed and not infrared and self._recipe.infrared.reopen_to_leave:
            self.close()
            self.open()
        spare = infrared and self._recipe.infrared.delivery is Delivery.INLINE
        spare = spare and self._settings.has_spare_row(request, request.resolution_dpi)
        plan = PassPlan(request, infrared, request.resolution_dpi, spare_row=spare)
        self._call("option", lambda: self._settings.apply(self._recipe.picture, plan))
        self._call("option", lambda: self._settings.set_feeder(frame, feed=feed))
        if infrared and self._recipe.infrared.delivery is not Delivery.INLINE:
            self._monitor.expect_passes(2)
        self._infrared_armed = infrared
        return self._read_planes(plan)

    def _read_planes(self, plan: PassPlan) -> ReadFrame:
        parameters = self._start_picture()
        samples = decode(self._read(parameters, 0), parameters)
        rows = min(samples.shape[0], parameters.lines - 1) if plan.spare_row else samples.shape[0]
        rgb, infrared = split(samples, rows)
        del samples
        frame = ReadFrame(rgb, infrared, InfraredOrigin.NONE, self._bits(plan.request, parameters))
        try:
            return self._with_infrared(frame, plan)
        except ScannerError:
            _close_planes(frame)
            raise

    def _start_picture(self) -> Parameters:
        for _ in range(STALE_FRAMES + 1):
            parameters = self._start()
            if parameters.channels >= 3:
                return parameters
            # The frame has to be read away before the scanner gives another one.
            self._read(parameters, 0)
        raise ScannerIoError("the scanner keeps giving one channel where a picture in colour was asked for")

    def _with_infrared(self, frame: ReadFrame, plan: PassPlan) -> ReadFrame:
        delivery = self._recipe.infrared.delivery
        if frame.infrared is not None:
            self._finish()
            return dataclasses.replace(frame, origin=InfraredOrigin.FOURTH_SAMPLE)
        if plan.infrared and delivery is Delivery.INLINE:
            delivery = self._recipe.infrared.fallback or Delivery.NONE
            if delivery is Delivery.NONE:
                raise ScannerIoError("the scanner gave three samples where it was asked for infrared too")
        if not plan.infrared:
            self._finish()
            return frame
        if delivery is Delivery.SECOND_START:
            return self._second_start(frame)
        return self._second_pass(frame, plan)

    def _second_start(self, frame: ReadFrame) -> ReadFrame:
        # No option may be touched and nothing cancelled in between, or the scanner forgets the plane it holds.
        self._monitor.expect_passes(2)
        plane = self._read_infrared()
        rows, cols = frame.rgb.shape[:2]
        if plane.shape != (rows, cols):
            raise ScannerIoError(f"infrared came as {plane.shape}, the picture as {(rows, cols)}")
        infrared = fit_grid(plane, (rows, cols))
        self._finish()
        return dataclasses.replace(frame, infrared=infrared, origin=InfraredOrigin.SAME_PASS)

    def _second_pass(self, frame: ReadFrame, plan: PassPlan) -> ReadFrame:
        self._finish()
        dpi = self._settings.infrared_dpi(plan.resolution_dpi)
        second = dataclasses.replace(plan, resolution_dpi=dpi)
        self._call("option", lambda: self._settings.apply(self._recipe.infrared.steps, second))
        plane = self._read_infrared()
        self._finish()
        rows, cols = frame.rgb.shape[:2]
        flags = ("infrared_resampled",) if plane.shape != (rows, cols) else ()
        infrared = fit_grid(plane, (rows, cols))
        return dataclasses.replace(frame, infrared=infrared, origin=InfraredOrigin.SECOND_PASS, flags=flags)

    def _read_infrared(self) -> Counts:
        parameters = self._start()
        samples = decode(self._read(parameters, 1), parameters)
        # A backend that gives infrared in colour has it in the first channel.
        return samples[..., 0]  # type: ignore[return-value]

    def _start(self) -> Parameters:
        self._monitor.ask_start()
        self._call("start", self._device.start)
        self._monitor.start_succeeded()
        self._monitor.enter(Phase.PARAMETERS)
        kind, last, (cols, lines), depth, bytes_per_line = self._call("parameters", self._device.get_parameters)
        return Parameters(kind, bool(last), cols, lines, depth, bytes_per_line)

    def _read(self, parameters: Parameters, number: int) -> bytearray:
        self._monitor.begin_pass(number, parameters.total_bytes)
        self._monitor.enter(Phase.READ)
        progress = _ReadProgress(self._monitor, parameters, self._device.cancel)
        try:
            stream: bytearray = self._call("read", lambda: self._device.snap(1, 1, progress))[0]
        except ScanCancelledError as error:
            if progress.too_long:
                raise ScannerIoError(f"more than the {parameters.total_bytes} announced bytes came") from error
            raise
        return stream

    def _finish(self) -> None:
        # python-sane's snap was told not to, for the second start of some scanners depends on it.
        self._monitor.enter(Phase.READ)
        self._device.cancel()

    def _abandon(self) -> None:
        # Some backends refuse every later start unless a failed one is cancelled.
        if self._device is not None:
            self._monitor.enter(Phase.READ)
            self._device.cancel()

    def _bits(self, request: ScanRequest, parameters: Parameters) -> int:
        if parameters.depth_bits == 8 or self._options.find("depth") is None:
            return parameters.depth_bits
        return self._settings.depth_bits("depth", request.depth_bits)

    def _before_option(self) -> None:
        self._monitor.enter(Phase.OPTION)

    def _call(self, call: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except ScannerError:
            raise
        except Exception as error:
            # python-sane's own class of errors is not importable by name from `sane`.
            if type(error).__module__ != "_sane":
                raise
            raise scanner_error(str(error), self._recipe, call) from error


class _ReadProgress:
    """Called by python-sane after each of its lines; it must never raise, or the interpreter crashes."""

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
            # python-sane would take an endless frame until memory ends.
            self.too_long = True
            self._cancel()


def _close_planes(frame: ReadFrame) -> None:
    frame.rgb.close()
    if frame.infrared is not None:
        frame.infrared.close()
