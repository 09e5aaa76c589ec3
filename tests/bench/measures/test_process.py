"""Seconds and memory of a process."""

from __future__ import annotations

import os
import time

import numpy as np

from bench.frames.large import Planes
from bench.measures.process import (
    Peak,
    copy_seconds,
    forget_peak,
    in_child,
    memory_bytes,
    most_resident_bytes,
    resident_bytes,
    seconds_of,
)

MB = 1_000_000


def test_a_peak_is_told_in_frames_above_the_imports_and_above_the_frame():
    peak = Peak(100 * MB, 300 * MB, 700 * MB)
    assert (peak.frames_over_imports(200 * MB), peak.frames_over_frame(200 * MB)) == (3.0, 2.0)
    assert peak.describe(200 * MB) == (
        "700 MB resident at most: 3.00 frames above the imports, 2.00 frames above the imports and the frame itself"
    )


def test_the_peak_counts_from_when_it_was_forgotten():
    np.ones(60 * MB, np.uint8)
    forget_peak()
    before = most_resident_bytes()
    assert before < resident_bytes() + 30 * MB
    np.ones(60 * MB, np.uint8)
    assert most_resident_bytes() > before + 50 * MB


def test_the_memory_of_another_process_can_be_read():
    assert memory_bytes("VmRSS", os.getpid()) > 10 * MB


def test_work_in_a_child_is_done_by_another_process():
    assert in_child(os.getpid) != os.getpid()
    assert in_child(pow, 2, 5) == 32


def test_seconds_are_wall_time():
    assert 0.05 <= seconds_of(lambda: time.sleep(0.05)) < 5
    planes = Planes(np.zeros((50, 60, 3), np.uint16), np.zeros((50, 60), np.uint16))
    assert 0 < copy_seconds(planes) < 1
