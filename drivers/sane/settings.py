"""Applies a recipe's steps to a device: a request in dots per inch and millimetres becomes option values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from filmscand.drivers.sane.options import SaneOptions, Value
from filmscand.drivers.scanner.errors import MagazineEmptyError, ScannerSetupError
from filmscand.drivers.scanner.protocol import Region, ScanRequest
from filmscand.drivers.scanner.recipes import Feed, FeederWay, Recipe, Setting, Step, Unit

MM_PER_INCH = 25.4
# Fixed-point values come back a hair off.
SAME_DPI = 0.5


@dataclass(frozen=True, slots=True)
class PassPlan:
    """One pass of the carriage: what is set from the request for it."""

    request: ScanRequest
    infrared: bool
    resolution_dpi: int
    # python-sane may drop the end of the last row of four-sample frames: one row more is scanned, and left out.
    spare_row: bool = False


class Settings:
    """Sets the options of an open device as its recipe says."""

    def __init__(self, recipe: Recipe, options: SaneOptions) -> None:
        self._recipe = recipe
        self._options = options

    def apply(self, steps: Iterable[Step], plan: PassPlan) -> None:
        """Set one option after the other.

        Raises
        ------
        ScannerSetupError
            If the device lacks a required option or takes no such value.
        """
        if plan.request.samples > 1 and not self._options.usable(self._recipe.option_of(Setting.SAMPLES)):
            raise ScannerSetupError(
                f"the scanner does not read lines more than once; {plan.request.samples} were asked"
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
            # autoexposure sets the multiplier itself
            Setting.EXPOSURE: None if request.autoexposure else request.exposure_factor,
        }
        value = values[step.source]
        return step.words[bool(value)] if step.words is not None else value

    def depth_bits(self, option: str, wanted_bits: int) -> int:
        """Give the smallest depth on offer that is at least what is wanted, else the largest."""
        entry = self._options.find(option)
        offered = [int(choice) for choice in entry.choices] if entry else []
        enough = [bits for bits in offered if bits >= wanted_bits]
        return min(enough) if enough else max(offered, default=wanted_bits)

    def _check_resolution(self, option: str, wanted_dpi: int) -> None:
        taken_dpi = float(self._options.get(option))
        if abs(taken_dpi - wanted_dpi) > SAME_DPI:
            raise ScannerSetupError(f"the scanner took {taken_dpi:g} dpi where {wanted_dpi} were asked for")

    def _check_samples(self, wanted: int) -> None:
        taken = int(self._options.get(self._recipe.option_of(Setting.SAMPLES)))
        if taken != wanted:
            raise ScannerSetupError(f"the scanner took {taken} samples of each line where {wanted} were asked for")

    def infrared_dpi(self, picture_dpi: int) -> int:
        """Give the resolution of a second pass: the picture's, or the next that the infrared lamp can do."""
        limits = self._recipe.infrared
        if limits.min_dpi <= picture_dpi <= limits.max_dpi:
            return picture_dpi
        entry = self._options.find(self._recipe.option_of(Setting.RESOLUTION))
        offered = [int(choice) for choice in entry.choices] if entry else []
        allowed = [dpi for dpi in offered if limits.min_dpi <= dpi <= limits.max_dpi]
        if not allowed:
            raise ScannerSetupError(f"the scanner has no resolution for infrared between {limits.min_dpi} and "
                                    f"{limits.max_dpi} dpi")  # fmt: skip
        return min(allowed, key=lambda dpi: abs(dpi - picture_dpi))

    def _set_geometry(self, plan: PassPlan) -> None:
        names = self._recipe.geometry
        right_limit, bottom_limit = self._limit(names.right), self._limit(names.bottom)
        region = plan.request.region
        per_mm = self._units_per_mm()
        row = self._units_per_inch() / plan.resolution_dpi
        if region is None:
            left, top, right, bottom = 0.0, 0.0, right_limit, bottom_limit
        else:
            left, top, right, bottom = _edges(region, per_mm, last=1.0 if names.inclusive else 0.0)
            if left > right_limit or top > bottom_limit:
                raise ScannerSetupError(f"the scan area does not reach to {region}")
        bottom = min(bottom + (row if plan.spare_row else 0.0), bottom_limit)
        # The far corner first: backends clamp a near one to the far one that they know.
        edges = {names.right: min(right, right_limit), names.bottom: bottom, names.left: left, names.top: top}
        for name, value in edges.items():
            self._options.set(name, round(value) if self._recipe.geometry.unit is Unit.PIXEL else value)

    def has_spare_row(self, request: ScanRequest, resolution_dpi: int) -> bool:
        """Tell whether the scan area leaves room for a row below the wanted region."""
        if request.region is None:
            return False
        bottom = (request.region.top_mm + request.region.height_mm) * self._units_per_mm()
        return bottom + self._units_per_inch() / resolution_dpi <= self._limit(self._recipe.geometry.bottom)

    def _limit(self, name: str) -> float:
        entry = self._options.find(name)
        if entry is None or entry.limits is None:
            raise ScannerSetupError(f"recipe {self._recipe.name}: the scanner has no range for {name}")
        return float(entry.limits[1])

    def _units_per_inch(self) -> float:
        if self._recipe.geometry.unit is Unit.MM:
            return MM_PER_INCH
        entry = self._options.find(self._recipe.option_of(Setting.RESOLUTION))
        offered = [float(choice) for choice in entry.choices] if entry else []
        if entry is not None and entry.limits is not None:
            offered.append(float(entry.limits[1]))
        if not offered:
            raise ScannerSetupError(f"recipe {self._recipe.name}: pixels have no size without a list of resolutions")
        return max(offered)

    def _units_per_mm(self) -> float:
        return self._units_per_inch() / MM_PER_INCH

    def feeder(self) -> Feed | None:
        """Give the first way to feed slides whose option is active."""
        return next((feed for feed in self._recipe.feeders if self._options.usable(feed.option)), None)

    def frame_count(self) -> int | None:
        """Give the number of frames that the holder has, where the scanner says it."""
        feed = self.feeder()
        entry = self._options.find(feed.option) if feed and feed.way is FeederWay.FRAME else None
        return int(entry.limits[1]) if entry and entry.limits else None

    def set_feeder(self, frame: int, *, feed: bool) -> None:
        """Ask for frame number `frame`; `feed` says whether a feeder without numbers shall move.

        Raises
        ------
        MagazineEmptyError
            If the holder has no such frame.
        """
        way = self.feeder()
        if way is None:
            return
        if way.way is FeederWay.FRAME:
            count = self.frame_count()
            if count is not None and frame > count:
                raise MagazineEmptyError(f"the holder has {count} frames")
            self._options.set(way.option, frame)
            if way.count_option and self._options.usable(way.count_option):
                self._options.set(way.count_option, 1)
        else:
            self._options.set(way.option, feed)


def _edges(region: Region, per_mm: float, *, last: float) -> tuple[float, float, float, float]:
    left, top = region.left_mm * per_mm, region.top_mm * per_mm
    right = left + region.width_mm * per_mm - last
    bottom = top + region.height_mm * per_mm - last
    return left, top, right, bottom
