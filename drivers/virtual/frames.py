"""The frame that a start of a virtual scanner delivers: its planes, its grid, and its bytes row by row."""

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
# Largest block of rows that is sent at once, in bytes. Blocks are whole rows: libsane's byte swapping corrupts records
# of odd length.
BLOCK_BYTES = 512 * 1024


class Content(StrEnum):
    """The samples of a frame's pixels."""

    COLOUR = "colour"
    GRAY = "gray"
    INFRARED = "infrared"
    COLOUR_AND_INFRARED = "colour_and_infrared"


CHANNELS = {Content.COLOUR: 3, Content.GRAY: 1, Content.INFRARED: 1, Content.COLOUR_AND_INFRARED: 4}


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows and columns of the slide that a scan samples.

    Attributes
    ----------
    row, col : int
        First row and column of the slide.
    rows, cols : int
        Number of rows and columns of the scan.
    pitch : float
        Distance of the samples in pixels of the slide; 1 at the highest resolution.
    """

    row: int
    rows: int
    col: int
    cols: int
    pitch: float

    def row_indices(self, first: int, last: int) -> npt.NDArray[np.intp]:
        """Return the rows of the slide under rows `first` to `last` - 1 of the scan."""
        return (self.row + (np.arange(first, last) * self.pitch)).astype(np.intp)

    def col_indices(self) -> npt.NDArray[np.intp]:
        """Return the columns of the slide under the columns of the scan."""
        return (self.col + (np.arange(self.cols) * self.pitch)).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame that a start announces.

    Attributes
    ----------
    slide : int
        Number of the slide, from 1.
    content : Content
        The samples of its pixels.
    grid : Grid
        Which part of the slide it samples.
    sample_bits : int
        Bits that the scanner measures: 8, 14 or 16.
    drift : Drift
        How the pass is displaced against the picture.
    """

    slide: int
    content: Content
    grid: Grid
    sample_bits: int
    drift: Drift = STILL

    @property
    def depth_bits(self) -> int:
        """Bits of a sample on the wire: 8, or 16 for all deeper samples."""
        return 8 if self.sample_bits == 8 else 16

    @property
    def sane_format(self) -> int:
        """SANE's frame type; four samples are announced as RGB, because SANE has no type for them."""
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
        """The parameters in the order of GET_PARAMETERS."""
        return self.sane_format, 1, self.bytes_per_line, self.grid.cols, self.grid.rows, self.depth_bits


def grid_of(model: Model, gate: Gate, options: OptionSet) -> Grid:
    """Calculate the grid from the geometry and resolution options."""
    left, top, right, bottom = (options.number(name) for name in ("tl-x", "tl-y", "br-x", "br-y"))
    if "coolscan" in model.name:
        right, bottom = right + 1, bottom + 1
    else:
        scale = gate.resolution_dpi / MM_PER_INCH
        left, top, right, bottom = left * scale, top * scale, right * scale, bottom * scale
    pitch = gate.resolution_dpi / options.number("resolution")
    # Fixed-point millimetres are inexact: a difference of half a percent of a pixel must not cost a row.
    cols, rows = (int((right - left) / pitch + 0.005), int((bottom - top) / pitch + 0.005))
    return Grid(round(top), max(rows, 1), round(left), max(cols, 1), pitch)


def blocks(frame: Frame, magazine: Magazine, most_rows: int) -> Iterator[memoryview]:
    """Yield the frame's bytes in the host's byte order, as blocks of whole rows.

    Parameters
    ----------
    frame : Frame
        The frame.
    magazine : Magazine
        Where its slide is.
    most_rows : int
        Most rows of a block, >= 1; a block also has at most `BLOCK_BYTES` (but at least one row).
    """
    slide = magazine.slide(frame.slide)
    step = max(1, min(BLOCK_BYTES // frame.bytes_per_line, most_rows))
    for first in range(0, frame.grid.rows, step):
        last = min(first + step, frame.grid.rows)
        samples = np.ascontiguousarray(_samples(frame, slide, first, last))
        if frame.sample_bits == 14:
            # 14 bits, shifted left to fill 16, as coolscan3 delivers them.
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
    # One copy per sample: numpy's inner loop would otherwise run over three elements only.
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
    row_positions = frame.drift.row_positions(rows)[frame.grid.row_indices(first, last)]
    col_positions = np.clip(frame.grid.col_indices() + frame.drift.cols_px, 0.0, cols - 1.0)
    sampled_rows = _interpolate_rows(slide.infrared, row_positions)
    return (_interpolate_rows(sampled_rows.T, col_positions).T + 0.5).astype(np.uint16)


def _interpolate_rows(plane: npt.NDArray[np.generic], positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    length = plane.shape[0]
    lower = np.minimum(positions.astype(np.intp), max(length - 2, 0))
    upper = np.minimum(lower + 1, length - 1)
    share = (positions - lower).astype(np.float32)[:, None]
    below, above = plane[lower].astype(np.float32), plane[upper].astype(np.float32)
    interpolated: npt.NDArray[np.float32] = below + (above - below) * share
    return interpolated
