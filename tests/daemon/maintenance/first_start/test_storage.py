"""The folders of a new station, before anything is made in them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.first_start import unit
from filmscand.daemon.maintenance.first_start.storage import check_storage
from filmscand.daemon.maintenance.first_start.wishes import LabPage, Wishes, draft
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.doors.passwords import hash_password
from support.first_start import SERVICE_OWNER, installed_ground, own_ground
from support.two_users import needs_root


def failed(station, ground, system=Path("/")):
    checks = check_storage(station, ground, system)
    assert all(check.advice for check in checks if check.verdict is not Verdict.OK)
    return {check.name: check.found for check in checks if check.verdict is Verdict.FAILED}


def test_folders_that_can_be_made_are_fit_and_stay_unmade(tmp_path):
    station = Station(root=tmp_path / "station")
    assert failed(station, own_ground(tmp_path)) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_checks_of_the_doctor_are_among_them(tmp_path):
    (tmp_path / "file").touch()
    station = Station(root=tmp_path, archive="file/archive")
    names = {check.name for check in check_storage(station, own_ground(tmp_path))}
    assert {"archive", "archive space", "archive mount", "database"} <= names
    assert "archive" in failed(station, own_ground(tmp_path))


def test_a_disk_that_is_not_mounted_is_not_mistaken_for_an_empty_one(tmp_path):
    point = tmp_path / "film disk"
    point.mkdir()
    (tmp_path / "etc").mkdir()
    table = f"# disks\nUUID=1 / ext4 defaults 0 1\nUUID=2 {str(point).replace(' ', chr(92) + '040')} ext4 nofail 0 2\n"
    (tmp_path / "etc/fstab").write_text(f"{table}UUID=3 none swap sw 0 0\n")
    station = Station(root=tmp_path, archive=point / "archive")
    assert failed(station, own_ground(tmp_path), tmp_path) == {
        f"disk of {station.archive}": f"{point} is in /etc/fstab and not mounted"
    }


@needs_root
def test_a_folder_that_the_unit_hides_is_no_place_for_the_service(monkeypatch, shared):
    monkeypatch.setattr(unit, "_HIDDEN", (shared,))
    ground = installed_ground(shared)
    found = failed(Station(root=ground.root), ground)
    assert found[f"folder {ground.root / 'archive'}"] == f"the unit hides {shared} from the service"
    assert failed(Station(root=ground.root), own_ground(shared)) == {}


@needs_root
def test_a_folder_that_the_services_user_cannot_reach_is_told_with_the_one_that_is_closed(monkeypatch, shared):
    monkeypatch.setattr(unit, "_HIDDEN", ())
    ground = installed_ground(shared)
    assert failed(Station(root=ground.root), ground) == {}
    (shared / "closed").mkdir(mode=0o700)
    station = Station(root=ground.root, archive=shared / "closed/archive")
    assert failed(station, ground) == {
        f"folder {station.archive}": f"user {SERVICE_OWNER.name} may not enter {shared / 'closed'}"
    }


@pytest.fixture
def lab_page(tmp_path):
    return LabPage("station.lab", "ada", hash_password("correct horse"), tmp_path / "c.pem", tmp_path / "k.pem")


def test_a_certificate_that_is_missing_is_told(tmp_path, lab_page):
    ground = own_ground(tmp_path)
    station = draft(ground, Wishes(page=lab_page)).station
    (tmp_path / "c.pem").touch()
    assert failed(station, ground) == {f"file {tmp_path / 'k.pem'}": "missing"}


@needs_root
def test_a_key_that_the_service_may_not_read_is_told(monkeypatch, shared):
    monkeypatch.setattr(unit, "_HIDDEN", ())
    ground = installed_ground(shared)
    page = LabPage("station.lab", "ada", hash_password("correct horse"), shared / "c.pem", shared / "k.pem")
    station = draft(ground, Wishes(page=page)).station
    for file, owner in ((shared / "c.pem", SERVICE_OWNER.user), (shared / "k.pem", 0)):
        file.touch(mode=0o400)
        os.chown(file, owner, 0)
    name = SERVICE_OWNER.name
    assert failed(station, replace(ground)) == {f"file {shared / 'k.pem'}": f"user {name} may not read it"}
