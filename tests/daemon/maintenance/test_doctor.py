from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.doctor import examine
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import SourcePolicy, Station, Watch, Workers


@pytest.fixture
def station(tmp_path):
    return make(tmp_path)


def make(root, **changes):
    return Station(root=root, **changes)


def found(station):
    return {check.name: check for check in examine(station)}


def test_a_fresh_station_has_nothing_that_fails(station):
    checks = examine(station)
    assert [check for check in checks if check.verdict is Verdict.FAILED] == []
    assert {"python", "library numba", "numba cache", "archive", "archive space", "database", "libsane"} <= found(
        station
    ).keys()


def test_looking_changes_nothing(station, tmp_path):
    station.archive.mkdir()
    examine(station)
    assert [path.name for path in tmp_path.rglob("*")] == ["archive"]


def test_everything_that_is_not_right_says_what_to_do(station):
    assert all(check.advice for check in examine(station) if check.verdict is not Verdict.OK)


def test_a_new_station_has_no_database_yet_and_is_told_so(station):
    check = found(station)["database"]
    assert check.verdict is Verdict.OK
    assert check.found.startswith(f"{station.database} is missing; a new station makes it")


def test_a_database_that_is_there_is_called_so(station):
    connect_station(station).close()
    assert found(station)["database"].found == f"{station.database} is there and writable"


@pytest.mark.parametrize(("lose", "word"), [(Path.unlink, "missing"), (os.truncate, "empty")])
def test_a_database_that_is_lost_beside_its_archive_fails(station, lose, word):
    connect_station(station).close()
    lose(station.database, *([0] if lose is os.truncate else []))
    check = found(station)["database"]
    assert (check.verdict, check.found) == (Verdict.FAILED, f"{station.database} is {word}")
    assert "filmscand rebuild" in check.advice


def test_an_archive_where_a_file_lies_fails(station, tmp_path):
    blocked = make(tmp_path, archive="blocked/archive")
    (tmp_path / "blocked").write_text("")
    assert found(blocked)["archive"].verdict is Verdict.FAILED


def test_more_workers_than_memory_is_a_warning(tmp_path):
    station = make(tmp_path, workers=Workers(count=64, memory_limit_mib=1_000_000))
    check = found(station)["memory"]
    assert (check.verdict, check.advice) == (Verdict.WARNING, "lower workers.count")


@pytest.fixture
def small_disk(tmp_path):
    point = tmp_path / "small"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(point)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting needs root")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_a_disk_that_is_nearly_full_is_a_warning_in_frames(small_disk):
    check = found(make(small_disk))["archive space"]
    assert check.verdict is Verdict.WARNING
    assert check.found.startswith("0 frames")


def test_a_read_only_disk_fails_archive_database_and_drop_folder(small_disk, tmp_path):
    for name in ("archive", "drop"):
        (small_disk / name).mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    checks = found(make(small_disk))
    drop = f"drop folder {small_disk / 'drop'}"
    assert [checks[name].verdict for name in ("archive", "database", drop)] == [Verdict.FAILED] * 3
    left = make(small_disk, watch=(Watch(path="drop", source_policy=SourcePolicy.LEAVE),))
    assert found(left)[drop].verdict is Verdict.OK


def test_a_user_who_can_keep_no_compiled_kernels_is_told_so(tmp_path):
    script = (
        "from filmscand.daemon.station.configuration import Station\n"
        "from filmscand.daemon.maintenance.doctor import examine\n"
        "checks = {check.name: check for check in examine(Station())}\n"
        "print(checks['numba cache'].verdict, checks['numba cache'].advice)\n"
    )
    nowhere = {"NUMBA_CACHE_DIR": "/proc/nowhere", "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"}
    environment = {**os.environ, **nowhere, "FILMSCAND_STATION": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert answer.stdout.startswith("failed set NUMBA_CACHE_DIR"), answer.stdout + answer.stderr
