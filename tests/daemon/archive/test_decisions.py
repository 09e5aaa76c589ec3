"""Decisions in the sidecar: appended, told in the events, and never lost between two writers."""

from __future__ import annotations

import threading

import pytest

from filmscand.daemon.archive.decisions import changing, make_current, record_decision
from filmscand.daemon.archive.records.events import read_events
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.decision import Decision, DecisionKind, Settings
from filmscand.daemon.core.film_kind import FilmKind
from support.archive_frames import FRAME, complete, content, revision

WANTED = Settings(sensitivity=0.8, film=FilmKind.SLIDE)


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive")
    complete(archive, tmp_path)
    return archive


def record(archive, kind="accept", wanted=None):
    with changing(archive, FRAME):
        return record_decision(archive, archive.read_sidecar(FRAME), Decision.made_now(DecisionKind(kind), 1), wanted)


def test_a_sidecar_without_decisions_is_written_as_earlier_versions_did(archive):
    plain = archive.frame_folder(FRAME).sidecar.read_text()
    assert not {"decisions", "wanted", "current_revision", "excluded"} & set(plain.replace('"', " ").split())


def test_decisions_are_appended_and_told_in_the_events(archive):
    first = record(archive)
    second = record(archive, "undo")
    assert archive.read_sidecar(FRAME) == second
    assert second.decisions[0] == first.decisions[0]
    events = read_events(archive.root / FRAME.roll_folder / "metadata" / "events.jsonl")
    assert [event.detail.decision for event in events if event.type == "appraisal"] == list(second.decisions)
    assert archive.verify(FRAME) == ()


def test_what_waits_for_its_cleaning_waits_until_a_revision_counts(archive):
    record(archive, "clean_again", WANTED)
    assert record(archive).wanted == WANTED
    made = make_current(archive, FRAME, 1, FilmKind.SLIDE)
    assert (made.wanted, made.current_revision) == (None, None)


def test_an_earlier_revision_can_count_and_the_newest_needs_no_pointer(archive):
    files = archive.store_revision(FRAME, content(2)).files
    before = archive.read_sidecar(FRAME)
    archive.write_sidecar(FRAME, before.model_copy(update={"revisions": (*before.revisions, revision(2, files))}))
    assert archive.read_sidecar(FRAME).current.number == 2
    make_current(archive, FRAME, 1, FilmKind.SLIDE)
    sidecar = archive.read_sidecar(FRAME)
    assert (sidecar.current.number, sidecar.current_revision, sidecar.latest.number) == (1, 1, 2)
    assert make_current(archive, FRAME, 2, FilmKind.SLIDE).current_revision is None


def test_nothing_is_written_where_nothing_changes(archive):
    path = archive.frame_folder(FRAME).sidecar
    before = path.stat()
    make_current(archive, FRAME, 1, archive.read_sidecar(FRAME).film)
    assert path.stat().st_ino == before.st_ino


def test_all_who_decide_at_once_are_recorded(archive):
    threads = [threading.Thread(target=record, args=(archive,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(archive.read_sidecar(FRAME).decisions) == 8
