"""The configuration that a set-up writes: what was there stays, what is usual is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.maintenance.first_start.wishes import LabPage, Wishes, draft
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.web.doors.passwords import hash_password
from support.first_start import installed_ground, own_ground

HASH = hash_password("correct horse")


@pytest.fixture
def ground(tmp_path):
    return own_ground(tmp_path)


def written(ground, text):
    ground.config.parent.mkdir(parents=True, exist_ok=True)
    ground.config.write_text(text)


def test_only_what_differs_is_written_below_a_pointer_to_all_keys(ground):
    made = draft(ground, Wishes(Path("/srv/film"), ground.root / "drop"))
    assert yaml.safe_load(made.text) == {"root": str(ground.root), "archive": "/srv/film"}
    comments = [line for line in made.text.splitlines() if line.startswith("#")]
    shipped = Path(comments[1].split(": ")[1])
    assert "sensitivity" in shipped.read_text()
    assert (made.is_there, made.replaces) == (False, False)


def test_a_station_that_is_found_anyway_does_not_name_its_folder(tmp_path):
    ground = installed_ground(tmp_path)
    made = draft(ground, Wishes())
    assert yaml.safe_load(made.text) is None
    assert made.station.archive == ground.root / "archive"


def test_the_written_file_is_read_back_as_the_same_station(ground):
    made = draft(ground, Wishes(Path("/srv/film"), Path("/srv/scans")))
    written(ground, made.text)
    assert load_station(ground.config) == made.station
    again = draft(ground, Wishes(Path("/srv/film"), Path("/srv/scans")))
    assert (again.is_there, again.replaces) == (True, False)


def test_other_keys_of_an_existing_file_stay(ground):
    written(ground, f"root: {ground.root}\ncleaning: {{sensitivity: 0.7}}\nwatch: [{{path: in, film: slide}}]\n")
    made = draft(ground, Wishes(Path("/srv/film"), Path("/srv/scans")))
    assert made.replaces
    assert made.station.cleaning.sensitivity == 0.7
    assert (made.station.watch[0].path, made.station.watch[0].film) == (Path("/srv/scans"), "slide")


def test_relative_paths_of_an_existing_file_are_the_same_place(ground):
    written(ground, f"root: {ground.root}\narchive: film\n")
    assert draft(ground, Wishes(ground.root / "film", ground.root / "drop")).is_there


def test_a_wish_to_go_back_to_the_usual_place_takes_the_key_out(ground):
    written(ground, f"root: {ground.root}\narchive: /srv/film\n")
    assert "archive" not in yaml.safe_load(draft(ground, Wishes(ground.root / "archive")).text)


def test_several_watch_folders_are_not_replaced_by_one(ground):
    written(ground, f"root: {ground.root}\nwatch: [{{path: a}}, {{path: b}}]\n")
    assert draft(ground, Wishes(watch=ground.root / "b")).is_there
    with pytest.raises(ConfigError, match="2 folders are watched; add /srv/scans to them"):
        draft(ground, Wishes(watch=Path("/srv/scans")))


def test_a_watch_folder_in_the_archive_is_refused_by_its_key(ground):
    with pytest.raises(ConfigError, match=r"watch\.0\.path: expected a folder outside of archive"):
        draft(ground, Wishes(Path("/srv/film"), Path("/srv/film/drop")))


def test_a_page_for_the_lab_has_tls_a_name_and_a_user(ground):
    page = LabPage("station.lab", "ada", HASH, Path("/etc/c.pem"), Path("/etc/k.pem"))
    station = draft(ground, Wishes(page=page)).station
    assert (station.page.address, station.page.hosts) == ("0.0.0.0", ("station.lab",))
    assert station.page.certificate == Path("/etc/c.pem")
    assert [(user.name, user.role) for user in station.page.users] == [("ada", "operator")]


@pytest.mark.parametrize(("proxy", "address"), [("127.0.0.1", "127.0.0.1"), ("192.0.2.7", "0.0.0.0")])
def test_a_proxy_on_this_machine_needs_no_open_address(ground, proxy, address):
    station = draft(ground, Wishes(page=LabPage("station.lab", "ada", HASH, proxy=proxy))).station
    assert (station.page.address, station.page.trusted_proxy) == (address, proxy)
    assert station.page.needs_login


def test_a_name_that_is_none_is_told_by_its_key(ground):
    with pytest.raises(ConfigError, match=r"page\.hosts\.0: expected a name"):
        draft(ground, Wishes(page=LabPage("no name!", "ada", HASH, proxy="127.0.0.1")))
