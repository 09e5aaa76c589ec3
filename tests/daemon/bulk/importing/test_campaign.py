"""The settings of an import: the roll of each file, and the folders that are refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from filmscand.daemon.bulk.importing.campaign import Campaign, require_apart, require_room_on_rolls
from filmscand.daemon.core.errors import ConfigError, FrameIdError
from filmscand.daemon.station.configuration import Station

DAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("file", "template", "roll"),
    [
        ("box 1/roll 7/a.tif", "{folder}", "box 1/roll 7"),
        ("a.tif", "{folder}", "campaign 1998"),
        ("roll 7/a.tif", "old {folder}", "old roll 7"),
        ("roll 7/a.tif", "{date}", "2026-11-29"),
    ],
)
def test_a_roll_is_named_after_the_folders_below_the_imported_one(file, template, roll):
    campaign = Campaign(path=Path("/mnt/campaign 1998"), roll=template)
    assert campaign.roll_name(Path(file), DAY) == roll


@pytest.mark.parametrize(
    ("folder", "named"),
    [("archive/unsorted", "the archive"), ("", "the archive"), ("drop/old", "the watch folder")],
)
def test_a_folder_of_the_station_is_refused(tmp_path, folder, named):
    station = Station(root=tmp_path)
    with pytest.raises(ConfigError, match=named):
        require_apart(station, tmp_path / folder)
    require_apart(station, tmp_path.with_name("campaign"))


def test_a_folder_with_more_files_than_a_roll_has_numbers_is_refused_before_anything_is_imported():
    campaign = Campaign(path=Path("/mnt/campaign"))
    require_room_on_rolls(campaign, (f"roll/{number}.tif" for number in range(9999)), DAY)
    with pytest.raises(FrameIdError, match="'campaign' would get 10000 frames"):
        require_room_on_rolls(campaign, (f"{number}.tif" for number in range(10000)), DAY)
