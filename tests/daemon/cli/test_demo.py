"""The command `filmscand demo`: where its scratch station lies, and what becomes of it."""

from __future__ import annotations

import pytest

from filmscand.daemon.demo import show

pytestmark = pytest.mark.usefixtures("station")


@pytest.fixture(params=[True, False], ids=["done", "failed"])
def ends(request, monkeypatch):
    """The demo without its frames; it leaves a file."""

    def show_demo(root, console, *, keep):
        (root / "service.log").write_text(f"keep {keep}")
        return request.param

    monkeypatch.setattr(show, "show_demo", show_demo)
    return request.param


def test_the_scratch_station_lies_where_it_is_told_and_stays(command, tmp_path, ends):
    status, _, _ = command("demo", "--folder", tmp_path / "new/scratch")
    assert status == (0 if ends else 1)
    assert (tmp_path / "new/scratch/service.log").read_text() == "keep True"


def test_it_is_removed_if_that_is_asked_for_and_nothing_failed(command, tmp_path, ends):
    status, out, _ = command("demo", "--folder", tmp_path / "scratch", "--remove")
    assert status == (0 if ends else 1)
    assert (tmp_path / "scratch").exists() is not ends
    assert (f"removed {tmp_path / 'scratch'}" in out) is ends


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(command, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    status, _, errors = command("demo", "--folder", tmp_path, "--remove")
    assert status == 2
    assert f"--folder: expected a new or an empty folder, found {tmp_path}" in errors
    assert (tmp_path / "thesis.txt").read_text() == "mine"
