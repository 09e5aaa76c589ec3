"""What every scanner can do, whatever drives it, and what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from filmscand.drivers.base import Capture, Rgb


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the scan area, from its upper left corner."""

    top_mm: float
    left_mm: float
    height_mm: float
    width_mm: float

    def __post_init__(self) -> None:
        if min(self.top_mm, self.left_mm) < 0 or min(self.height_mm, self.width_mm) <= 0:
            raise ValueError(f"a region lies within the scan area and has a size: {self}")


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan and how.

    Attributes
    ----------
    resolution_dpi : int
        Samples per inch; the scanner must offer exactly this.
    depth_bits : int
        Bits that a sample has at least; the scanner gives the next depth that it has (14 where 16 is asked, say).
    samples : int
        How often each line is read and averaged; 1 where the scanner knows no multi-sampling.
    infrared : bool
        Whether infrared is wanted. A scanner that has none gives none; ask `Capabilities` first.
    first_frame : int
        Number of the first frame, from 1: the holder's frame where the scanner can address it, else only counted.
    frames : int or None
        How many; None: until the magazine is empty.
    region : Region or None
        Part of the scan area; None: all of it.
    autofocus, autoexposure : bool
        Whether the scanner shall focus and expose by itself before each frame, where it can.
    exposure_factor : float
        Multiplies the scanner's exposure, where it can.
    advance : bool
        Whether the next slide is fed between frames; False scans the slide in the gate again.
    """

    resolution_dpi: int
    depth_bits: int = 16
    samples: int = 1
    infrared: bool = True
    first_frame: int = 1
    frames: int | None = None
    region: Region | None = None
    autofocus: bool = True
    autoexposure: bool = False
    exposure_factor: float = 1.0
    advance: bool = True

    def __post_init__(self) -> None:
        for name in ("resolution_dpi", "samples", "first_frame"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, not {getattr(self, name)}")
        if self.depth_bits not in (8, 16):
            raise ValueError(f"depth_bits is 8 or 16, not {self.depth_bits}")
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames is at least 1, or None for all; not {self.frames}")
        if not 0.0 < self.exposure_factor <= 10.0:
            raise ValueError(f"exposure_factor is above 0 and at most 10, not {self.exposure_factor}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an open scanner offers.

    Attributes
    ----------
    resolutions_dpi : tuple of int
        Resolutions that it offers; where `resolution_range_dpi` is given, any between its ends.
    depths_bits : tuple of int
        Bits per sample on offer; empty where the scanner decides.
    infrared : bool
        Whether it gives infrared.
    registered_infrared : bool
        Whether its infrared lies exactly on the picture (same pass).
    samples : tuple of int
        Multi-sampling on offer; (1,) where there is none.
    feeder : str
        Name of the way slides are fed: "frame", "autoload", "advance" or "none".
    frame_count : int or None
        Frames that the holder has, where the scanner says it.
    notices_empty : bool
        Whether it says so when the magazine is empty; where not, count the slides or judge the pictures.
    buttons : tuple of str
        What `press` takes, such as "eject".
    """

    vendor: str
    model: str
    device: str
    recipe: str
    resolutions_dpi: tuple[int, ...]
    resolution_range_dpi: tuple[float, float] | None
    depths_bits: tuple[int, ...]
    infrared: bool
    registered_infrared: bool
    samples: tuple[int, ...]
    feeder: str
    frame_count: int | None
    notices_empty: bool
    buttons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far the frame under way is.

    Attributes
    ----------
    phase : str
        "idle", "open", "option", "start", "parameters", "read" or "close".
    frame : int
        Number of the frame; 0 before the first.
    fraction : float
        Part of the frame's bytes that has come, 0..1, over both passes.
    """

    phase: str
    frame: int
    fraction: float


class Scanner(Protocol):
    """A source of frames.

    A frame is given whole or not at all, and once given it is the caller's: nothing that happens to the scanner later
    can take it back. The slide moves on only when the next frame is asked for, except at scanners that cannot wait.
    """

    def capabilities(self) -> Capabilities:
        """Say what the scanner offers; opens it where it is not open."""

    def capture(self, request: ScanRequest, frame: int) -> Capture:
        """Scan frame number `frame`; asked again for the same number, it scans the same slide again."""

    def scan(self, request: ScanRequest) -> Iterator[Capture]:
        """Scan frame after frame, as `request` says, until the count is reached or the magazine is empty."""

    def resume_after(self, last: Rgb | None) -> None:
        """Say that a run goes on instead of beginning with a full magazine.

        The slide in the gate is then scanned before any is fed; one that shows `last` again is passed over.

        Parameters
        ----------
        last : (rows, cols, 3) ndarray of uint16 or None
            Picture of the last frame that was kept; None where there is none.
        """

    def progress(self) -> ScanProgress:
        """Say how far the frame under way is; any thread."""

    def cancel(self) -> None:
        """Give up the frame under way; any thread, idempotent, returns at once."""

    def close(self) -> None:
        """Let go of the scanner; idempotent."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
