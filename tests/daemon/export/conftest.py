"""What tests of exporting ask for by name: an archive with a few frames, which no test changes."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.export.finished import PictureFormat
from filmscand.daemon.export.run import ExportOrder, export
from support.given_frames import described, frame_id, kept_raw, put_frame

LIMIT_BYTES = 512 << 20


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A slide, a turned negative with a caption, a frame that is kept raw, and one without infrared."""
    folder = tmp_path_factory.mktemp("archive")
    archive = Archive(folder / "archive")
    scans = folder / "scans"
    put_frame(archive, scans, frame_id(1))
    caption = described(caption="Käthe on the pier", date="1974-07", turn=90)
    put_frame(archive, scans, frame_id(2), "negative", **caption)
    put_frame(archive, scans, frame_id(3), **kept_raw())
    put_frame(archive, scans, frame_id(4), infrared=False)
    archive.note_roll_name(frame_id(1), "Ostsee '74")
    return archive


@pytest.fixture(scope="module")
def frames(archive):
    return list(archive.frames())


class InThisProcess:
    """Does the tasks of a child here, for tests of what comes of them: a child takes a second to start."""

    def __init__(self, task, memory_limit_bytes, timeout_s):
        self.ask = task

    def close(self):
        """End nothing."""


@pytest.fixture
def give(archive, tmp_path, monkeypatch):
    """Export frames without a child; return the report."""
    monkeypatch.setattr("filmscand.daemon.export.pictures.LimitedProcess", InThisProcess)

    def run(frames, format=PictureFormat.JPEG, folder=None):
        listed = [frames] if isinstance(frames, FrameId) else frames
        order = ExportOrder(folder or tmp_path / "given", format, LIMIT_BYTES)
        return export(archive, listed, order, lambda done, name: None)

    return run
