"""Scanning from the command line, as a person and as a script: `filmscand scan`, `session`, `devices`."""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cli.scan import parse_positions
from support.live_station import LiveStation, running
from support.program import PROGRAM, program_in, station_environment
from support.scanner_station import scanner

pytestmark = pytest.mark.usefixtures("compiled_engine")


@pytest.fixture
def environment(tmp_path):
    return station_environment(tmp_path)


@pytest.fixture
def command(environment):
    return program_in(environment)


def stems(tmp_path):
    return [frame.stem for frame in Archive(tmp_path / "station" / "archive").frames()]


def test_a_scan_without_a_service_archives_and_cleans_the_magazine_by_itself(command, tmp_path):
    with scanner(2) as virtual:
        done = command("scan", "--roll", "r", "--device", virtual.device, "--operator", "Ada", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (report["state"], report["reason"], report["captured"], report["cleaned"]) == (
        "finished",
        "magazine_empty",
        2,
        2,
    )
    assert [(frame["frame"], frame["outcome"]) for frame in report["frames"]] == [
        ("unsorted/unsorted/r_0001", "archived"),
        ("unsorted/unsorted/r_0002", "archived"),
    ]
    assert report["plan"]["operator"] == "Ada"
    assert stems(tmp_path) == ["r_0001", "r_0002"]
    status = json.loads(command("status", "--json").stdout)
    assert (status["service"]["running"], status["sessions"][0]["captured"]) == (False, 2)


def test_a_jam_ends_a_scripts_scan_with_status_4_and_advice_and_resuming_it_scans_the_rest(command, tmp_path):
    with scanner(3, "jammed@start:2xall") as virtual:
        stuck = command("scan", "--roll", "r", "--device", virtual.device)
        assert stuck.returncode == 4
        assert "Free the slide" in stuck.stderr
        assert "attention" in command("status").stdout
        virtual.clear_faults()
        done = command("session", "resume", 1, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["captured"] == 3
    assert stems(tmp_path) == ["r_0001", "r_0002", "r_0003"]


def test_a_lost_slide_makes_it_status_3(command):
    with scanner(2, "early_end@read:1", model="pieusb") as virtual:
        done = command("scan", "--roll", "r", "--frames", 2, "--device", virtual.device, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert (report["lost"], report["captured"]) == (1, 1)
    assert [frame["taken"] for frame in report["frames"]] == ["lost", "captured"]


def test_ctrl_c_ends_the_scan_after_the_frame_at_hand(environment, tmp_path):
    with scanner(12, time_scale=0.15) as virtual:
        line = [*PROGRAM, "scan", "--roll", "r", "--device", virtual.device, "--json"]
        # What a shell starts in the background, as a test run may be, passes on that it ignores Ctrl-C.
        heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=heard) as scan:
            deadline_s = time.monotonic() + 60.0
            while not virtual.delivered and time.monotonic() < deadline_s:
                time.sleep(0.02)
            scan.send_signal(signal.SIGINT)
            report = json.loads(scan.communicate(timeout=60)[0])
    assert scan.returncode == 3
    assert (report["reason"], report["captured"]) == ("cancelled", report["cleaned"])
    assert 1 <= report["captured"] < 12
    assert len(stems(tmp_path)) == report["captured"] == len(virtual.delivered)


@contextmanager
def scanning_at_a_terminal(environment, *arguments):
    """Run `filmscand scan` at a terminal of its own; yield the process and our end of the terminal."""
    ours, theirs = pty.openpty()
    terminal = {**environment, "TERM": "xterm"}
    line = [*PROGRAM, "scan", "--roll", "r", *map(str, arguments)]
    scan = subprocess.Popen(line, env=terminal, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield scan, ours
    finally:
        scan.kill()
        scan.wait()
        os.close(ours)


def test_a_person_at_a_terminal_sees_progress_and_is_asked_what_to_do_about_a_jam(environment, tmp_path):
    with (
        scanner(2, "jammed@start:2xall") as virtual,
        scanning_at_a_terminal(environment, "--device", virtual.device) as (scan, ours),
    ):
        seen = read_until(ours, "ends the session")
        virtual.clear_faults()
        os.write(ours, b"\n")
        seen += read_until(ours, "slides captured")
        assert scan.wait(60) == 0
    assert "Free the slide" in seen
    assert "Enter goes on, s and Enter leaves out slide 2, Ctrl-D ends the session" in seen
    assert re.search(r"scanned.*2 of 2", seen)
    assert "left" in seen
    assert stems(tmp_path) == ["r_0001", "r_0002"]


def test_a_person_at_a_terminal_leaves_out_a_frame_that_always_fails(environment, tmp_path):
    with (
        scanner(3, "io_error@start:2xall", model="coolscan2") as virtual,
        scanning_at_a_terminal(environment, "--device", virtual.device, "--frames", 3) as (scan, ours),
    ):
        read_until(ours, "ends the session")
        virtual.clear_faults()
        os.write(ours, b"skip it\n")
        read_until(ours, "expected Enter, s and Enter or Ctrl-D")
        os.write(ours, b"s\n")
        read_until(ours, "2 slides captured")
        assert scan.wait(60) == 3
        assert {frame.slide for frame in virtual.delivered} == {1, 3}
    assert stems(tmp_path) == ["r_0001", "r_0003"]


def test_a_frame_that_always_fails_is_left_out_by_session_skip_and_the_rest_is_scanned(command, tmp_path):
    with scanner(3, "io_error@start:2xall", model="coolscan2") as virtual:
        assert command("scan", "--roll", "r", "--frames", 3, "--device", virtual.device).returncode == 4
        virtual.clear_faults()
        done = command("session", "skip", 1, "--json")
        report = json.loads(done.stdout)
    assert done.returncode == 3
    assert (report["captured"], report["cleaned"], report["lost"]) == (2, 2, 1)
    assert [(frame["position"], frame["taken"]) for frame in report["frames"]] == [
        (1, "captured"),
        (2, "lost"),
        (3, "captured"),
    ]
    assert report["frames"][1]["error"].startswith("skipped: ")
    again = command("session", "skip", 1)
    assert again.returncode == 1
    assert "nothing to skip" in again.stderr


def read_until(terminal, words):
    seen = ""
    while words not in seen:
        assert select.select([terminal], [], [], 60.0)[0], seen
        seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def test_where_a_service_runs_the_scan_is_left_to_it(tmp_path):
    station = LiveStation(tmp_path)
    with running(station), scanner(2) as virtual:
        station.wait_for(lambda status: status.service.running)
        line = [*PROGRAM, "scan", "--roll", "r", "--device", virtual.device, "--config", str(station.config), "--json"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["cleaned"] == 2
        assert station.stop() == 0
    assert not (tmp_path / "scan.log").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--roll", "Bad Roll", "--device", "d"],
        ["--roll", "r", "--device", "d", "--depth", "12"],
        ["--roll", "r", "--device", "d", "--frames", "0"],
        ["--device", "d"],
    ],
)
def test_wrong_usage_is_told_before_anything_is_scanned(command, tmp_path, arguments):
    assert command("scan", *arguments).returncode == 2
    assert not (tmp_path / "station" / "station.db").exists()


def test_a_session_that_does_not_exist_is_a_failure_in_one_line(command, tmp_path):
    (tmp_path / "station" / "archive").mkdir(parents=True)
    done = command("session", "resume", 7)
    assert (done.returncode, done.stderr) == (1, "filmscand: there is no session 7\n")


@pytest.mark.parametrize(("text", "positions"), [("2", (2,)), ("1,3-6", (1, 3, 4, 5, 6)), ("3,1-3", (1, 2, 3))])
def test_positions_are_written_as_numbers_and_ranges(text, positions):
    assert parse_positions(text) == positions


@pytest.mark.parametrize("text", ["", "0", "3-1", "a", "1-", "-2", "1,,2"])
def test_anything_else_names_no_positions(text):
    with pytest.raises(ValueError, match="expected positions such as 1,3-6"):
        parse_positions(text)
