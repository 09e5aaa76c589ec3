"""The interface of every scanner: what it offers, how a scan is requested, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from filmscand.drivers.base import Capture, Rgb

# Regions are in millimetres, resolutions in samples per inch.
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle within the scan area, measured from the upper left corner.

    Attributes
    ----------
    top_mm, left_mm : float
        Position of its upper left corner, >= 0.
    height_mm, width_mm : float
        Its size, > 0.

    Raises
    ------
    ValueError
        If a position is negative or a size is not positive.
    """

    top_mm: float
    left_mm: float
    height_mm: float
    width_mm: float

    def __post_init__(self) -> None:
        if min(self.top_mm, self.left_mm) < 0 or min(self.height_mm, self.width_mm) <= 0:
            raise ValueError(f"expected a region with a position >= 0 and a size > 0, found {self}")


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and how.

    Attributes
    ----------
    resolution_dpi : int
        Samples per inch, >= 1; the scanner must offer exactly this value.
    depth_bits : int
        Wanted bits per sample, 8 or 16. The scanner uses its smallest depth that is not below, else its largest: a
        scanner of 14 bits delivers 14 for 16.
    samples : int
        How many times each line is read and averaged, >= 1; 1 for a scanner without multi-sampling.
    infrared : bool
        Whether to scan infrared. A scanner without infrared delivers none: see `Capabilities.infrared`.
    frames : int or None
        Number of frames that `Scanner.scan` delivers, >= 1; None scans until the magazine is empty.
    region : Region or None
        Part of the scan area to scan; None scans all of it.
    autofocus, autoexposure : bool
        Whether the scanner focuses or sets its exposure before each frame, if it can.
    advance : bool
        Whether to feed the next slide between frames; False scans the slide in the gate again.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    resolution_dpi: int
    depth_bits: int = 16
    samples: int = 1
    infrared: bool = True
    frames: int | None = None
    region: Region | None = None
    autofocus: bool = True
    autoexposure: bool = False
    advance: bool = True

    def __post_init__(self) -> None:
        for name in ("resolution_dpi", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, found {getattr(self, name)}")
        if self.depth_bits not in (8, 16):
            raise ValueError(f"depth_bits: expected 8 or 16, found {self.depth_bits}")
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames: expected 1 or more, or None for all, found {self.frames}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an open scanner offers.

    Attributes
    ----------
    vendor, model : str
        Names as its driver lists them.
    device : str
        Name of the scanner, as listed.
    recipe : str
        Name of the recipe that drives it, or of the driver if that needs none.
    resolutions_dpi : tuple of int
        List of resolutions in samples per inch, ascending; empty if the scanner has a range instead.
    resolution_range_dpi : tuple of float or None
        Lowest and highest resolution of a scanner that takes any value between; None if it has a list instead.
    infrared : bool
        Whether the scanner delivers infrared.
    samples : tuple of int
        Numbers of readings per line that can be averaged; (1,) for a scanner without multi-sampling.
    feeder : str
        How slides are fed, a value of `recipes.FeederWay`: "frame", "autoload", "advance" or "none".
    frame_count : int or None
        Number of frames in the holder; None if the scanner does not report it.
    notices_empty : bool
        Whether the scanner reports an empty magazine; if not, count the slides or compare the pictures.
    buttons : tuple of str
        Names of the buttons that can be pressed, such as "eject".
    """

    vendor: str
    model: str
    device: str
    recipe: str
    resolutions_dpi: tuple[int, ...]
    resolution_range_dpi: tuple[float, float] | None
    infrared: bool
    samples: tuple[int, ...]
    feeder: str
    frame_count: int | None
    notices_empty: bool
    buttons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far the current frame is.

    Attributes
    ----------
    phase : str
        Call that the scanner is in: "idle", "open", "option", "start", "parameters", "read" or "close".
    frame : int
        Number of the current frame, from 1; 0 before the first.
    fraction : float
        Share of the frame's bytes that has arrived, 0..1, over both passes.
    """

    phase: str
    frame: int
    fraction: float


class Scanner(Protocol):
    """A scanner that delivers frames.

    A frame is delivered completely or not at all. A delivered frame belongs to the caller: a later fault of the scanner
    cannot change it. The slide moves on only when the next frame is requested, except in scanners that cannot wait.
    """

    def capabilities(self) -> Capabilities:
        """Return what the scanner offers; open it first if it is closed."""

    def capture(self, request: ScanRequest, frame: int) -> Capture:
        """Scan frame number `frame`; the same number again scans the same slide again."""

    def scan(self, request: ScanRequest) -> Iterator[Capture]:
        """Scan frame after frame until the requested number is reached or the magazine is empty."""

    def resume_after(self, last: Rgb | None) -> None:
        """Continue an interrupted run instead of beginning with a full magazine.

        The slide in the gate is then scanned before any slide is fed. If it shows `last`, the next one is fed.

        Parameters
        ----------
        last : (rows, cols, 3) ndarray of uint16 or None
            Picture of the last frame that was kept; None if there is none.
        """

    def progress(self) -> ScanProgress:
        """Return how far the current frame is; any thread may call this."""

    def cancel(self) -> None:
        """Stop the current frame; any thread may call this, repeatedly; returns at once."""

    def close(self) -> None:
        """Release the scanner; may be called repeatedly."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
