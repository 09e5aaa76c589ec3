from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parent.parent / "systemd"
has_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that exists here in the place of the installed one."""
    text = (SYSTEMD / "filmscand.service").read_text()
    here, count = re.subn(
        r"^(ExecStart|ExecStartPre)=-?\S+", rf"\1={sys.executable} -m filmscand.daemon.cli", text, flags=re.MULTILINE
    )
    assert count == 2
    file = tmp_path / "filmscand.service"
    file.write_text(here)
    return file


def settings():
    pairs = (line.split("=", 1) for line in (SYSTEMD / "filmscand.service").read_text().splitlines() if "=" in line)
    return {key: value for key, value in pairs if not key.startswith("#")}


@has_analyze
def test_the_unit_is_right(unit):
    found = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@has_analyze
def test_the_unit_is_closed_to_2_0_or_better(unit):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Overall exposure level" in found.stdout


def test_the_unit_leaves_open_what_the_service_needs():
    unit = settings()
    assert unit["Type"] == "notify"
    assert int(unit["WatchdogSec"]) > 0
    assert int(unit["TimeoutStopSec"]) > 30
    assert unit["Environment"] == "NUMBA_CACHE_DIR=%C/filmscand/numba"
    assert "MemoryDenyWriteExecute" not in unit
    assert "PrivateDevices" not in unit
    assert "AF_NETLINK" in unit["RestrictAddressFamilies"]
    assert "DeviceAllow=char-usb_device rw" in (SYSTEMD / "filmscand.service").read_text()


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed")
def test_the_user_is_made_with_the_scanner_group(tmp_path):
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", str(SYSTEMD / "filmscand.sysusers")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in found.stderr or "Permission denied" in found.stderr:
        pytest.skip("making users needs root, also below another root folder")
    assert found.returncode == 0, found.stderr
    assert "filmscand" in (tmp_path / "etc" / "passwd").read_text()
    assert re.search(r"^scanner:.*:filmscand$", (tmp_path / "etc" / "group").read_text(), re.MULTILINE)


def test_every_folder_of_the_unit_is_made_for_its_user():
    unit = settings()
    lines = [line.split() for line in (SYSTEMD / "filmscand.tmpfiles").read_text().splitlines() if line[:1] == "d"]
    modes = {path: (mode, user) for _, path, mode, user, *_ in lines}
    assert modes["/var/lib/filmscand"] == (unit["StateDirectoryMode"], unit["User"])
    assert modes["/var/lib/filmscand/drop"] == ("2770", "filmscand")


@pytest.mark.skipif(shutil.which("setfacl") is None, reason="setfacl is not installed")
def test_what_a_member_of_the_group_drops_may_be_moved_by_the_service_whatever_the_umask(tmp_path):
    line = next(line for line in (SYSTEMD / "filmscand.tmpfiles").read_text().splitlines() if line.startswith("a+"))
    drop = tmp_path / "drop"
    drop.mkdir(mode=0o770)
    subprocess.run(["setfacl", "-m", line.split()[-1], str(drop)], check=True)
    command = "umask 077; mkdir roll; mkdir _done"
    subprocess.run(["sh", "-c", command], cwd=drop, check=True)
    assert [(drop / name).stat().st_mode & 0o777 for name in ("roll", "_done")] == [0o770, 0o770]


def test_the_udev_rule_gives_scanners_to_the_group_of_the_unit():
    text = (SYSTEMD / "70-filmscand.rules").read_text()
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    for rule in rules:
        for part in rule.split(", "):
            assert re.fullmatch(r'[A-Z]+(\{[\w/]+\})?(==|=|\+=)"[^"]*"', part), part
    groups = set(re.findall(r'GROUP="(\w+)"', text))
    assert groups == {settings()["SupplementaryGroups"]}
