"""What one start of a virtual scanner delivers: which planes, on which grid, and the bytes of it row by row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from filmscand.drivers.virtual.magazine import STILL, Drift, Magazine, Plane16, Slide
from filmscand.drivers.virtual.models import MM_PER_INCH, Gate, Model
from filmscand.drivers.virtual.options import OptionSet

FRAME_GRAY = 0
FRAME_RGB = 1
# Whole rows, so that records stay even (odd ones are corrupted by libsane's byte swapping), some hundred KiB at a time.
BLOCK_BYTES = 512 * 1024


class Content(StrEnum):
    """What a frame shows."""

    COLOUR = "colour"
    GRAY = "gray"
    INFRARED = "infrared"
    COLOUR_AND_INFRARED = "colour_and_infrared"


CHANNELS = {Content.COLOUR: 3, Content.GRAY: 1, Content.INFRARED: 1, Content.COLOUR_AND_INFRARED: 4}


@dataclass(frozen=True, slots=True)
class Grid:
    """Which rows and columns of the slide a scan samples: the first, how many, and the pitch between them."""

    row: int
    rows: int
    col: int
    cols: int
    pitch: float

    def row_indices(self, first: int, last: int) -> npt.NDArray[np.intp]:
        """Give the slide's rows under rows `first` to `last` of the scan."""
        return (self.row + (np.arange(first, last) * self.pitch)).astype(np.intp)

    def col_indices(self) -> npt.NDArray[np.intp]:
        """Give the slide's columns under the columns of the scan."""
        return (self.col + (np.arange(self.cols) * self.pitch)).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that a start announces; `sample_bits` are those that the scanner measures: 8, 14 or 16."""

    slide: int
    content: Content
    grid: Grid
    sample_bits: int
    drift: Drift = STILL

    @property
    def depth_bits(self) -> int:
        """Bits of a sample on the line: all that is more than 8 is announced as 16."""
        return 8 if self.sample_bits == 8 else 16

    @property
    def sane_format(self) -> int:
        """SANE's frame type; four samples are announced as RGB, for SANE has no word for them."""
        return FRAME_GRAY if CHANNELS[self.content] == 1 else FRAME_RGB

    @property
    def bytes_per_line(self) -> int:
        """Bytes of one line."""
        return self.grid.cols * CHANNELS[self.content] * (self.depth_bits // 8)

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole frame."""
        return self.bytes_per_line * self.grid.rows

    @property
    def wire_parameters(self) -> tuple[int, int, int, int, int, int]:
        """The parameters as GET_PARAMETERS gives them."""
        return self.sane_format, 1, self.bytes_per_line, self.grid.cols, self.grid.rows, self.depth_bits


def grid_of(model: Model, gate: Gate, options: OptionSet) -> Grid:
    """Work out the grid from the geometry and resolution options."""
    left, top, right, bottom = (options.number(name) for name in ("tl-x", "tl-y", "br-x", "br-y"))
    if "coolscan" in model.name:
        right, bottom = right + 1, bottom + 1
    else:
        scale = gate.resolution_dpi / MM_PER_INCH
        left, top, right, bottom = left * scale, top * scale, right * scale, bottom * scale
    pitch = gate.resolution_dpi / options.number("resolution")
    # A fixed-point millimetre is a hair off: half a percent of a pixel must not cost a row.
    cols, rows = (int((right - left) / pitch + 0.005), int((bottom - top) / pitch + 0.005))
    return Grid(round(top), max(rows, 1), round(left), max(cols, 1), pitch)


def blocks(frame: Frame, magazine: Magazine, most_rows: int) -> Iterator[memoryview]:
    """Give the frame's bytes in the host's byte order: at most so many rows, and some hundred KiB, at a time."""
    slide = magazine.slide(frame.slide)
    step = max(1, min(BLOCK_BYTES // frame.bytes_per_line, most_rows))
    for first in range(0, frame.grid.rows, step):
        last = min(first + step, frame.grid.rows)
        samples = np.ascontiguousarray(_samples(frame, slide, first, last))
        if frame.sample_bits == 14:
            # shifted left to fill 16 bits, as coolscan3 does it
            samples = samples & np.uint16(0xFFFC)
        octets = (samples >> 8).astype(np.uint8) if frame.depth_bits == 8 else samples.view(np.uint8)
        yield octets.reshape(-1).data


def _samples(frame: Frame, slide: Slide, first: int, last: int) -> Plane16:
    if frame.content is Content.INFRARED:
        return _infrared(frame, slide, first, last)
    rgb = _cut(slide.rgb, frame.grid, first, last)
    if frame.content is Content.COLOUR:
        return rgb
    if frame.content is Content.GRAY:
        return np.ascontiguousarray(rgb[..., 1])
    infrared = _cut(slide.infrared, frame.grid, first, last)
    inline = np.empty((*infrared.shape, 4), np.uint16)
    # Sample by sample: numpy's inner loop would otherwise run over three elements only.
    for sample, plane in enumerate((rgb[..., 0], rgb[..., 1], rgb[..., 2], infrared)):
        inline[..., sample] = plane
    return inline


def _cut(plane: Plane16, grid: Grid, first: int, last: int) -> Plane16:
    if grid.pitch == 1.0:
        return plane[grid.row + first : grid.row + last, grid.col : grid.col + grid.cols]
    return plane[grid.row_indices(first, last)[:, None], grid.col_indices()]


def _infrared(frame: Frame, slide: Slide, first: int, last: int) -> Plane16:
    if frame.drift == STILL:
        return _cut(slide.infrared, frame.grid, first, last)
    rows, cols = slide.infrared.shape
    at_row = frame.drift.row_positions(0, rows, rows)[frame.grid.row_indices(first, last)]
    at_col = np.clip(frame.grid.col_indices() + frame.drift.cols_px, 0.0, cols - 1.0)
    by_rows = _between(slide.infrared, at_row, rows)
    return (_between(by_rows.T, at_col, cols).T + 0.5).astype(np.uint16)


def _between(plane: npt.NDArray[np.generic], at: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float32]:
    lower = np.minimum(at.astype(np.intp), max(length - 2, 0))
    upper = np.minimum(lower + 1, length - 1)
    share = (at - lower).astype(np.float32)[:, None]
    below, above = plane[lower].astype(np.float32), plane[upper].astype(np.float32)
    mixed: npt.NDArray[np.float32] = below + (above - below) * share
    return mixed
