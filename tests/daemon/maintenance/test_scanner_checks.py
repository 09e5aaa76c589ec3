"""What `filmscand doctor` says about scanners: SANE's configuration, unsupported devices, rights."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.scanner_checks import examine_scanners
from support.command_station import ProgramStation


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
    return {check.name: check for check in examine_scanners(system=root)}


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


def test_scanner_programs_are_checked_with_their_recipes(machine, tmp_path):
    recipes = tmp_path / "recipes"
    station = ProgramStation(tmp_path / "station", 1)
    station.install(recipes)
    station.install(recipes, name="gone", scan=["no-such-program", "{output}", {"if": "feed"}])
    (recipes / "wrong.yaml").write_text("driver: command\n")
    checks = {check.name: check for check in examine_scanners(recipes, machine)}
    verdicts = {name: check.verdict for name, check in checks.items() if "command:" in name}
    assert verdicts == {
        "scanner command:virtual": Verdict.OK,
        "scanner command:gone": Verdict.FAILED,
        "scanner command:wrong": Verdict.FAILED,
    }
    assert checks["scanner command:gone"].found == "no program no-such-program"
    (nowhere,) = (check for check in examine_scanners(tmp_path / "nowhere", machine) if "programs" in check.name)
    assert nowhere.verdict is Verdict.FAILED
