"""A sealed roll is reopened once, before the first of its files changes, and not sealed in the middle of a change."""

from __future__ import annotations

import os

import pytest

from filmscand.daemon.archive.files.locking import lock
from filmscand.daemon.archive.records.bag import DECLARED
from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.revising import changing_roll, reopen, sealing_roll
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import IntegrityError, RollSealedError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.maintenance.sealing.bag_files import write_bag
from filmscand.daemon.station.bag import DigestAlgorithm

FRAME = FrameId("c", "b", "r", 1)


@pytest.fixture
def archive(tmp_path):
    """An archive with one open roll."""
    archive = Archive(tmp_path)
    archive.note_roll_name(FRAME, "r")
    archive.append_events(FRAME, [])
    return archive


@pytest.fixture
def folder(archive):
    return archive.root / FRAME.roll_folder


@pytest.fixture
def sealed(archive, folder):
    write_bag(folder, {}, (), (DigestAlgorithm.SHA512,))
    (folder / "bagit.txt").write_bytes(DECLARED)
    (folder / "manifest-sha512.txt").read_bytes()
    return archive


def reopenings(folder):
    return [event for event in read_events(folder / EVENTS) if event.type is EventType.REOPENING]


def test_an_open_roll_stays_as_it_is(archive, folder):
    reopen(archive, FRAME)
    assert not (folder / "reopened.json").exists()


def test_a_sealed_roll_is_reopened_once(sealed, folder):
    for _ in range(2):
        with changing_roll(sealed, FRAME):
            reopen(sealed, FRAME)
    assert sealed.is_reopened(FRAME)
    assert [event.detail.generation for event in reopenings(folder)] == [1]


def test_a_roll_whose_records_were_changed_stays_sealed(sealed, folder):
    (folder / "metadata/roll.json").write_bytes(b"{}")
    with pytest.raises(IntegrityError, match=r"roll\.json"):
        reopen(sealed, FRAME)
    assert not sealed.is_reopened(FRAME)


def test_a_roll_that_lost_its_mark_is_not_reopened(sealed, folder):
    (folder / "bagit.txt").unlink()
    archive = Archive(sealed.root, was_sealed=lambda roll: True)
    with pytest.raises(RollSealedError, match="this file is gone"):
        reopen(archive, FRAME)


def test_several_may_change_a_roll_but_one_that_seals_it_is_alone(archive, folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with changing_roll(archive, FRAME), changing_roll(archive, FRAME), pytest.raises(BlockingIOError):
            lock(descriptor, wait=False)
        with sealing_roll(archive, FRAME) as is_locked, pytest.raises(BlockingIOError):
            assert is_locked
            lock(descriptor, wait=False, shared=True)
    finally:
        os.close(descriptor)
