"""A SANE scanner inside its own process: opens it, sets its options by its recipe, and reads frames."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime

from filmscand.drivers.base import CaptureInfo, InfraredOrigin
from filmscand.drivers.child.device import ReadFrame
from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.child.planes import Counts, PlaneMemory
from filmscand.drivers.sane.link import DeviceName, SaneLink
from filmscand.drivers.sane.options import SaneOptions, offers_infrared
from filmscand.drivers.sane.planes import Parameters, decode, fit_grid, split, trim
from filmscand.drivers.sane.settings import PassPlan, Settings
from filmscand.drivers.scanner.errors import ScannerError, ScannerIoError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities, ScanRequest
from filmscand.drivers.scanner.recipes import Delivery, FeederWay, Recipe, Setting

# How many infrared frames of an earlier, failed scan are read and discarded before a picture. coolscan2 may still
# deliver one; after more than two the scanner does not recover by itself.
STALE_FRAMES = 2


@dataclass(frozen=True, slots=True)
class DeliveredFrame:
    """Planes of one frame in shared memory, and how SANE delivered them.

    Attributes
    ----------
    rgb : PlaneMemory
        The picture, (rows, cols, 3).
    infrared : PlaneMemory or None
        The infrared plane, (rows, cols); None if the frame has none.
    origin : InfraredOrigin
        How the infrared was delivered.
    bits_per_sample : int
        Bits per sample that the scanner measured.
    flags : tuple of str
        Reason codes: "infrared_resampled", "infrared_trimmed".
    """

    rgb: PlaneMemory
    infrared: PlaneMemory | None
    origin: InfraredOrigin
    bits_per_sample: int
    flags: tuple[str, ...] = ()


class SaneDevice:
    """One scanner; only one thread may use it, except for `interrupt`.

    Parameters
    ----------
    name : DeviceName
        The device.
    recipe : Recipe
        How to drive it.
    monitor : Monitor
        Shared memory in which progress is reported.
    """

    def __init__(self, name: DeviceName, recipe: Recipe, monitor: Monitor) -> None:
        self._recipe = recipe
        self._monitor = monitor
        self._link = SaneLink(name, recipe, monitor)
        self._infrared_armed = False

    def open(self) -> None:
        """Open the device.

        Raises
        ------
        ScannerError
            If it cannot be opened.
        """
        self._link.open()
        self._infrared_armed = False

    def close(self) -> None:
        """Close the device."""
        self._link.close()

    def interrupt(self) -> None:
        """Stop the current call; for another thread than the one that scans."""
        self._link.interrupt()

    @property
    def _options(self) -> SaneOptions:
        return self._link.options

    @property
    def _settings(self) -> Settings:
        return Settings(self._recipe, self._link.options)

    def capabilities(self) -> Capabilities:
        """Return what the open device offers."""
        resolution, samples = (
            self._options.usable(self._recipe.option_of(setting)) for setting in (Setting.RESOLUTION, Setting.SAMPLES)
        )
        feed = self._settings.feeder()
        offered = tuple(sorted(int(dpi) for dpi in resolution.choices)) if resolution else ()
        return Capabilities(
            vendor=self._link.name.vendor,
            model=self._link.name.model,
            device=self._link.name.device,
            recipe=self._recipe.name,
            resolutions_dpi=tuple(dpi for dpi in offered if dpi >= self._recipe.min_dpi),
            resolution_range_dpi=resolution.limits[:2] if resolution and resolution.limits else None,
            infrared=offers_infrared(self._recipe, self._options),
            samples=tuple(int(count) for count in samples.choices) if samples and samples.choices else (1,),
            feeder=(feed.way if feed else FeederWay.NONE).value,
            frame_count=self._settings.frame_count(),
            notices_empty=feed.notices_empty if feed else False,
            buttons=tuple(button for button in self._recipe.buttons if self._options.find(button)),
        )

    def capture(self, request: ScanRequest, frame: int, *, feed: bool) -> ReadFrame:
        """Scan one frame: the picture, and the infrared in the way that the recipe names.

        Parameters
        ----------
        request : ScanRequest
            What to scan and how.
        frame : int
            Number of the frame, from 1.
        feed : bool
            Whether a feeder without frame numbers feeds the next slide first.

        Raises
        ------
        ScannerError
            If anything went wrong; the device has been cancelled before the error is raised.
        """
        try:
            delivered = self._capture(request, frame, feed=feed)
        except ScannerError:
            self._link.cancel()
            raise
        finally:
            self._monitor.enter(Phase.IDLE)
        return ReadFrame(delivered.rgb, delivered.infrared, self._info(request, delivered))

    def _capture(self, request: ScanRequest, frame: int, *, feed: bool) -> DeliveredFrame:
        infrared = request.infrared and offers_infrared(self._recipe, self._options)
        if request.resolution_dpi < self._recipe.min_dpi:
            raise ScannerSetupError(
                f"the scanner needs a resolution of {self._recipe.min_dpi} dpi or more, found {request.resolution_dpi}"
            )
        if self._infrared_armed and not infrared and self._recipe.infrared.reopen_to_leave:
            self.close()
            self.open()
        spare = infrared and self._recipe.infrared.delivery is Delivery.INLINE
        spare = spare and self._settings.has_spare_row(request, request.resolution_dpi)
        plan = PassPlan(request, infrared, request.resolution_dpi, spare_row=spare)
        self._link.call("option", lambda: self._settings.apply(self._recipe.picture, plan))
        self._link.call("option", lambda: self._settings.set_feeder(frame, feed=feed))
        if infrared and self._recipe.infrared.delivery is not Delivery.INLINE:
            self._monitor.expect_passes(2)
        self._infrared_armed = infrared
        return self._read_planes(plan)

    def _read_planes(self, plan: PassPlan) -> DeliveredFrame:
        parameters = self._start_picture()
        samples = decode(self._link.read(parameters, 0), parameters)
        rows = min(samples.shape[0], parameters.lines - 1) if plan.spare_row else samples.shape[0]
        rgb, infrared = split(samples, rows)
        del samples
        frame = DeliveredFrame(rgb, infrared, InfraredOrigin.NONE, self._bits(plan.request, parameters))
        try:
            return self._with_infrared(frame, plan)
        except ScannerError:
            _close_planes(frame)
            raise

    def _start_picture(self) -> Parameters:
        for _ in range(STALE_FRAMES + 1):
            parameters = self._link.start()
            if parameters.channels >= 3:
                return parameters
            # The scanner delivers another frame only after this one was read to its end.
            self._link.read(parameters, 0)
        raise ScannerIoError("the scanner delivered frames of one channel, expected a colour picture")

    def _with_infrared(self, frame: DeliveredFrame, plan: PassPlan) -> DeliveredFrame:
        delivery = self._recipe.infrared.delivery
        if frame.infrared is not None:
            self._link.cancel()
            return dataclasses.replace(frame, origin=InfraredOrigin.FOURTH_SAMPLE)
        if plan.infrared and delivery is Delivery.INLINE:
            delivery = self._recipe.infrared.fallback or Delivery.NONE
            if delivery is Delivery.NONE:
                raise ScannerIoError("the scanner delivered three samples per pixel, expected a fourth one of infrared")
        if not plan.infrared:
            self._link.cancel()
            return frame
        if delivery is Delivery.SECOND_START:
            return self._second_start(frame)
        return self._second_pass(frame, plan)

    def _second_start(self, frame: DeliveredFrame) -> DeliveredFrame:
        # Setting an option or cancelling between the two starts would make the scanner drop the infrared plane.
        self._monitor.expect_passes(2)
        plane = self._read_infrared()
        rows, cols = frame.rgb.shape[:2]
        if plane.shape != (rows, cols):
            raise ScannerIoError(f"the infrared has the shape {plane.shape}, the picture {(rows, cols)}")
        infrared = fit_grid(plane, (rows, cols))
        self._link.cancel()
        return dataclasses.replace(frame, infrared=infrared, origin=InfraredOrigin.SAME_PASS)

    def _second_pass(self, frame: DeliveredFrame, plan: PassPlan) -> DeliveredFrame:
        self._link.cancel()
        dpi = self._settings.infrared_dpi(plan.resolution_dpi)
        second = dataclasses.replace(plan, resolution_dpi=dpi)
        self._link.call("option", lambda: self._settings.apply(self._recipe.infrared.steps, second))
        plane = self._read_infrared()
        self._link.cancel()
        rows, cols = frame.rgb.shape[:2]
        flags: tuple[str, ...] = ()
        if dpi != plan.resolution_dpi:
            flags = ("infrared_resampled",)
        elif plane.shape != (rows, cols):
            plane, flags = trim(plane, (rows, cols)), ("infrared_trimmed",)
        infrared = fit_grid(plane, (rows, cols))
        return dataclasses.replace(frame, infrared=infrared, origin=InfraredOrigin.SECOND_PASS, flags=flags)

    def _read_infrared(self) -> Counts:
        parameters = self._link.start()
        samples = decode(self._link.read(parameters, 1), parameters)
        # A backend that delivers the infrared as a colour frame has it in the first channel.
        return samples[..., 0]  # type: ignore[return-value]

    def _info(self, request: ScanRequest, delivered: DeliveredFrame) -> CaptureInfo:
        rows, cols = delivered.rgb.shape[:2]
        return CaptureInfo(
            rows=rows,
            cols=cols,
            scanned=True,
            layout=f"sane_{self._recipe.name}",
            bits_per_sample=delivered.bits_per_sample,
            resolution_dpi=float(request.resolution_dpi),
            linear=self._recipe.linear,
            make=self._link.name.vendor or None,
            model=self._link.name.model or None,
            software=f"SANE {self._recipe.backend}",
            captured_at=datetime.now(UTC),
            infrared_origin=delivered.origin,
            flags=delivered.flags,
        )

    def _bits(self, request: ScanRequest, parameters: Parameters) -> int:
        depth = self._recipe.option_of(Setting.DEPTH)
        if parameters.depth_bits == 8 or self._options.find(depth) is None:
            return parameters.depth_bits
        return self._settings.depth_bits(depth, request.depth_bits)


@dataclass(frozen=True, slots=True)
class SaneOpener:
    """Opens a scanner through SANE; see `child.device.Opener`."""

    name: DeviceName
    recipe: Recipe

    def open(self, monitor: Monitor) -> SaneDevice:
        """Open the device."""
        device = SaneDevice(self.name, self.recipe, monitor)
        device.open()
        return device


def _close_planes(frame: DeliveredFrame) -> None:
    frame.rgb.close()
    if frame.infrared is not None:
        frame.infrared.close()
