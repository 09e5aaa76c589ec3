"""The numbers for Prometheus."""

from __future__ import annotations

import re
from dataclasses import replace

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part
from filmscand.daemon.database.keeping.replicas import TargetStatus
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.web.routes.metrics import metrics_text

SAMPLE = re.compile(r'(?P<name>[a-z_]+)(\{[a-z]+="(?P<label>(?:[^"\\\n]|\\.)*)"\})? (?P<value>\S+)')


def samples(text):
    """Read the text format strictly: every line is a sample, or a comment about the next ones."""
    found, described = {}, set()
    for line in text.splitlines():
        if line.startswith("# "):
            described.add(line.split()[2])
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match["name"] in described
        found[match["name"], match["label"]] = float(match["value"])
    return found


def test_frames_queue_times_and_room_are_told(connection, station, frames):
    found = samples(metrics_text(station_status(station), healthy=True))
    assert found["filmscand_healthy", None] == 1
    assert (found["filmscand_frames", "queued"], found["filmscand_frames", "finished"]) == (1, 2)
    assert found["filmscand_frames_finished", "archived"] == 2
    assert found["filmscand_queue_length", None] == 1
    assert found["filmscand_frame_seconds_median", None] == 1.5
    assert found["filmscand_queue_left_seconds", None] == 1.5
    assert found["filmscand_archive_free_bytes", None] > 0
    assert found["filmscand_alarms", None] == found["filmscand_sessions", None] == 0


def test_bytes_are_told_to_the_last_digit(connection, station, frames):
    status = station_status(station)
    found = samples(metrics_text(status, healthy=False))
    assert found["filmscand_archive_free_bytes", None] == status.free_bytes
    assert found["filmscand_healthy", None] == 0


def test_copies_of_sealed_rolls_are_told_for_each_target(connection, station):
    working = TargetStatus("nas", "/mnt/nas", 4, 2, 1, None, None, None, 0, None, 1_000_000.0)
    failing = TargetStatus("cloud", "s3://film", 0, 6, 0, None, 2_000_000.0, "no route", 3, 2_000_300.0, None)
    status = replace(station_status(station), replication=(working, failing))
    found = samples(metrics_text(status, healthy=True))
    told = {key: value for key, value in found.items() if key[0].startswith("filmscand_replica_")}
    assert told == {
        ("filmscand_replica_rolls_verified", "nas"): 4,
        ("filmscand_replica_rolls_verified", "cloud"): 0,
        ("filmscand_replica_rolls_waiting", "nas"): 2,
        ("filmscand_replica_rolls_waiting", "cloud"): 6,
        ("filmscand_replica_rolls_blocked", "nas"): 1,
        ("filmscand_replica_rolls_blocked", "cloud"): 0,
        ("filmscand_replica_verified_timestamp_seconds", "nas"): 1_000_000,
        ("filmscand_replica_failing_since_timestamp_seconds", "cloud"): 2_000_000,
    }


def test_what_is_not_known_is_left_out(connection, station):
    found = samples(metrics_text(station_status(station), healthy=True))
    assert ("filmscand_frame_seconds_median", None) not in found


def test_how_far_the_audit_is_and_what_it_found(connection, station):
    audits = Audits(connection)
    found = samples(metrics_text(station_status(station), healthy=True))
    assert ("filmscand_audit_share", None) not in found
    audits.enrol([Part("c", "b", "r"), Part("c", "b", "r", 1)])
    audits.note(Part("c", "b", "r", 1), [Damage("data/r_0001/r_0001_raw.tif", "missing", "gone")])
    found = samples(metrics_text(station_status(station), healthy=True))
    assert found["filmscand_audit_share", None] == 0.5
    assert (found["filmscand_damaged_files", None], found["filmscand_frozen_rolls", None]) == (1, 1)
    assert found["filmscand_alarm", "fixity:c/b/r"] == 1
    assert found["filmscand_audit_last_timestamp_seconds", None] > 1e9
    assert ("filmscand_audit_oldest_timestamp_seconds", None) not in found


def test_the_name_of_an_alarm_may_hold_any_character(connection, station):
    Alarms(connection).raise_alarm('watch:/a"b\\c\nd', "gone")
    found = samples(metrics_text(station_status(station), healthy=True))
    assert found["filmscand_alarm", r"watch:/a\"b\\c\nd"] == 1


def test_a_scrape_is_answered_in_the_text_format(page, frames):
    answer = page.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(answer.text)["filmscand_frames", "queued"] == 1
