"""The plan of a set-up: made before anything is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filmscand.daemon.maintenance.first_start import plan as plans
from filmscand.daemon.maintenance.first_start.plan import UnfitError, make_plan
from filmscand.daemon.maintenance.first_start.wishes import LabPage, Wishes
from filmscand.daemon.web.doors.passwords import hash_password
from support.first_start import own_ground

HASH = hash_password("correct horse")


@pytest.fixture
def ground(tmp_path):
    return own_ground(tmp_path)


def test_a_plan_changes_nothing(ground, tmp_path):
    plan = make_plan(ground, Wishes(tmp_path / "film"))
    assert plan.actions
    assert list(plan.so_already()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_ends_the_plan_with_what_to_do(ground, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnfitError, match=r"archive: .* cannot be created in .*: make the folder"):
        make_plan(ground, Wishes(tmp_path / "file/archive"))


def test_what_is_so_already_is_told(ground, tmp_path):
    for action in make_plan(ground, Wishes(tmp_path / "film")).actions:
        action.do()
    again = make_plan(ground, Wishes())
    assert again.actions == ()
    assert list(again.so_already()) == [
        f"{ground.config}: says so already",
        f"{tmp_path / 'film'}: this station's archive, 0 frames",
    ]


def test_the_next_steps_of_ones_own_station_are_the_service_the_page_and_the_watch_folder(ground):
    assert list(make_plan(ground, Wishes()).next_steps()) == [
        f"start the service: filmscand run --config {ground.config}",
        "open the page: http://127.0.0.1:8420/",
        f"put scans into {ground.root / 'drop'}",
    ]


def test_the_page_is_named_as_browsers_reach_it(ground, tmp_path):
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).touch()
    tls = LabPage("station.lab", "ada", HASH, tmp_path / "c.pem", tmp_path / "k.pem")
    assert "open the page: https://station.lab:8420/" in make_plan(ground, Wishes(page=tls)).next_steps()
    proxy = LabPage("station.lab", "ada", HASH, proxy="127.0.0.1")
    assert (
        "open the page: https://station.lab/, through the proxy" in make_plan(ground, Wishes(page=proxy)).next_steps()
    )


def test_a_unit_that_needs_a_drop_in_that_was_not_written_is_told_its_text(ground, tmp_path, monkeypatch):
    installed = replace(ground, is_installed=True)
    monkeypatch.setattr(plans.unit, "_HIDDEN", ())
    monkeypatch.setattr(plans, "is_unit_installed", lambda: False)
    steps = list(make_plan(installed, Wishes(tmp_path / "film")).next_steps())
    assert steps[0].startswith("install the unit of the service")
    assert f"ReadWritePaths={tmp_path / 'film'}" in steps[1]
    assert steps[2] == "start the service: systemctl enable --now filmscand"
