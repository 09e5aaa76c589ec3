"""Small frames in an archive: originals of any bytes, a revision of noise, a sidecar that fits them."""

from __future__ import annotations

import numpy as np

from filmscand.daemon.archive.frames.revisions import RevisionContent
from filmscand.daemon.archive.records.sidecar import Revision, Sidecar, frame_record, utc_now
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, Role
from filmscand.drivers.base import CaptureInfo
from filmscand.drivers.files.writer import TiffTags

FRAME = FrameId("meyer", "box-3", "r12", 7)


def write(path, content=b"scan" * 50_000):
    path.write_bytes(content)
    return path


def counts(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 65536, shape, dtype=np.uint16)


def content(number=1, seed=1):
    rgb = counts((30, 40, 3), seed)
    mask = np.zeros((30, 40), np.bool_)
    mask[5:8, 5:8] = True
    return RevisionContent(number, rgb, mask, (rgb >> 8).astype(np.uint8), TiffTags(document_name="x"), TiffTags())


def revision(number, files):
    return Revision(
        number=number,
        created_at=utc_now(),
        engine_version="1",
        options={"sensitivity": 0.5},
        inputs_sha256=(),
        outcome=CleanOutcome.CLEANED,
        report={"threshold": 0.1},
        warnings=(),
        seconds={},
        files=files,
    )


def complete(archive, tmp_path, frame=FRAME):
    stored = archive.copy_original(frame, write(tmp_path / "scan.tif"), Role.RAW)
    files = archive.store_revision(frame, content()).files
    capture = CaptureInfo(rows=30, cols=40, layout="tiff_rgb")
    sidecar = Sidecar(
        frame=frame_record(frame),
        film=FilmKind.SLIDE,
        capture=capture,
        originals=(stored,),
        revisions=(revision(1, files),),
    )
    archive.write_sidecar(frame, sidecar)
    return sidecar


def names(folder):
    return sorted(path.name for path in folder.iterdir())
