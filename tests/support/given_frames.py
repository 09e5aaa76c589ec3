"""Frames for exporting: simulated scans in an archive, with a healed spot, and what people wrote about them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from filmscand.daemon.archive.frames.revisions import RevisionContent
from filmscand.daemon.archive.records.sidecar import AccessRecord, Sidecar, frame_record
from filmscand.daemon.core.decision import Decision, DecisionKind
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, Role
from filmscand.drivers.base import CaptureInfo, InfraredOrigin
from filmscand.drivers.files.writer import TiffTags
from support.archive_frames import revision
from support.film_scans import pair, rgbi
from support.ir_frames import simulated

SHAPE = (60, 90)
SCANNED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
# Where the cleaned picture differs from the raw one: rows and columns.
HEALED = np.s_[20:24, 30:34]


def frame_id(number, roll="roll-7"):
    return FrameId("museum", "box-1", roll, number)


def scan_of(kind="leaky_slide", shape=SHAPE):
    return simulated(kind, "landscape", shape)


def put_frame(archive, folder, frame, kind="leaky_slide", *, infrared=True, **changes):
    """Put a frame of a kind into the archive; `changes` replace parts of its sidecar."""
    scanned = scan_of(kind)
    folder.mkdir(exist_ok=True)
    path = rgbi(folder / f"{frame.stem}.tif", scanned) if infrared else pair(folder, scanned, frame.stem)[0]
    raw = archive.copy_original(frame, path, Role.RAW)
    clean = scanned.rgb.copy()
    clean[HEALED] = 12_345
    mask = (clean != scanned.rgb).any(axis=2)
    content = RevisionContent(1, clean, mask, (clean >> 8).astype(np.uint8), TiffTags(), TiffTags())
    files = archive.store_revision(frame, content).files
    negative = kind in ("negative", "silver")
    access = AccessRecord(inverted=negative)
    made = revision(1, files).model_copy(update={"access": access, "inputs_sha256": (raw.sha256,)})
    origin = InfraredOrigin.FOURTH_SAMPLE if infrared else InfraredOrigin.NONE
    capture = CaptureInfo(
        rows=SHAPE[0],
        cols=SHAPE[1],
        layout="tiff_rgbi",
        linear=True,
        make="Nikon",
        model="LS-5000 ED",
        software="VueScan 9",
        captured_at=SCANNED_AT,
        resolution_dpi=4000,
        infrared_origin=origin,
    )
    film = FilmKind.NEGATIVE if negative else FilmKind.SLIDE
    sidecar = Sidecar(
        frame=frame_record(frame), film=film, capture=capture, originals=(raw,), revisions=(made,)
    ).model_copy(update=changes)
    archive.write_sidecar(frame, sidecar)
    return sidecar


def described(**fields):
    return {"description": Description(**fields)}


def kept_raw():
    return {"decisions": (Decision.made_now(DecisionKind.KEEP_RAW, 1),)}


def uncleaned(sidecar):
    return sidecar.model_copy(
        update={"revisions": (sidecar.latest.model_copy(update={"outcome": CleanOutcome.UNCLEANED}),)}
    )
