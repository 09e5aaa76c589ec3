"""The halves of a frame come into its folder whole, or not at all."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.errors import FrameExistsError, SourceChangedError
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.ingest.claiming.halves import Halves
from support.live_station import write_picture


@pytest.fixture
def reserved(bench):
    """Halves of a watch folder, and a reserved frame for a picture in it."""
    halves = Halves(bench.drop, bench.rounds._claimer._archive)
    path = write_picture(bench.drop / "a.tif", 1)
    row = bench.candidates.see("a.tif", path.stat().st_size, path.stat().st_mtime_ns)
    source = halves.hash(row, Role.RAW)
    job = bench.queue.reserve(Roll("c", "b", "r"), 1, [source], bench.rounds._claimer._request)
    return halves, row, source, job


def test_a_half_is_stored_once_also_if_its_source_is_gone_by_then(reserved, bench):
    halves, _, source, job = reserved
    stored = halves.store(job, source)
    (bench.drop / "a.tif").unlink()
    assert halves.store(job, source) == stored
    assert halves.find_stored(job.frame, source) == stored


def test_a_half_that_changed_since_it_settled_is_not_hashed(reserved, bench):
    halves, row, _, _ = reserved
    write_picture(bench.drop / "a.tif", 2, rows=60)
    with pytest.raises(SourceChangedError):
        halves.hash(row, Role.RAW)


def test_a_half_that_changed_since_it_was_hashed_leaves_nothing_behind(reserved, bench):
    halves, _, source, job = reserved
    write_picture(bench.drop / "a.tif", 2)
    with pytest.raises(SourceChangedError):
        halves.store(job, source)
    assert not (bench.station.archive / job.frame.folder).exists()


def test_another_file_in_the_frames_folder_is_never_replaced(reserved, bench):
    halves, _, source, job = reserved
    halves.store(job, source)
    write_picture(bench.drop / "a.tif", 2)
    other = halves.hash(bench.candidates.see("a.tif", *_stat(bench.drop / "a.tif")), Role.RAW)
    assert halves.find_stored(job.frame, other) is None
    with pytest.raises(FrameExistsError):
        halves.store(job, other)


def _stat(path):
    found = path.stat()
    return found.st_size, found.st_mtime_ns
