"""Planes in shared memory: another mapping sees the same counts, and want of memory is an error."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from filmscand.drivers.child.planes import PlaneMemory, map_plane
from filmscand.drivers.scanner.errors import Recovery, ScannerIoError


@pytest.mark.parametrize(("depth", "counts"), [(np.uint8, [0, 32896, 65535]), (np.uint16, [0, 128, 255])])
def test_counts_are_the_same_in_another_mapping_which_outlives_the_first(depth, counts):
    plane = PlaneMemory((1, 3))
    plane.fill(np.array([[0, 128, 255]], depth))
    descriptor = os.dup(plane.descriptor)
    other = map_plane(descriptor, (1, 3))
    os.close(descriptor)
    plane.close()
    assert other.tolist() == [counts]


def test_want_of_memory_is_an_error_that_another_try_may_mend_and_leaves_nothing_open():
    before = set(Path("/proc/self/fd").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(ScannerIoError, match="MiB of memory for the frame") as caught:
            PlaneMemory((100, 1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.recovery is Recovery.REOPEN
    assert set(Path("/proc/self/fd").iterdir()) == before
