"""Planes of counts in memory that a scanner's process shares with its parent."""

from __future__ import annotations

import mmap
import os

import numpy as np
import numpy.typing as npt

from filmscand.drivers.scanner.errors import ScannerIoError

Counts = npt.NDArray[np.uint16]
# Factor that spreads 8-bit counts over 0..65535.
EIGHT_TO_SIXTEEN = 257


class PlaneMemory:
    """One plane of counts in shared memory that another process can map. It has no name, so a crash leaves nothing.

    Parameters
    ----------
    shape : tuple of int
        Shape of the plane.

    Attributes
    ----------
    counts : ndarray of uint16
        The plane.
    descriptor : int
        File descriptor of the memory; -1 after `close`.

    Raises
    ------
    ScannerIoError
        If there is not enough memory at present.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.descriptor = os.memfd_create("filmscand-plane")
        size_bytes = int(np.prod(shape)) * 2
        try:
            # Allocating at once: if the kernel adds page after page at the first access, it takes over twice as long.
            os.posix_fallocate(self.descriptor, 0, size_bytes)
            self.counts = map_plane(self.descriptor, shape)
        except OSError as error:
            self.close()
            expected = f"expected {size_bytes >> 20} MiB of memory for the frame"
            raise ScannerIoError(f"{expected}: {error.strerror}") from error

    def fill(self, samples: npt.NDArray[np.uint8] | Counts) -> None:
        """Copy samples of the plane's shape into the plane; 8-bit samples are scaled to 0..65535."""
        copy_counts(samples, self.counts)

    def close(self) -> None:
        """Close this process's file descriptor; may be called repeatedly."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def map_plane(descriptor: int, shape: tuple[int, ...]) -> Counts:
    """Map a plane that another process has filled; the memory lives as long as the array of uint16."""
    memory = mmap.mmap(descriptor, int(np.prod(shape)) * 2)
    return np.frombuffer(memory, np.uint16).reshape(shape)


def copy_counts(samples: npt.NDArray[np.uint8] | Counts, counts: Counts) -> None:
    """Copy samples into counts of the same shape; 8-bit samples are scaled to 0..65535."""
    if samples.dtype == np.uint8:
        np.multiply(samples, np.uint16(EIGHT_TO_SIXTEEN), out=counts, dtype=np.uint16)
    else:
        counts[...] = samples
