"""Turns the bytes of a SANE frame into planes of counts, and checks them against SANE's parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.drivers.child.planes import EIGHT_TO_SIXTEEN, Counts, PlaneMemory, copy_counts
from filmscand.drivers.scanner.errors import ScannerIoError, ShortFrameError

# Largest difference in rows or columns of two passes over the same area, in pixels: backends round differently.
ROUNDED_PX = 4
# Size of a band of rows whose samples are separated together, in bytes; it fits into the processor's cache.
BAND_BYTES = 1 << 19
# Largest frame that is accepted, in bytes. No film scanner delivers more; parameters beyond it are corrupt.
LARGEST_FRAME_BYTES = 1 << 33


@dataclass(frozen=True, slots=True)
class Parameters:
    """SANE's parameters of a frame, read after its start.

    Attributes
    ----------
    format : str
        SANE's frame type: "gray", "color", "red", "green" or "blue".
    pixels_per_line, lines : int
        Columns and rows, > 0.
    depth_bits : int
        Bits per sample on the wire, 8 or 16.
    bytes_per_line : int
        Length of a line, padding included.

    Raises
    ------
    ScannerIoError
        If the parameters are impossible.
    """

    format: str
    pixels_per_line: int
    lines: int
    depth_bits: int
    bytes_per_line: int

    def __post_init__(self) -> None:
        plausible = self.depth_bits in (8, 16) and self.pixels_per_line > 0 and self.lines > 0
        if not plausible or not 1 <= self.channels <= 4 or self.total_bytes > LARGEST_FRAME_BYTES:
            raise ScannerIoError(f"the scanner announced an impossible frame: {self}")

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return self.depth_bits // 8

    @property
    def channels(self) -> int:
        """Samples per pixel, from the length of a line: SANE has no frame type of four samples."""
        return self.bytes_per_line // (self.pixels_per_line * self.sample_bytes)

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole frame."""
        return self.bytes_per_line * self.lines

    @property
    def chunk_bytes(self) -> int:
        """Bytes that python-sane reads at a time; it derives them from the format and ignores bytes_per_line."""
        return self.pixels_per_line * self.sample_bytes * (1 if self.format == "gray" else 3)

    @property
    def expected_bytes(self) -> int:
        """Bytes that python-sane returns; it drops the rest that does not fill its last chunk."""
        return self.total_bytes - self.total_bytes % self.chunk_bytes


def decode(stream: bytes | bytearray, parameters: Parameters) -> npt.NDArray[np.uint8] | Counts:
    """View the complete rows of a frame as an array, without copying.

    Parameters
    ----------
    stream : bytes or bytearray
        The frame as python-sane returns it. A last row that python-sane has cut short is left out.
    parameters : Parameters
        What the scanner announced.

    Returns
    -------
    (rows, cols, channels) ndarray of uint8 or uint16
        Counts as delivered, without padding.

    Raises
    ------
    ShortFrameError
        If bytes are missing.
    ScannerIoError
        If there are too many bytes.
    """
    if len(stream) < parameters.expected_bytes:
        raise ShortFrameError(f"the scanner sent {len(stream)} of {parameters.expected_bytes} announced bytes")
    if len(stream) > parameters.expected_bytes:
        raise ScannerIoError(f"the scanner sent {len(stream)} bytes, it announced {parameters.expected_bytes}")
    rows = len(stream) // parameters.bytes_per_line
    used = parameters.pixels_per_line * parameters.channels * parameters.sample_bytes
    lines = np.frombuffer(stream, np.uint8, rows * parameters.bytes_per_line).reshape(rows, -1)[:, :used]
    samples = lines if parameters.depth_bits == 8 else lines.view(np.uint16)
    return samples.reshape(rows, parameters.pixels_per_line, parameters.channels)


def split(samples: npt.NDArray[np.uint8] | Counts, rows: int) -> tuple[PlaneMemory, PlaneMemory | None]:
    """Copy the rows of a frame into separate planes.

    Parameters
    ----------
    samples : (at least `rows`, cols, 3 or 4) ndarray of uint8 or uint16
        RGB or RGB and infrared; 8-bit samples are scaled to 0..65535.
    rows : int
        How many rows to copy.

    Returns
    -------
    rgb : PlaneMemory
        The picture, (rows, cols, 3).
    infrared : PlaneMemory or None
        The infrared plane, (rows, cols); None for three channels.

    Raises
    ------
    ScannerIoError
        If there is not enough memory at present.
    """
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
        # One copy per sample: numpy's inner loop would otherwise run over three elements only.
        for sample in range(3):
            copy_counts(band[..., sample], rgb.counts[first : first + step, :, sample])
        copy_counts(band[..., 3], infrared.counts[first : first + step])
    return rgb, infrared


def trim(plane: Counts, shape: tuple[int, int]) -> Counts:
    """Crop or extend a plane at its lower and right edges, because a second pass may round to other rows or columns.

    Parameters
    ----------
    plane : (rows, cols) ndarray of uint16
        The infrared plane.
    shape : (int, int)
        Rows and columns of the picture.

    Returns
    -------
    ndarray of uint16, of shape `shape`
        Missing rows and columns repeat the last one.

    Raises
    ------
    ScannerIoError
        If a side differs by more than `ROUNDED_PX`.
    """
    missing = [wanted - found for wanted, found in zip(shape, plane.shape, strict=True)]
    if max(abs(pixels) for pixels in missing) > ROUNDED_PX:
        raise ScannerIoError(f"the infrared has the shape {plane.shape}, the picture {shape}")
    widths = [(0, max(pixels, 0)) for pixels in missing]
    return np.pad(plane, widths, mode="edge")[: shape[0], : shape[1]]


def fit_grid(plane: npt.NDArray[np.uint8] | Counts, shape: tuple[int, int]) -> PlaneMemory:
    """Resample an infrared plane onto the picture's grid by bilinear interpolation, pixel areas aligned.

    Output pixel i reads the plane at (i + 1/2) n / m - 1/2, for n pixels that become m; the ends are clamped.

    Parameters
    ----------
    plane : (rows, cols) ndarray of uint8 or uint16
        The infrared plane; 8-bit samples are scaled to 0..65535.
    shape : (int, int)
        Rows and columns of the picture.

    Returns
    -------
    PlaneMemory
        A plane of the picture's shape; an exact copy if the shapes are equal.

    Raises
    ------
    ScannerIoError
        If there is not enough memory at present.
    """
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
        interpolated = line[col_low] + (line[col_high] - line[col_low]) * share
        fitted.counts[row] = np.rint(interpolated * scale).astype(np.uint16)
    return fitted


def _centres(new: int, old: int) -> npt.NDArray[np.float64]:
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0.0, old - 1.0)
