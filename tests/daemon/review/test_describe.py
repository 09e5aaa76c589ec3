"""What people write about frames: in the archive and its events, restored by a rebuild, applied to what is shown."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.core.decision import DecisionKind
from filmscand.daemon.core.description.record import Description, DescriptionChanges
from filmscand.daemon.core.errors import IntegrityError, RollSealedError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import Roll, find_frame
from filmscand.daemon.database.sheets.rolls import frames_of_roll
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, queue_again
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.review.caption_list import ListRefusedError, read_list
from filmscand.daemon.review.decide import Asked, FrameBusyError, decide
from filmscand.daemon.review.describe import describe, describe_roll
from support.cleaned_station import CleanedStation

pytestmark = pytest.mark.usefixtures("compiled_engine")
ROLL = Roll("c", "b", "r")
FIRST, SECOND = (FrameId("c", "b", "r", number) for number in (1, 2))


class Desk(CleanedStation):
    """Its station with a person's hands."""

    def describe(self, frame=FIRST, by=None, **changes):
        return describe(self.station, frame, DescriptionChanges(**changes), by)

    def describe_roll(self, text):
        return describe_roll(self.station, ROLL, read_list(text, ROLL), "anna")

    def listed(self):
        with self.open() as connection:
            return [one.description for one in frames_of_roll(connection, ROLL)]

    def sidecar(self, frame=FIRST):
        return self.archive.read_sidecar(frame)

    def access(self, number):
        path = self.archive.frame_folder(FIRST).path / f"r_0001_r{number:02d}_access.jpg"
        return np.asarray(Image.open(path)).astype(int)

    def events(self):
        events = read_events(self.archive.root / FIRST.roll_folder / "metadata" / "events.jsonl")
        return [one for one in events if one.detail.description is not None]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, FIRST, SECOND)


def test_what_is_written_is_in_the_sidecar_the_events_and_the_lists(desk):
    result = desk.describe(by="anna", caption="Ada", date="1968-07", mount_number="12A")
    expected = Description(caption="Ada", date="1968-07", mount_number="12A")
    assert (result.description, result.is_new) == (expected, True)
    assert desk.sidecar().description == expected
    assert desk.listed() == [expected, Description()]
    (event,) = desk.events()
    assert (event.type, event.frame, event.about) == (EventType.METADATA, str(FIRST), "r_0001.json")
    assert (event.detail.description, event.detail.by) == (expected, "anna")
    assert desk.problems() == ()


def test_writing_the_same_again_records_nothing(desk):
    desk.describe(caption="Ada")
    before = desk.archive.frame_folder(FIRST).sidecar.read_bytes()
    assert not desk.describe(caption="Ada").is_new
    assert desk.archive.frame_folder(FIRST).sidecar.read_bytes() == before
    assert len(desk.events()) == 1


def test_what_is_cleared_leaves_the_sidecar_as_it_was(desk):
    before = desk.archive.frame_folder(FIRST).sidecar.read_bytes()
    desk.describe(caption="Ada", turn=90)
    desk.describe(caption="", turn=0)
    assert desk.archive.frame_folder(FIRST).sidecar.read_bytes() == before
    assert desk.listed()[0] == Description()


def test_a_rebuild_restores_it(desk):
    desk.describe(caption="Ada", turn=270, mirrored=True)
    desk.station.database.unlink()
    rebuild(desk.station)
    assert desk.listed() == [Description(caption="Ada", turn=270, mirrored=True), Description()]


def test_only_the_access_image_of_the_next_revision_is_turned_and_only_once(desk):
    files = {path.name: path.read_bytes() for path in desk.archive.frame_folder(FIRST).path.iterdir()}
    desk.describe(turn=90, mirrored=True)
    for number, sensitivity in ((2, 0.7), (3, 0.9)):
        queue_again(desk.station, [str(FIRST)], Changes(sensitivity, None), failed=False)
        desk.work()
        turned = np.rot90(desk.access(1)[:, ::-1], -1)
        # JPEG is not the same after turning, and the sensitivity changes single specks.
        assert np.abs(desk.access(number) - turned).mean() < 3
        assert desk.access(number).shape == turned.shape
        access = desk.sidecar().latest.access
        assert (access.turn, access.mirrored) == (90, True)
    assert desk.sidecar().revisions[0].access.turn == 0
    after = desk.archive.frame_folder(FIRST).path
    unchanged = {name: (after / name).read_bytes() for name in files if not name.endswith(".json")}
    assert unchanged == {name: content for name, content in files.items() if not name.endswith(".json")}
    rows, cols = desk.sidecar().capture.rows, desk.sidecar().capture.cols
    with Image.open(after / "r_0001_r02_mask.png") as mask:
        assert (mask.height, mask.width) == (rows, cols)
    assert desk.listed()[0] == Description(turn=90, mirrored=True)
    assert desk.problems() == ()


def test_a_frame_that_was_turned_and_is_cleaned_as_before_makes_no_revision(desk):
    desk.describe(turn=180)
    queue_again(desk.station, [str(FIRST)], Changes(None, None), failed=False)
    desk.work()
    assert len(desk.sidecar().revisions) == 1
    assert desk.listed()[0] == Description(turn=180)


def test_a_list_describes_many_frames(desk):
    desk.describe(caption="Bea", frame=SECOND)
    result = desk.describe_roll("frame,caption,date\n1,Ada,1968\n2,Bea,\n")
    assert (result.roll, result.frames, result.unchanged) == ("c/b/r", 2, 1)
    assert desk.listed() == [Description(caption="Ada", date="1968"), Description(caption="Bea")]
    assert [one.detail.by for one in desk.events() if one.frame == str(FIRST)] == ["anna"]
    assert desk.problems() == ()


def test_of_a_list_with_a_frame_that_is_not_there_nothing_is_taken(desk):
    queue_again(desk.station, [str(SECOND)], Changes(0.9, None), failed=False)
    with pytest.raises(ListRefusedError) as refused:
        desk.describe_roll("frame,caption\n1,Ada\n2,Bea\n9,Cy\n")
    waits, unknown = refused.value.problems
    assert waits == "line 3: c/b/r_0002 waits in the queue: try again when it is done"
    assert unknown == "line 4: the station has no frame c/b/r_0009"
    assert desk.sidecar().description is None
    assert desk.events() == []


def test_a_frame_that_waits_or_is_not_known_is_not_described(desk):
    with pytest.raises(NoSuchFramesError):
        desk.describe(FrameId("c", "b", "r", 9), caption="Ada")
    queue_again(desk.station, [str(FIRST)], Changes(0.9, None), failed=False)
    with pytest.raises(FrameBusyError, match="try again when it is done"):
        desk.describe(caption="Ada")


def test_a_description_reopens_a_sealed_roll_and_a_lost_mark_refuses_it(desk):
    seal(desk.station, "c/b/r", {})
    desk.describe(caption="Ada")
    assert seal(desk.station, "c/b/r").generation == 2
    desk.describe_roll("frame,caption\n1,Ada\n")
    assert not desk.archive.is_reopened(FIRST)
    desk.describe_roll("frame,caption\n1,Grace\n")
    assert seal(desk.station, "c/b/r").generation == 3
    assert desk.problems() == ()
    (desk.archive.root / FIRST.roll_folder / "bagit.txt").unlink()
    with pytest.raises(RollSealedError, match="this file is gone"):
        desk.describe(caption="Edsger")


def test_a_sidecar_that_somebody_changed_is_not_written_over_and_nothing_of_a_list_is_taken(desk):
    path = desk.archive.frame_folder(SECOND).sidecar
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"flags": []', b'"flags": [ ]'))
    with pytest.raises(IntegrityError, match="expected a sidecar that filmscand wrote"):
        desk.describe_roll("frame,caption\n1,Ada\n2,Bea\n")
    assert desk.sidecar().description is None


def test_the_copy_of_the_database_survives_a_decision(desk):

    desk.describe(caption="Ada")
    decide(desk.station, FIRST, Asked(DecisionKind.ACCEPT))
    with desk.open() as connection:
        assert find_frame(connection, FIRST).result.description == Description(caption="Ada")
    assert desk.sidecar().description == Description(caption="Ada")
