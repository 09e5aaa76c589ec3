"""The models that the virtual scanner can simulate: their options, how they deliver infrared, how slides move.

Names, types and lists follow the SANE backends. Most options that no recipe sets are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from filmscand.drivers.virtual.options import Option, Unit, button, choice, fixed, group, integer, pick, switch

MM_PER_INCH = 25.4
TRANSPARENCY = "Transparency Adapter"
TRANSPARENCY_INFRARED = "Transparency Adapter Infrared"


class Delivery(StrEnum):
    """How a model delivers infrared; the values are those of `drivers.scanner.recipes.Delivery`."""

    INLINE = "inline"
    SECOND_START = "second_start"
    SECOND_SOURCE = "second_pass_source"
    SECOND_MODE = "second_pass_mode"


class Feeder(StrEnum):
    """How the next slide comes into the gate.

    STRIP: an option selects the frame. AUTOLOAD: a start feeds a slide. ADVANCE: a start moves on at its end. HAND: a
    person changes the slide.
    """

    STRIP = "strip"
    AUTOLOAD = "autoload"
    ADVANCE = "advance"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the options depend on: size and number of the slides, and the scanner's highest resolution."""

    rows_px: int
    cols_px: int
    slides: int
    resolution_dpi: int

    def mm(self, length_px: int) -> float:
        """Convert pixels at the highest resolution into millimetres."""
        return length_px * MM_PER_INCH / self.resolution_dpi


@dataclass(frozen=True, slots=True)
class Timing:
    """About how long a real scanner takes.

    Attributes
    ----------
    start_s : float
        Time of a start, in seconds.
    row_ms : float
        Time to read a row at the highest resolution, in milliseconds.
    """

    start_s: float
    row_ms: float


@dataclass(frozen=True, slots=True)
class Model:
    """One model of scanner.

    Attributes
    ----------
    name : str
        Name of the model: that of the SANE backend.
    device : str
        Device name after ``net:ADDRESS:``; it begins with the backend's name, as with a real saned.
    vendor, product : str
        Names that SANE lists.
    resolution_dpi : int
        Highest resolution.
    delivery : Delivery
        How it delivers infrared.
    feeder : Feeder
        How slides are fed.
    timing : Timing
        How long a real scanner takes.
    options : callable
        Makes the options for a gate.
    scans_in_start : bool
        Whether the whole scan runs inside sane_start and sane_read only copies, as with pieusb.
    """

    name: str
    device: str
    vendor: str
    product: str
    resolution_dpi: int
    delivery: Delivery
    feeder: Feeder
    timing: Timing
    options: Callable[[Gate], list[Option]]
    scans_in_start: bool = False


def _pixel_geometry(gate: Gate) -> list[Option]:
    return [
        group("Geometry"),
        integer("tl-x", "Left", 0, gate.cols_px - 1, 0, Unit.PIXEL),
        integer("tl-y", "Top", 0, gate.rows_px - 1, 0, Unit.PIXEL),
        integer("br-x", "Right", 0, gate.cols_px - 1, gate.cols_px - 1, Unit.PIXEL),
        integer("br-y", "Bottom", 0, gate.rows_px - 1, gate.rows_px - 1, Unit.PIXEL),
    ]


def _mm_geometry(gate: Gate) -> list[Option]:
    right_mm, bottom_mm = gate.mm(gate.cols_px), gate.mm(gate.rows_px)
    return [
        group("Geometry"),
        fixed("tl-x", "Left", 0.0, right_mm, 0.0, Unit.MM),
        fixed("tl-y", "Top", 0.0, bottom_mm, 0.0, Unit.MM),
        fixed("br-x", "Right", 0.0, right_mm, right_mm, Unit.MM),
        fixed("br-y", "Bottom", 0.0, bottom_mm, bottom_mm, Unit.MM),
    ]


def _coolscan_exposure() -> list[Option]:
    colours = [
        fixed(f"{c}-exposure", f"{c.title()} exposure", 50.0, 20000.0, 1200.0, Unit.MICROSECOND)
        for c in ("red", "green", "blue")
    ]
    return [group("Exposure"), fixed("exposure", "Exposure multiplier", 0.0, 10.0, 1.0), *colours]


def _coolscan_picture(gate: Gate, *, infrared_active: bool) -> list[Option]:
    resolutions = [gate.resolution_dpi // pitch for pitch in (1, 2, 3, 4, 5)]
    return [
        group("Scan mode"),
        switch("preview", "Preview mode"),
        switch("negative", "Negative film"),
        switch("infrared", "Read infrared channel", active=infrared_active),
        pick("samples-per-scan", "Number of samples per scan", [1, 2, 4, 8, 16], 1),
        pick("depth", "Bit depth", [8, 14], 14, Unit.BIT),
        pick("resolution", "Scan resolution", resolutions, resolutions[0], Unit.DPI),
        *_pixel_geometry(gate),
        *_coolscan_exposure(),
        group("Focus and feeder"),
        integer("focus", "Focus position", 0, 450, 200),
        switch("focus-on-centre", "Focus on centre of scan area", True),
    ]


def _coolscan2(gate: Gate) -> list[Option]:
    return [
        *_coolscan_picture(gate, infrared_active=True),
        integer("frame", "Frame number", 1, gate.slides, 1),
        fixed("subframe", "Subframe", 0.0, 38.0, 0.0, Unit.MM),
        button("autofocus", "Autofocus"),
        button("ae", "Auto-exposure"),
        button("load", "Load"),
        button("eject", "Eject"),
        button("reset", "Reset"),
    ]


def _coolscan3(gate: Gate) -> list[Option]:
    return [
        *_coolscan_picture(gate, infrared_active=False),
        switch("autofocus", "Autofocus before scanning"),
        switch("ae", "Auto-exposure before scanning"),
        switch("ae-wb", "Auto-exposure with white balance"),
        switch("autoload", "Load a slide before each scan"),
        button("load", "Load"),
        button("eject", "Eject"),
        button("reset", "Reset"),
    ]


def _pieusb(gate: Gate) -> list[Option]:
    return [
        group("Scan mode"),
        choice("mode", "Scan mode", ["Gray", "Color", "RGBI"], "Color"),
        pick("depth", "Bit depth", [8, 16], 16, Unit.BIT),
        fixed("resolution", "Scan resolution", 25.0, float(gate.resolution_dpi), 300.0, Unit.DPI),
        *_mm_geometry(gate),
        group("Enhancement"),
        switch("preview", "Preview"),
        switch("sharpen", "Sharpen"),
        switch("shading-analysis", "Shading analysis"),
        switch("correct-shading", "Correct shading", True),
        switch("correct-infrared", "Reduce the red overlap of infrared"),
        switch("clean-image", "Remove dust and scratches"),
        switch("fast-infrared", "Fast infrared scan"),
        switch("advance", "Advance to the next slide"),
        choice("calibration", "Calibration mode", ["from internal test", "from options"], "from internal test"),
    ]


def _genesys(gate: Gate) -> list[Option]:
    resolutions = [gate.resolution_dpi // divisor for divisor in (8, 4, 2, 1)]
    return [
        group("Scan mode"),
        choice("mode", "Scan mode", ["Color", "Gray"], "Gray"),
        choice("source", "Scan source", [TRANSPARENCY, TRANSPARENCY_INFRARED], TRANSPARENCY, reloads=True),
        switch("preview", "Preview"),
        pick("depth", "Bit depth", [16], 16, Unit.BIT),
        pick("resolution", "Scan resolution", resolutions, resolutions[0], Unit.DPI),
        *_mm_geometry(gate),
        group("Sensors and buttons"),
        switch("need-calibration", "Needs calibration"),
        button("calibrate", "Calibrate"),
        button("clear-calibration", "Clear calibration"),
    ]


def _pixma(gate: Gate) -> list[Option]:
    resolutions = [gate.resolution_dpi // divisor for divisor in (32, 16, 8, 4, 2, 1)]
    return [
        group("Scan mode"),
        pick("resolution", "Scan resolution", resolutions, resolutions[0], Unit.DPI),
        choice("mode", "Scan mode", ["Color", "Gray", "Infrared"], "Color", reloads=True),
        choice("source", "Scan source", ["Flatbed", "Transparency Unit"], "Flatbed", reloads=True),
        *_mm_geometry(gate),
        group("Buttons"),
        button("button-update", "Update button state"),
    ]


MODELS = {
    model.name: model
    for model in (
        Model(
            "coolscan2",
            "coolscan2:virtual",
            "Nikon",
            "Virtual LS-4000 ED",
            4000,
            Delivery.SECOND_START,
            Feeder.STRIP,
            Timing(start_s=12.0, row_ms=14.0),
            _coolscan2,
        ),
        Model(
            "coolscan3",
            "coolscan3:virtual",
            "Nikon",
            "Virtual LS-5000 ED",
            4000,
            Delivery.INLINE,
            Feeder.AUTOLOAD,
            Timing(start_s=12.0, row_ms=10.0),
            _coolscan3,
        ),
        Model(
            "pieusb",
            "pieusb:virtual",
            "Reflecta",
            "Virtual DigitDia 6000",
            5000,
            Delivery.INLINE,
            Feeder.ADVANCE,
            Timing(start_s=15.0, row_ms=20.0),
            _pieusb,
            scans_in_start=True,
        ),
        Model(
            "genesys",
            "genesys:virtual",
            "Plustek",
            "Virtual OpticFilm 8200i",
            7200,
            Delivery.SECOND_SOURCE,
            Feeder.HAND,
            Timing(start_s=20.0, row_ms=25.0),
            _genesys,
        ),
        Model(
            "pixma",
            "pixma:virtual",
            "CANON",
            "Virtual CanoScan 9000F Mark II",
            9600,
            Delivery.SECOND_MODE,
            Feeder.HAND,
            Timing(start_s=15.0, row_ms=12.0),
            _pixma,
        ),
    )
}
