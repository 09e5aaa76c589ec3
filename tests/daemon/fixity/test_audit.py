"""The audit reads everything in time, oldest first, goes on after a kill, and tells of damage only when it is sure."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter

import pytest

from filmscand.daemon.core.errors import ArchiveMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.timing import AuditTiming
from filmscand.daemon.database.keeping.audits import Audits, Part, frozen_rolls, summarize_audits
from filmscand.daemon.fixity.audit import Auditor
from filmscand.daemon.station.configuration import Audit
from support.kept_station import OPEN, OPEN_FRAMES, RAW, SEALED, SEALED_FRAMES, flip, open_station
from support.known_archive import archive_known_frame
from support.queue_rows import Clock

PARTS = [Part(*OPEN.split("/")), *map(Part.of, OPEN_FRAMES), Part(*SEALED.split("/")), *map(Part.of, SEALED_FRAMES)]
DAY_S = 86400.0


class Bench:
    """An auditor whose clock the test turns, and who never waits; `during` is called instead of the wait."""

    def __init__(self, archive, connection, audit=None, timing=None):
        self.clock = Clock()
        self.audits = Audits(connection, self.clock)
        self.pauses = []
        self.during = lambda: None
        # Fast enough that a piece is read in no time.
        audit = audit or Audit(every_days=10, mib_per_s=1e9)
        self.auditor = Auditor(archive, connection, audit, timing or AuditTiming(), self.pause, self.clock)

    def pause(self, seconds):
        self.pauses.append(seconds)
        if seconds >= 1:
            self.during()

    def round(self):
        """Read until nothing is due; return how many parts were read."""
        read = 0
        while self.auditor.step():
            read += 1
            self.clock.now += 1
        return read


@pytest.fixture
def bench(archive, connection):
    return Bench(archive, connection)


def test_every_part_is_read_once_in_a_period(bench, connection):
    assert bench.round() == len(PARTS)
    summary = summarize_audits(connection, bench.clock() - 10 * DAY_S)
    assert (summary.parts, summary.recent, summary.frozen_rolls) == (6, 6, ())
    bench.clock.now += 9 * DAY_S
    assert bench.round() == 0
    bench.clock.now += 1 * DAY_S
    assert bench.round() == len(PARTS)


def test_parts_are_read_earlier_where_one_round_takes_long(archive, connection):
    Bench(archive, connection).round()
    size_mib = Audits(connection).size_bytes() / (1 << 20)
    assert size_mib > 0.5
    # At this speed a round takes two days, and so begins four days before the hundred are over.
    bench = Bench(archive, connection, Audit(every_days=100, mib_per_s=size_mib / (2 * DAY_S)))
    bench.clock.now += 95 * DAY_S
    assert bench.round() == 0
    bench.clock.now += DAY_S + 10
    assert bench.round() == len(PARTS)


def test_new_frames_are_found_within_the_hour_and_are_read_first(bench, live, archive, connection, tmp_path):
    bench.round()
    frame = FrameId("c", "b", "new", 1)
    archive_known_frame(archive, tmp_path, live.station.database, frame)
    assert bench.round() == 0
    bench.clock.now += 3600
    assert bench.round() == 2
    assert bench.audits.parts_of(frame.roll_folder) == (Part("c", "b", "new"), Part.of(frame))


def test_damage_freezes_its_roll_and_is_read_again_the_next_day(bench, archive, connection):
    raw = archive.root / OPEN / RAW.format("k")
    bench.round()
    flip(raw)
    bench.clock.now += 10 * DAY_S
    assert bench.round() == len(PARTS)
    (roll,) = frozen_rolls(connection)
    assert [(one.path, one.kind) for one in roll.damage] == [(RAW.format("k"), "changed")]
    assert roll.name == OPEN
    flip(raw)
    assert bench.round() == 0
    bench.clock.now += DAY_S
    assert bench.round() == 1
    assert frozen_rolls(connection) == ()


def test_damage_that_is_gone_at_the_second_look_is_none(bench, archive, connection):
    raw = archive.root / OPEN / RAW.format("k")
    flip(raw)
    bench.during = lambda: flip(raw)
    bench.round()
    assert 5.0 in bench.pauses
    assert frozen_rolls(connection) == ()


def test_a_frame_that_is_changed_meanwhile_is_judged_later(bench, archive, connection):
    sidecar = archive.frame_folder(OPEN_FRAMES[0]).sidecar
    content = sidecar.read_bytes()
    sidecar.write_bytes(content.replace(b"slide", b"other"))

    def known_changes():
        connection.execute("UPDATE archive_records SET recorded_at = 1, sha256 = 'x' WHERE path LIKE '%k_0001.json'")

    read = bench.auditor._reader.read
    looks = Counter()

    def read_and_change(part):
        found = read(part)
        looks[part] += 1
        if part == Part.of(OPEN_FRAMES[0]) and looks[part] == 2:
            known_changes()
        return found

    bench.auditor._reader.read = read_and_change
    bench.round()
    assert frozen_rolls(connection) == ()
    bench.auditor._reader.read = read
    bench.clock.now += 3600
    bench.round()
    assert len(frozen_rolls(connection)) == 1


def test_an_archive_that_goes_while_it_is_read_is_not_damaged(bench, live, connection):
    bench.during = lambda: (live.archive.root / ".filmscand").rename(live.root / "gone")
    flip(live.archive.root / OPEN / RAW.format("k"))
    with pytest.raises(ArchiveMissingError):
        bench.round()
    assert frozen_rolls(connection) == ()


def test_an_unexpected_error_keeps_no_other_part_from_being_read(bench, connection, caplog):
    read = bench.auditor._reader.read

    def fail(part):
        if part == PARTS[1]:
            raise ZeroDivisionError
        return read(part)

    bench.auditor._reader.read = fail
    assert bench.round() == len(PARTS)
    assert summarize_audits(connection, 0.0).recent == len(PARTS)
    assert summarize_audits(connection, 1.0).recent == len(PARTS) - 1
    assert "unexpected error of the audit" in caplog.text


def test_a_part_that_nothing_knows_is_forgotten(bench, connection):
    bench.audits.enrol([Part("c", "b", "k", 99)])
    bench.round()
    assert summarize_audits(connection, 0.0).parts == len(PARTS)


AUDIT = """
import sys, time
from contextlib import closing
from pathlib import Path
from filmscand.daemon.core.timing import AuditTiming
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.keeping.audits import Audits
from filmscand.daemon.fixity.audit import Auditor
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.station.configuration import Audit, load_station

station = load_station(Path(sys.argv[1]))
note = Audits.note
def tell(self, part, *rest):
    note(self, part, *rest)
    print(part.roll, part.number, flush=True)
Audits.note = tell
with closing(open_database(station.database)) as connection:
    archive = bound_archive(station, connection)
    auditor = Auditor(archive, connection, Audit(mib_per_s=2), AuditTiming(), time.sleep)
    while auditor.step():
        pass
"""


def test_the_audit_goes_on_where_it_was_killed(live, tmp_path):
    program = tmp_path / "audit.py"
    program.write_text(AUDIT)
    command = [sys.executable, str(program), str(live.config)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    before = [first.stdout.readline().strip() for _ in range(3)]
    first.send_signal(signal.SIGKILL)
    before += first.stdout.read().splitlines()
    first.wait()
    first.stdout.close()
    after = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert 3 <= len(before) < len(PARTS)
    assert set(before).isdisjoint(after)
    # One may have been noted and not told before the kill.
    assert len(before) + len(after) in (len(PARTS), len(PARTS) - 1)
    with open_station(live) as connection:
        assert summarize_audits(connection, 1.0).recent == len(PARTS)
