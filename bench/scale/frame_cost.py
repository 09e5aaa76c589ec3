"""What one frame of 24 megapixels costs: seconds of one core, bytes, files and folders."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import tifffile

from bench.frames.large import Planes, tiled_frame
from bench.measures.process import in_child
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, CleanResult, Role, StoredFile

_ROWS, _COLS = 4000, 6000
_FRAME: Final = FrameId("bench", "box", "roll", 1)
_SMALL: Final = FrameId("bench", "box", "warm-up", 1)


@dataclass(frozen=True, slots=True)
class FrameCost:
    """What one frame costs.

    Attributes
    ----------
    clean_s : float
        Processor seconds from the file to the sidecar, with one thread.
    raw_bytes, revision_bytes : int
        Bytes of the raw file; of one revision.
    sidecar_bytes, events_bytes : int
        Bytes of the frame's sidecar, and of its events, with one revision.
    raw_inodes, revision_inodes : int
        Files and folders of a frame without any revision, its sidecar included; files of one revision.
    original : StoredFile
        The record of the raw file.
    result : CleanResult
        What the queue stores of it.
    """

    clean_s: float
    raw_bytes: int
    revision_bytes: int
    sidecar_bytes: int
    events_bytes: int
    raw_inodes: int
    revision_inodes: int
    original: StoredFile
    result: CleanResult


def measure_frame(folder: Path) -> FrameCost:
    """Archive and clean a frame in a folder, in a process of its own that has one thread."""
    planes: Planes = in_child(tiled_frame, _ROWS, _COLS)
    samples = np.dstack([planes.rgb, planes.infrared])
    for name, part in (("frame", samples), ("small", samples[:800, :1200])):
        tifffile.imwrite(
            folder / f"{name}.tif", part, photometric="rgb", extrasamples=["unspecified"], software="VueScan"
        )
    del planes, samples
    before = {name: os.environ.get(name) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        cost: FrameCost = in_child(_measure, folder)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
    return cost


def _measure(folder: Path) -> FrameCost:
    archive = Archive(folder / "archive")
    _archived(archive, _SMALL, folder / "small.tif")
    clean_into_archive(archive, _SMALL, CleanRequest())
    original = _archived(archive, _FRAME, folder / "frame.tif")
    raw_inodes = _inodes(archive)
    # What else the machine does is not counted.
    began_s = time.process_time()
    result = clean_into_archive(archive, _FRAME, CleanRequest(originals=(original,)))
    clean_s = time.process_time() - began_s
    sidecar = archive.read_sidecar(_FRAME)
    return FrameCost(
        clean_s=clean_s,
        raw_bytes=original.size_bytes,
        revision_bytes=sum(file.size_bytes for file in sidecar.latest.files),
        sidecar_bytes=archive.frame_folder(_FRAME).sidecar.stat().st_size,
        events_bytes=(archive.root / _FRAME.roll_folder / "metadata" / "events.jsonl").stat().st_size,
        # The sidecar comes with the first revision and stays one file.
        raw_inodes=raw_inodes + 1,
        revision_inodes=_inodes(archive) - raw_inodes - 1,
        original=original,
        result=result,
    )


def _archived(archive: Archive, frame: FrameId, scan: Path) -> StoredFile:
    return archive.copy_original(frame, scan, Role.RAW)


def _inodes(archive: Archive) -> int:
    """Return the number of files of the frame, and its folder."""
    folder = archive.frame_folder(_FRAME).path
    return 1 + len(list(folder.iterdir()))
