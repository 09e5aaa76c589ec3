"""Applies a recipe's steps to a device: turns a request in dots per inch and millimetres into option values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from filmscand.drivers.sane.options import SaneOptions, Value
from filmscand.drivers.scanner.errors import MagazineEmptyError, ScannerSetupError
from filmscand.drivers.scanner.protocol import MM_PER_INCH, Region, ScanRequest
from filmscand.drivers.scanner.recipes import Feed, FeederWay, Recipe, Setting, Step, Unit

# Largest difference between the requested and the accepted resolution, in dpi: fixed-point numbers are inexact.
SAME_DPI = 0.5
# Exposure multiplier of a scan without autoexposure.
PLAIN_EXPOSURE = 1.0


@dataclass(frozen=True, slots=True)
class PassPlan:
    """What to set from a request for one pass of the carriage.

    Attributes
    ----------
    request : ScanRequest
        The request of the frame.
    infrared : bool
        Whether infrared is scanned.
    resolution_dpi : int
        Resolution of this pass; a second pass may need another one than the picture.
    spare_row : bool
        Whether to scan one more row, which is left out: python-sane may drop the end of the last row of a frame of four
        samples per pixel.
    """

    request: ScanRequest
    infrared: bool
    resolution_dpi: int
    spare_row: bool = False


class Settings:
    """Sets the options of an open device by its recipe.

    Parameters
    ----------
    recipe : Recipe
        How to drive the scanner.
    options : SaneOptions
        Options of the open device.
    """

    def __init__(self, recipe: Recipe, options: SaneOptions) -> None:
        self._recipe = recipe
        self._options = options

    def apply(self, steps: Iterable[Step], plan: PassPlan) -> None:
        """Set one option after another.

        Parameters
        ----------
        steps : iterable of Step
            Options to set, in this order.
        plan : PassPlan
            Values for steps that take them from the request.

        Raises
        ------
        ScannerSetupError
            If the device lacks a required option or does not accept the value.
        """
        if plan.request.samples > 1 and not self._options.usable(self._recipe.option_of(Setting.SAMPLES)):
            raise ScannerSetupError(
                f"the scanner cannot read each line more than once, the request has {plan.request.samples} samples"
            )
        for step in steps:
            if step.source is Setting.GEOMETRY:
                self._set_geometry(plan)
            else:
                self._set_step(step, plan)

    def _set_step(self, step: Step, plan: PassPlan) -> None:
        assert step.option is not None
        entry = self._options.find(step.option) if step.force else self._options.usable(step.option)
        if entry is None:
            if step.required:
                raise ScannerSetupError(f"recipe {self._recipe.name}: the scanner has no option {step.option}")
            return
        value = self._value(step, plan)
        if value is None:
            return
        self._options.set(step.option, value)
        if step.source is Setting.RESOLUTION:
            self._check_resolution(step.option, plan.resolution_dpi)
        if step.source is Setting.SAMPLES:
            self._check_samples(plan.request.samples)

    def _value(self, step: Step, plan: PassPlan) -> Value | None:
        request = plan.request
        if step.source is None:
            return step.value
        assert step.option is not None
        if step.source is Setting.DEPTH:
            return self.depth_bits(step.option, request.depth_bits)
        values: dict[Setting, Value | None] = {
            Setting.INFRARED: plan.infrared,
            Setting.RESOLUTION: plan.resolution_dpi,
            Setting.SAMPLES: request.samples,
            Setting.AUTOFOCUS: request.autofocus,
            Setting.AUTOEXPOSURE: request.autoexposure,
            # Autoexposure sets the multiplier itself.
            Setting.EXPOSURE: None if request.autoexposure else PLAIN_EXPOSURE,
        }
        value = values[step.source]
        return step.words[bool(value)] if step.words is not None else value

    def depth_bits(self, option: str, wanted_bits: int) -> int:
        """Return the scanner's smallest depth that is at least `wanted_bits`, else its largest."""
        entry = self._options.find(option)
        offered = [int(choice) for choice in entry.choices] if entry else []
        enough = [bits for bits in offered if bits >= wanted_bits]
        return min(enough) if enough else max(offered, default=wanted_bits)

    def _check_resolution(self, option: str, wanted_dpi: int) -> None:
        actual_dpi = float(self._options.get(option))
        if abs(actual_dpi - wanted_dpi) > SAME_DPI:
            raise ScannerSetupError(f"the scanner set {actual_dpi:g} dpi, the request has {wanted_dpi} dpi")

    def _check_samples(self, wanted: int) -> None:
        actual = int(self._options.get(self._recipe.option_of(Setting.SAMPLES)))
        if actual != wanted:
            raise ScannerSetupError(f"the scanner set {actual} samples per line, the request has {wanted}")

    def infrared_dpi(self, picture_dpi: int) -> int:
        """Return the resolution of a second pass: the picture's, or the closest that the infrared lamp supports.

        Raises
        ------
        ScannerSetupError
            If the scanner has no resolution within the limits of its recipe.
        """
        limits = self._recipe.infrared
        if limits.min_dpi <= picture_dpi <= limits.max_dpi:
            return picture_dpi
        entry = self._options.find(self._recipe.option_of(Setting.RESOLUTION))
        offered = [int(choice) for choice in entry.choices] if entry else []
        allowed = [dpi for dpi in offered if limits.min_dpi <= dpi <= limits.max_dpi]
        if not allowed:
            limits_dpi = f"{limits.min_dpi} and {limits.max_dpi} dpi"
            raise ScannerSetupError(f"the scanner has no resolution for infrared between {limits_dpi}")
        return min(allowed, key=lambda dpi: abs(dpi - picture_dpi))

    def _set_geometry(self, plan: PassPlan) -> None:
        names = self._recipe.geometry
        right_limit, bottom_limit = self._limit(names.right), self._limit(names.bottom)
        region = plan.request.region
        per_mm = self._units_per_mm()
        row_height = self._units_per_inch() / plan.resolution_dpi
        if region is None:
            left, top, right, bottom = 0.0, 0.0, right_limit, bottom_limit
        else:
            left, top, right, bottom = _edges(region, per_mm, last=1.0 if names.inclusive else 0.0)
            if left > right_limit or top > bottom_limit:
                raise ScannerSetupError(f"the region lies outside the scan area: {region}")
        bottom = min(bottom + (row_height if plan.spare_row else 0.0), bottom_limit)
        # Right and bottom first: backends clamp left and top to the current right and bottom.
        edges = {names.right: min(right, right_limit), names.bottom: bottom, names.left: left, names.top: top}
        for name, value in edges.items():
            self._options.set(name, round(value) if self._recipe.geometry.unit is Unit.PIXEL else value)

    def has_spare_row(self, request: ScanRequest, resolution_dpi: int) -> bool:
        """Return whether the scan area has room for one more row below the requested region."""
        if request.region is None:
            return False
        bottom = (request.region.top_mm + request.region.height_mm) * self._units_per_mm()
        return bottom + self._units_per_inch() / resolution_dpi <= self._limit(self._recipe.geometry.bottom)

    def _limit(self, name: str) -> float:
        entry = self._options.find(name)
        if entry is None or entry.limits is None:
            raise ScannerSetupError(f"recipe {self._recipe.name}: the scanner has no range for the option {name}")
        return float(entry.limits[1])

    def _units_per_inch(self) -> float:
        if self._recipe.geometry.unit is Unit.MM:
            return MM_PER_INCH
        entry = self._options.find(self._recipe.option_of(Setting.RESOLUTION))
        offered = [float(choice) for choice in entry.choices] if entry else []
        if entry is not None and entry.limits is not None:
            offered.append(float(entry.limits[1]))
        if not offered:
            raise ScannerSetupError(
                f"recipe {self._recipe.name}: the size of a pixel is unknown, for the scanner lists no resolutions"
            )
        return max(offered)

    def _units_per_mm(self) -> float:
        return self._units_per_inch() / MM_PER_INCH

    def feeder(self) -> Feed | None:
        """Return the first way to feed slides whose option is active; None if there is none."""
        return next((feed for feed in self._recipe.feeders if self._options.usable(feed.option)), None)

    def frame_count(self) -> int | None:
        """Return the number of frames in the holder; None if the scanner does not report it."""
        feed = self.feeder()
        entry = self._options.find(feed.option) if feed and feed.way is FeederWay.FRAME else None
        return int(entry.limits[1]) if entry and entry.limits else None

    def set_feeder(self, frame: int, *, feed: bool) -> None:
        """Select frame number `frame`, or for a feeder without frame numbers set whether it feeds the next slide.

        Raises
        ------
        MagazineEmptyError
            If the holder has no such frame.
        """
        feeder = self.feeder()
        if feeder is None:
            return
        if feeder.way is FeederWay.FRAME:
            count = self.frame_count()
            if count is not None and frame > count:
                raise MagazineEmptyError(f"the holder has {count} frames, frame {frame} was requested")
            self._options.set(feeder.option, frame)
            if feeder.count_option and self._options.usable(feeder.count_option):
                self._options.set(feeder.count_option, 1)
        else:
            self._options.set(feeder.option, feed)


def _edges(region: Region, per_mm: float, *, last: float) -> tuple[float, float, float, float]:
    left, top = region.left_mm * per_mm, region.top_mm * per_mm
    right = left + region.width_mm * per_mm - last
    bottom = top + region.height_mm * per_mm - last
    return left, top, right, bottom
