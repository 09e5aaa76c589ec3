"""From a stream of bytes to planes of counts: what SANE's parameters say, checked against what came."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.drivers.scanner.errors import ScannerIoError, ShortFrameError

Counts = npt.NDArray[np.uint16]
# 8-bit counts times this fill 0..65535.
EIGHT_TO_SIXTEEN = 257
# By how much two passes over one area may differ.
ROUNDED_PX = 4
# Rows that stay in the processor's cache while their samples are taken apart.
BAND_BYTES = 1 << 19
# More than any film scanner gives; beyond it the parameters are rubbish.
LARGEST_FRAME_BYTES = 1 << 33


@dataclass(frozen=True, slots=True)
class Parameters:
    """SANE's parameters of a frame, as read after its start."""

    format: str
    last_frame: bool
    pixels_per_line: int
    lines: int
    depth_bits: int
    bytes_per_line: int

    def __post_init__(self) -> None:
        sane = self.depth_bits in (8, 16) and self.pixels_per_line > 0 and self.lines > 0
        if not sane or not 1 <= self.channels <= 4 or self.total_bytes > LARGEST_FRAME_BYTES:
            raise ScannerIoError(f"the scanner announced a frame that cannot be: {self}")

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return self.depth_bits // 8

    @property
    def channels(self) -> int:
        """Samples of one pixel. SANE has no word for four: only the length of a line tells."""
        return self.bytes_per_line // (self.pixels_per_line * self.sample_bytes)

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole frame."""
        return self.bytes_per_line * self.lines

    @property
    def chunk_bytes(self) -> int:
        """Bytes that python-sane reads at a time: it goes by the format and never looks at bytes_per_line."""
        return self.pixels_per_line * self.sample_bytes * (1 if self.format == "gray" else 3)

    @property
    def expected_bytes(self) -> int:
        """Bytes that python-sane hands on: it drops what does not fill its last chunk."""
        return self.total_bytes - self.total_bytes % self.chunk_bytes


def decode(stream: bytes | bytearray, parameters: Parameters) -> npt.NDArray[np.uint8] | Counts:
    """Give the frame's complete rows, (rows, cols, channels), without copying.

    A row at the end that python-sane cut short is left out.

    Raises
    ------
    ShortFrameError
        If bytes are missing.
    ScannerIoError
        If there are too many.
    """
    if len(stream) < parameters.expected_bytes:
        raise ShortFrameError(f"{len(stream)} of {parameters.expected_bytes} bytes came")
    if len(stream) > parameters.expected_bytes:
        raise ScannerIoError(f"{len(stream)} bytes came where {parameters.expected_bytes} were announced")
    rows = len(stream) // parameters.bytes_per_line
    used = parameters.pixels_per_line * parameters.channels * parameters.sample_bytes
    lines = np.frombuffer(stream, np.uint8, rows * parameters.bytes_per_line).reshape(rows, -1)[:, :used]
    samples = lines if parameters.depth_bits == 8 else lines.view(np.uint16)
    return samples.reshape(rows, parameters.pixels_per_line, parameters.channels)


class PlaneMemory:
    """One plane of counts in memory that can be handed to another process and has no name to leave behind.

    Raises
    ------
    ScannerIoError
        If the machine has no memory for it now.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.descriptor = os.memfd_create("filmscand-plane")
        size_bytes = int(np.prod(shape)) * 2
        try:
            # All of it at once: page by page, at the first touch of each, takes the kernel more than twice as long.
            os.posix_fallocate(self.descriptor, 0, size_bytes)
            self.counts = map_plane(self.descriptor, shape)
        except OSError as error:
            self.close()
            raise ScannerIoError(f"no {size_bytes >> 20} MiB of memory for the frame: {error.strerror}") from error

    def fill(self, samples: npt.NDArray[np.uint8] | Counts) -> None:
        """Write samples into the plane, 8-bit ones scaled to 0..65535."""
        _copy_counts(samples, self.counts)

    def close(self) -> None:
        """Let go of this process's hold on it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def map_plane(descriptor: int, shape: tuple[int, ...]) -> Counts:
    """Map a plane that another process filled; the memory lives as long as the array."""
    memory = mmap.mmap(descriptor, int(np.prod(shape)) * 2)
    return np.frombuffer(memory, np.uint16).reshape(shape)


def split(samples: npt.NDArray[np.uint8] | Counts, rows: int) -> tuple[PlaneMemory, PlaneMemory | None]:
    """Copy rows of an RGB or RGBI frame into planes of their own."""
    cols, channels = samples.shape[1:]
    rgb = PlaneMemory((rows, cols, 3))
    if channels < 4:
        rgb.fill(samples[:rows])
        return rgb, None
    try:
        infrared = PlaneMemory((rows, cols))
    except ScannerIoError:
        rgb.close()
        raise
    step = max(BAND_BYTES // samples[0].nbytes, 1)
    for first in range(0, rows, step):
        band = samples[first : min(first + step, rows)]
        # Sample by sample: numpy's inner loop would otherwise run over three elements only.
        for sample in range(3):
            _copy_counts(band[..., sample], rgb.counts[first : first + step, :, sample])
        _copy_counts(band[..., 3], infrared.counts[first : first + step])
    return rgb, infrared


def _copy_counts(samples: npt.NDArray[np.uint8] | Counts, counts: Counts) -> None:
    if samples.dtype == np.uint8:
        np.multiply(samples, np.uint16(EIGHT_TO_SIXTEEN), out=counts, dtype=np.uint16)
    else:
        counts[...] = samples


def trim(plane: Counts, shape: tuple[int, int]) -> Counts:
    """Cut or continue a plane at its lower and right edges: a second pass may round to a row more or less.

    Raises
    ------
    ScannerIoError
        If it differs by more than that.
    """
    missing = [wanted - found for wanted, found in zip(shape, plane.shape, strict=True)]
    if max(abs(pixels) for pixels in missing) > ROUNDED_PX:
        raise ScannerIoError(f"infrared came as {plane.shape}, the picture as {shape}")
    widths = [(0, max(pixels, 0)) for pixels in missing]
    return np.pad(plane, widths, mode="edge")[: shape[0], : shape[1]]


def fit_grid(plane: npt.NDArray[np.uint8] | Counts, shape: tuple[int, int]) -> PlaneMemory:
    """Bring an infrared plane of another resolution onto the picture's grid, linearly between its samples."""
    fitted = PlaneMemory(shape)
    if plane.shape == shape:
        fitted.fill(plane)
        return fitted
    scale = EIGHT_TO_SIXTEEN if plane.dtype == np.uint8 else 1
    row_at, col_at = (_centres(new, old) for new, old in zip(shape, plane.shape, strict=True))
    col_low = np.minimum(col_at.astype(np.intp), max(plane.shape[1] - 2, 0))
    col_high = np.minimum(col_low + 1, plane.shape[1] - 1)
    share = (col_at - col_low).astype(np.float32)
    for row, position in enumerate(row_at):
        low = min(int(position), plane.shape[0] - 1)
        high = min(low + 1, plane.shape[0] - 1)
        line = plane[low] + (plane[high].astype(np.float32) - plane[low]) * np.float32(position - low)
        between = line[col_low] + (line[col_high] - line[col_low]) * share
        fitted.counts[row] = np.rint(between * scale).astype(np.uint16)
    return fitted


def _centres(new: int, old: int) -> npt.NDArray[np.float64]:
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0.0, old - 1.0)
