"""A frozen roll takes nothing, whoever asks, and everything again once it is sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.core.decision import DecisionKind
from filmscand.daemon.core.errors import RollFrozenError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part, frozen_rolls
from filmscand.daemon.fixity.findings import Findings
from filmscand.daemon.maintenance.losses import NotLostError, accept_losses
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing.seal import seal
from filmscand.daemon.maintenance.sessions.order import SessionOrder, next_frame, queue_session
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.review.decide import Asked, decide
from filmscand.daemon.review.describe import DescriptionChanges, describe
from support.archive_frames import content, write
from support.kept_station import OPEN, OPEN_FRAMES, SEALED, SEALED_FRAMES, open_station, reopen

FRAME, NEXT = OPEN_FRAMES[0], FrameId("c", "b", "k", 9)
DAMAGE = (Damage("data/k_0002/k_0002_raw.tif", "changed", "expected these bytes, found others"),)


@pytest.fixture
def frozen(connection):
    Audits(connection).note(Part.of(OPEN_FRAMES[1]), DAMAGE)


ORDER = SessionOrder(collection="c", box="b", roll="k", device="test:0")
DEEDS = {
    "add a file": lambda live, archive, tmp: archive.copy_original(NEXT, write(tmp / "a.tif"), Role.RAW),
    "reserve a number": lambda live, archive, tmp: archive.reserve(NEXT),
    "note a name": lambda live, archive, tmp: archive.note_roll_name(FRAME, "K"),
    "add a revision": lambda live, archive, tmp: archive.store_revision(FRAME, content(2)),
    "write a sidecar": lambda live, archive, tmp: archive.write_sidecar(FRAME, archive.read_sidecar(FRAME)),
    "clean again": lambda live, archive, tmp: queue_again(live.station, [OPEN], Changes(sensitivity=0.9)),
    "decide": lambda live, archive, tmp: decide(live.station, FRAME, Asked(DecisionKind.ACCEPT)),
    "describe": lambda live, archive, tmp: describe(live.station, FRAME, DescriptionChanges(caption="A house")),
    "seal": lambda live, archive, tmp: seal(live.station, OPEN),
    "scan": lambda live, archive, tmp: queue_session(live.station, ORDER),
}


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("deed", DEEDS)
def test_a_frozen_roll_refuses_and_says_why(live, archive, tmp_path, deed):
    with pytest.raises(RollFrozenError, match=r"the roll is frozen: a file is not as recorded: .*k_0002_raw\.tif"):
        DEEDS[deed](live, archive, tmp_path)


@pytest.mark.parametrize("deed", ["reserve a number", "note a name", "write a sidecar", "scan"])
def test_a_roll_that_is_sound_again_takes_everything(live, archive, connection, tmp_path, deed):
    for damage in (DAMAGE, ()):
        Audits(connection).note(Part.of(OPEN_FRAMES[1]), damage)
    DEEDS[deed](live, archive, tmp_path)


def test_a_rebuilt_database_knows_the_damage_from_the_events(live, archive, connection):
    findings = Findings(connection, archive)
    for part in (Part.of(OPEN_FRAMES[1]), Part("c", "b", "s"), Part.of(OPEN_FRAMES[0])):
        findings.note(part, DAMAGE)
    findings.note(Part.of(OPEN_FRAMES[0]), ())
    before = frozen_rolls(connection)
    connection.close()
    rebuild(live.station, replace=True)
    with open_station(live) as rebuilt:
        after = frozen_rolls(rebuilt)
    assert [(one.name, one.damage) for one in after] == [(one.name, one.damage) for one in before]
    assert [one.name for one in after] == ["c/b/k", "c/b/s"]


@pytest.mark.usefixtures("frozen")
def test_other_rolls_go_on(archive, tmp_path):
    other = FrameId("c", "b", "other", 1)
    archive.copy_original(other, write(tmp_path / "a.tif"), Role.RAW)
    assert archive.find_original(other, Role.RAW) is not None


@pytest.mark.usefixtures("frozen")
def test_the_form_of_a_session_is_told_why(live):
    assert "the roll is frozen" in next_frame(live.station, Roll("c", "b", "k")).problem


@pytest.mark.usefixtures("frozen")
def test_a_loss_can_be_accepted_though_the_roll_is_frozen(live):
    with pytest.raises(NotLostError):
        accept_losses(live.station, [str(FRAME)], "burnt")


@pytest.mark.usefixtures("frozen")
def test_the_status_has_its_alarm_with_and_without_the_service(live):
    status = station_status(live.station)
    assert [alarm.key for alarm in status.alarms] == ["fixity:c/b/k"]
    assert Path(status.audit.frozen_rolls[0]) == Path(OPEN)


def test_a_sealed_roll_that_is_frozen_is_neither_reopened_nor_sealed_again(live, connection):
    frozen = Part.of(SEALED_FRAMES[0])
    Audits(connection).note(frozen, DAMAGE)
    with pytest.raises(RollFrozenError):
        reopen(live)
    Audits(connection).note(frozen, ())
    reopen(live)
    Audits(connection).note(frozen, DAMAGE)
    with pytest.raises(RollFrozenError):
        seal(live.station, SEALED)
