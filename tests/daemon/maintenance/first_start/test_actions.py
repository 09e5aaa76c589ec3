"""What is done for a new station, and what is left as it is."""

from __future__ import annotations

import shutil
import sys

import pytest

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.maintenance.first_start import actions, unit
from filmscand.daemon.maintenance.first_start.actions import BindArchive, MakeFolder, WriteConfig, plan_actions
from filmscand.daemon.maintenance.first_start.found import ArchiveState, look_at_archive
from filmscand.daemon.maintenance.first_start.wishes import Wishes, draft
from filmscand.daemon.maintenance.identity import connect_station, marker_of
from filmscand.daemon.station.configuration import load_station
from support.first_start import SERVICE_OWNER, installed_ground, own_ground
from support.two_users import needs_root


def plan(ground, wishes, system=None):
    wanted = draft(ground, wishes)
    return plan_actions(ground, wanted, look_at_archive(wanted.station), system or ground.root / "nowhere")


def carry_out(ground, wishes, system=None):
    done = plan(ground, wishes, system)
    texts = [action.text for action in done]
    for action in done:
        assert action.do() is None
    return texts


@pytest.fixture
def ground(tmp_path):
    return own_ground(tmp_path)


def test_a_new_station_gets_its_folders_its_configuration_and_its_archive(ground, tmp_path):
    wishes = Wishes(tmp_path / "film", tmp_path / "scans")
    texts = carry_out(ground, wishes)
    assert texts == [
        f"make the folder {ground.root}",
        f"make the folder {tmp_path / 'film'}",
        f"make the folder {tmp_path / 'scans'}",
        f"write {ground.config}",
        f"make a new archive at {tmp_path / 'film'}, with its marker and the station's database",
    ]
    station = load_station(ground.config)
    assert marker_of(station.archive) is not None
    assert ground.config.stat().st_mode & 0o777 == 0o640
    connect_station(station).close()


def test_a_second_time_nothing_has_to_be_done(ground, tmp_path):
    wishes = Wishes(tmp_path / "film", tmp_path / "scans")
    carry_out(ground, wishes)
    assert plan(ground, wishes) == ()


def test_whoever_stops_in_between_goes_on_with_the_rest(ground, tmp_path):
    wishes = Wishes(tmp_path / "film", tmp_path / "scans")
    count = len(plan(ground, wishes))
    for rest in range(count, 0, -1):
        remaining = plan(ground, wishes)
        assert len(remaining) == rest
        remaining[0].do()
    assert plan(ground, wishes) == ()


def test_a_configuration_that_is_changed_is_kept_beside_the_new_one(ground, tmp_path):
    carry_out(ground, Wishes(tmp_path / "film", tmp_path / "scans"))
    before = ground.config.read_text()
    texts = carry_out(ground, Wishes(watch=tmp_path / "other"))
    assert texts[-1] == f"write {ground.config}, and keep the present one as station.yaml.old"
    assert ground.config.with_name("station.yaml.old").read_text() == before
    assert load_station(ground.config).archive == tmp_path / "film"


def test_an_archive_that_is_there_is_taken_over_with_its_marker(ground, tmp_path):
    carry_out(ground, Wishes(tmp_path / "film"))
    earlier = marker_of(tmp_path / "film")
    shutil.rmtree(ground.root)
    wanted = draft(ground, Wishes(tmp_path / "film"))
    assert look_at_archive(wanted.station).state is ArchiveState.UNKNOWN
    assert carry_out(ground, Wishes(tmp_path / "film"))[-1] == f"take over the archive at {tmp_path / 'film'}, 0 frames"
    marker = marker_of(tmp_path / "film")
    assert marker.archive_id == earlier.archive_id
    assert marker.station_id != earlier.station_id
    connect_station(load_station(ground.config)).close()


@pytest.fixture
def service(monkeypatch, shared):
    """The ground of a service whose user is another, where every user may look."""
    ground = installed_ground(shared)
    monkeypatch.setattr(unit.finding, "INSTALLED_ROOT", ground.root)
    return ground


@needs_root
def test_folders_of_the_service_belong_to_its_user(service):
    folders = [action for action in plan(service, Wishes()) if isinstance(action, MakeFolder)]
    assert folders[0].text == f"make the folder {service.root}, of user {SERVICE_OWNER.name}"
    for action in folders:
        action.do()
    modes = {folder.name: folder.stat().st_mode & 0o7777 for folder in (service.root, *service.root.iterdir())}
    assert modes == {"var": 0o750, "archive": 0o2750, "drop": 0o2770}
    assert {folder.stat().st_uid for folder in service.root.iterdir()} == {SERVICE_OWNER.user}


@needs_root
def test_an_archive_of_other_rights_is_given_with_everything_in_it_and_no_link_is_followed(service, tmp_path):
    archive = service.root / "archive"
    (archive / ".filmscand").mkdir(parents=True)
    (archive / "c/b/r/data/r_0001").mkdir(parents=True)
    outside = tmp_path / "passwd"
    outside.touch()
    (archive / "c/link").symlink_to(outside)
    given = [action for action in plan(service, Wishes()) if isinstance(action, MakeFolder)][1]
    assert given.text == f"give {archive} and everything in it to user {SERVICE_OWNER.name}"
    given.do()
    assert {path.lstat().st_uid for path in (archive, *archive.rglob("*"))} == {SERVICE_OWNER.user}
    assert outside.stat().st_uid == 0


@needs_root
def test_an_empty_folder_is_given_alone(service):
    (service.root / "archive").mkdir(parents=True)
    (service.root / "archive/notes.txt").touch()
    given = [action for action in plan(service, Wishes()) if isinstance(action, MakeFolder)][1]
    assert given.text == f"give {service.root / 'archive'} to user {SERVICE_OWNER.name}"
    given.do()
    assert (service.root / "archive/notes.txt").stat().st_uid == 0


@needs_root
def test_the_configuration_is_read_by_the_services_group_and_by_nobody_else(service):
    wanted = draft(service, Wishes())
    WriteConfig(service, wanted).do()
    state = service.config.stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (0, SERVICE_OWNER.group, 0o640)


@needs_root
def test_the_units_drop_in_is_written_where_the_unit_is_installed_and_is_needed(service, tmp_path):
    assert not any("drop-in" in action.text or "archive.conf" in action.text for action in plan(service, Wishes()))
    film = service.root.parent / "film"
    assert not any("archive.conf" in action.text for action in plan(service, Wishes(film), tmp_path))
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/filmscand.service").touch()
    (writing,) = [action for action in plan(service, Wishes(film), tmp_path) if "archive.conf" in action.text]
    writing.do()
    file = tmp_path / "etc/systemd/system/filmscand.service.d/archive.conf"
    assert f"ReadWritePaths={film}" in file.read_text()
    assert not any("archive.conf" in action.text for action in plan(service, Wishes(film), tmp_path))
    (removing,) = [action for action in plan(service, Wishes(), tmp_path) if "archive.conf" in action.text]
    removing.do()
    assert not file.exists()


@needs_root
@pytest.mark.parametrize("archive", ["film", "var/archive"])
def test_a_drop_in_of_a_persons_own_is_left_alone(service, tmp_path, archive):
    file = tmp_path / "etc/systemd/system/filmscand.service.d/archive.conf"
    file.parent.mkdir(parents=True)
    file.write_text("[Service]\nNice=5\n")
    (tmp_path / "etc/systemd/system/filmscand.service").touch()
    actions = plan(service, Wishes(service.root.parent / archive), tmp_path)
    assert not any("archive.conf" in action.text for action in actions)


@needs_root
def test_the_archive_of_the_service_is_made_by_its_user(service):
    try:
        may_run = SERVICE_OWNER.run([sys.executable, "-c", "import filmscand.daemon.cli"]).returncode == 0
    except PermissionError:
        may_run = False
    if not may_run:
        pytest.skip("this Python, or this checkout, lies where other users may not look")
    carry_out(service, Wishes())
    made = [service.root / "station.db", service.root / "archive/.filmscand/archive.json"]
    assert {path.stat().st_uid for path in made} == {SERVICE_OWNER.user}
    assert plan(service, Wishes()) == ()


@needs_root
def test_what_keeps_the_services_user_from_making_the_archive_is_told(service, monkeypatch):
    monkeypatch.setattr(actions.sys, "executable", "/bin/false")
    wanted = draft(service, Wishes())
    binding = BindArchive(service, wanted.station, look_at_archive(wanted.station))
    with pytest.raises(DaemonError, match="`filmscand archive init` as user filmscand: status 1"):
        binding.do()


def test_a_folder_that_this_user_may_use_is_left_as_it_is(ground):
    ground.root.mkdir(mode=0o700)
    (ground.root / "archive").mkdir(mode=0o711)
    assert [action.text for action in plan(ground, Wishes()) if isinstance(action, MakeFolder)] == [
        f"make the folder {ground.root / 'drop'}"
    ]
    carry_out(ground, Wishes())
    assert (ground.root / "archive").stat().st_mode & 0o777 == 0o711
