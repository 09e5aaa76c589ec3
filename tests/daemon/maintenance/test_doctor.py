from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.doctor import examine
from filmscand.daemon.maintenance.scanner_checks import examine_scanners
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


@pytest.fixture
def machine():
    """A file system with SANE's configuration and USB devices, that every user may look into."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "etc/sane.d").mkdir(parents=True)
        (root / "etc/sane.d/dll.conf").write_text("net\ncoolscan\n#coolscan2\ncoolscan3\navision\ngenesys\n")
        (root / "etc/sane.d/dll.d").mkdir()
        (root / "etc/sane.d/dll.d/more").write_text("pixma\npieusb\n")
        yield root


def plug_in(root, ids, product, *, number=4, mode=0o666):
    files = {"idVendor": ids[:4], "idProduct": ids[5:], "busnum": "1", "devnum": str(number), "product": product}
    folder = root / f"sys/bus/usb/devices/1-{number}"
    for path in (folder, root / "run/udev/data", root / "dev/bus/usb/001"):
        path.mkdir(parents=True, exist_ok=True)
    for name, word in files.items():
        (folder / name).write_text(word + "\n")
    (root / f"run/udev/data/c189:{number - 1}").write_text("E:ID_BUS=usb\nE:libsane_matched=yes\n")
    node = root / f"dev/bus/usb/001/{number:03d}"
    node.write_bytes(b"")
    node.chmod(mode)
    return node


def scanners_of(root):
    return {check.name: check for check in examine_scanners(root)}


def test_a_backend_that_sane_has_disabled_is_told_and_is_no_failure(machine):
    checks = scanners_of(machine)
    assert [name for name in checks if name.startswith("backend")] == ["backend coolscan2"]
    check = checks["backend coolscan2"]
    assert (check.verdict, "`coolscan2` without #" in check.advice) == (Verdict.OK, True)


@pytest.mark.parametrize(
    ("ids", "word"), [("07b3:1825", "SANE does not support it"), ("04b8:0151", "no infrared through SANE")]
)
def test_a_scanner_that_sane_cannot_drive_is_named_with_another_way(machine, ids, word):
    plug_in(machine, ids, "Scanner")
    check = scanners_of(machine)[f"scanner {ids}"]
    assert check.verdict is Verdict.WARNING
    assert word in check.found
    assert "watch folder" in check.advice


def test_a_scanner_that_this_user_may_not_use_fails_with_group_and_rule(machine):
    node = plug_in(machine, "04b0:4002", "LS-5000 ED", mode=0o600)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    else:
        node.chmod(0)
    try:
        check = scanners_of(machine)["scanner 04b0:4002"]
    finally:
        os.seteuid(user)
    assert check.verdict is Verdict.FAILED
    assert "LS-5000 ED: no right to use" in check.found
    assert "group scanner" in check.advice
    assert "70-filmscand.rules" in check.advice


def test_a_scanner_at_hand_is_told_and_other_devices_are_passed_over(machine):
    plug_in(machine, "04b0:4002", "LS-5000 ED")
    plug_in(machine, "046d:c31c", "Keyboard", number=7)
    (machine / "run/udev/data/c189:6").write_text("E:ID_BUS=usb\n")
    checks = scanners_of(machine)
    assert [name for name in checks if name.startswith("scanner")] == ["scanner 04b0:4002"]
    assert checks["scanner 04b0:4002"].verdict is Verdict.OK
