"""What is found wrong is noted in the database, in the roll's events, and in the log."""

from __future__ import annotations

from pathlib import Path

from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS, FIXITY_LOG
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.database.keeping.audits import Damage, Part, frozen_rolls
from filmscand.daemon.fixity.findings import (
    Findings,
    damage_among,
    freezes_or_thaws,
    note_verification,
    part_of,
)
from support.kept_station import OPEN, OPEN_FRAMES, RAW, SEALED, SEALED_FRAMES, flip, remove, reopen

FIRST = Part.of(OPEN_FRAMES[0])
CHANGED = (Damage(RAW.format("k"), "changed", "expected these bytes, found others"),)


def checks(file):
    return [event for event in read_events(file) if event.type is EventType.FIXITY_CHECK]


def test_only_damage_is_noted_by_its_path_below_the_roll(tmp_path):
    roll = tmp_path / "r"
    problems = [
        Problem(roll / "data" / "a", ProblemKind.MISSING, "gone"),
        Problem(roll / "data" / "b", ProblemKind.UNLISTED, "ours"),
        Problem(roll, ProblemKind.MISSING, "no roll"),
        Problem(roll / "caf\udce9\x1b", ProblemKind.FOREIGN, "x"),
    ]
    assert [one.path for one in damage_among(problems, roll)] == ["data/a", "its folder", "caf\\xe9\\x1b"]


def test_a_path_belongs_to_its_frame_or_to_the_records_of_its_roll():
    assert part_of(Path(OPEN, RAW.format("k"))) == FIRST
    assert part_of(Path(OPEN, "data/notes.txt")) == Part("c", "b", "k")
    assert part_of(Path(OPEN)) == Part("c", "b", "k")


def test_each_change_of_the_findings_is_one_event_of_the_roll(archive, connection, caplog):
    findings = Findings(connection, archive)
    for damage in (CHANGED, CHANGED, (), ()):
        findings.note(FIRST, damage)
    bad, good = checks(archive.root / OPEN / EVENTS)
    assert (bad.frame, bad.about, bad.outcome) == ("c/b/k_0001", "k_0001", "files that are not as recorded: 1")
    assert [(one.path, one.kind) for one in bad.detail.problems] == [(RAW.format("k"), "changed")]
    assert good.outcome == "success"
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_the_events_of_a_sealed_roll_stay_as_they_are(live, archive, connection):
    Findings(connection, archive).note(Part.of(SEALED_FRAMES[0]), CHANGED)
    assert len(checks(archive.root / FIXITY_LOG)) == 1
    assert not verify_rolls(live.archive, (SEALED,), live.station.database).problems


def test_the_events_of_a_reopened_roll_are_not_written_to_either(live, archive, connection):
    reopen(live)
    Findings(connection, archive).note(Part.of(SEALED_FRAMES[0]), CHANGED)
    assert len(checks(archive.root / FIXITY_LOG)) == 1
    assert checks(archive.root / SEALED / EVENTS) == []


def test_events_that_are_damaged_or_gone_are_not_written_to(archive, connection):
    remove(archive.root / OPEN / EVENTS)
    Findings(connection, archive).note(FIRST, CHANGED)
    assert not (archive.root / OPEN / EVENTS).exists()
    assert len(checks(archive.root / FIXITY_LOG)) == 1


def test_a_disk_that_takes_no_event_does_not_keep_the_finding_from_being_noted(archive, connection, caplog):
    (archive.root / FIXITY_LOG).mkdir()
    Findings(connection, archive).note(Part.of(SEALED_FRAMES[0]), CHANGED)
    assert len(frozen_rolls(connection)) == 1
    assert "is not written" in caplog.text


def test_a_verification_freezes_damaged_rolls_and_takes_sound_ones_up_again(live, connection):
    raw = live.archive.root / OPEN / RAW.format("k")

    def verify(*rolls):
        note_verification(live.station, verify_rolls(live.archive, rolls, live.station.database))
        return [one.name for one in frozen_rolls(connection)]

    assert verify() == []
    sound = verify_rolls(live.archive, (), live.station.database)
    assert not freezes_or_thaws(live.station, sound)
    flip(raw)
    flip(live.archive.root / SEALED / RAW.format("s"))
    assert verify() == [OPEN, SEALED]
    assert freezes_or_thaws(live.station, sound)
    flip(raw)
    assert verify(SEALED) == [OPEN, SEALED]
    assert verify(OPEN) == [SEALED]
