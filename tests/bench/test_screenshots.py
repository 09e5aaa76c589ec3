"""The pictures of the docs show every page of a station."""

from __future__ import annotations

import sys

from PIL import Image

from bench import screenshots
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.station.page import Page
from support.chromium import needs_chromium
from support.cleaned_station import CleanedStation
from support.page_site import served


@needs_chromium
def test_there_is_a_picture_of_every_page(tmp_path, monkeypatch):
    station = CleanedStation(tmp_path / "station", FrameId("c", "b", "r", 1)).station
    with served(station.model_copy(update={"page": Page(port=0)})) as page:
        arguments = ["screenshots", f"http://127.0.0.1:{page.port}/", "--output", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", arguments)
        screenshots.main()
    expected = [*screenshots.PLAIN, screenshots.ROLL, screenshots.FRAME]
    assert sorted(file.stem for file in tmp_path.glob("*.jpg")) == sorted(expected)
    for file in tmp_path.glob("*.jpg"):
        with Image.open(file) as shot:
            assert shot.size == (screenshots.WIDTH, screenshots.HEIGHT)
