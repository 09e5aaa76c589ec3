"""What has to be true of a roll before it is sealed."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing.readiness import (
    looks,
    require_finished,
    require_never_sealed,
    require_no_empty_folder,
    require_sound,
    require_unchanged,
)
from filmscand.daemon.maintenance.sealing.roll import RollUnfinishedError, roll_to_seal
from support.sealed_roll import FRAMES, ROLL


@pytest.fixture
def asked(roll):
    return roll_to_seal(roll.station, ROLL)


def test_a_finished_roll_is_ready(asked):
    require_finished(asked, FRAMES)
    require_never_sealed(asked)
    require_sound(asked)
    require_unchanged(asked, looks(asked.folder))


def test_a_frame_in_line_is_not_finished(roll, asked):
    queue_again(roll.station, [f"{ROLL}_0002"], Changes(0.9))
    with pytest.raises(RollUnfinishedError, match="r_0002"):
        require_finished(asked, FRAMES)


def test_a_file_that_comes_or_changes_is_seen(asked):
    seen = looks(asked.folder)
    (asked.folder / "data/r_0001/note.txt").write_text("?")
    with pytest.raises(RollUnfinishedError, match="came or changed"):
        require_unchanged(asked, seen)


def test_a_changed_file_is_damage_and_an_empty_folder_cannot_be_named(asked):
    (asked.folder / "data/empty").mkdir()
    with pytest.raises(RollUnfinishedError, match="expected no empty folder"):
        require_no_empty_folder(asked.folder)
    (asked.folder / "data/r_0001/r_0001_r01_mask.png").write_bytes(b"rot")
    with pytest.raises(IntegrityError, match=r"mask\.png"):
        require_sound(asked)


def test_a_roll_that_was_sealed_and_lost_its_mark_is_no_open_roll(sealed):
    (sealed.folder / "bagit.txt").unlink()
    with pytest.raises(IntegrityError, match="the roll was sealed, and this file is gone"):
        require_never_sealed(roll_to_seal(sealed.station, ROLL))
