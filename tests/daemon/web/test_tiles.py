"""Tiles for the page: from the files that the sidecar names, kept, and made in a child that ends when nobody looks."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.cleaning.deep_zoom import Layer, Tile
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.web import tiles
from filmscand.daemon.web.frames import NoSuchFrameError
from filmscand.daemon.web.tiles import TileOrder, Tiles, zoomable


@pytest.fixture
def shown(connection, station, frames):
    return zoomable(station, connection, frames[0], 1)


@pytest.fixture
def cutter():
    cutter = Tiles()
    yield cutter
    cutter.close()


def test_a_revision_is_shown_from_the_files_that_its_sidecar_names(shown, frames):
    assert (shown.rows, shown.cols, shown.layers) == (90, 120, (Layer.RAW, Layer.CLEAN, Layer.MASK))
    folder = frames[0].folder.as_posix()
    assert shown.source.clean == f"{folder}/roll-a_0001_r01_clean.tif"
    assert (shown.source.raw, shown.source.infrared) == (f"{folder}/roll-a_0001_raw.tif", None)


def test_what_the_station_does_not_have_is_not_shown(connection, station, frames):
    for frame, revision in ((frames[0], 2), (frames[2], 1), (FrameId("museum", "box-1", "roll-b", 1), 1)):
        with pytest.raises(NoSuchFrameError):
            zoomable(station, connection, frame, revision)


def test_a_recorded_name_that_leads_elsewhere_is_refused(connection, station, frames):
    path = station.archive / frames[0].folder / f"{frames[0].stem}.json"
    record = json.loads(path.read_text())
    record["originals"][0]["name"] = "../../../../../station.db"
    path.unlink()
    path.write_text(json.dumps(record))
    with pytest.raises(IntegrityError):
        zoomable(station, connection, frames[0], 1)


@pytest.mark.parametrize(
    "tile",
    [
        Tile(Layer.INFRARED, 7, 0, 0),
        Tile(Layer.CLEAN, 8, 0, 0),
        Tile(Layer.CLEAN, 7, 1, 0),
        Tile(Layer.CLEAN, 7, 0, 9999),
        Tile(Layer.CLEAN, 31, 0, 0),
    ],
)
def test_a_tile_outside_the_pyramid_is_none(shown, tile):
    with pytest.raises(NoSuchFrameError):
        shown.require(tile)


def test_a_tile_is_made_once_and_kept(shown, cutter):
    order = TileOrder(shown.source, Tile(Layer.CLEAN, 7, 0, 0))
    made = cutter.make(order)
    cutter.close()
    assert made[:3] == b"\xff\xd8\xff"
    assert cutter.find(shown.source.key, order.tile) == cutter.make(order) == made


def test_only_the_last_tiles_are_kept(shown, cutter, monkeypatch):
    orders = [TileOrder(shown.source, Tile(Layer.CLEAN, level, 0, 0)) for level in (7, 6, 5)]
    sizes = [len(cutter.make(order)) for order in orders]
    monkeypatch.setattr(tiles, "_KEPT_BYTES", sizes[1] + sizes[2])
    cutter.make(TileOrder(shown.source, Tile(Layer.MASK, 0, 0, 0)))
    assert cutter.find(shown.source.key, orders[0].tile) is None
    assert cutter.find(shown.source.key, orders[2].tile) is not None


def test_the_child_ends_when_nobody_looks_and_comes_again(shown, cutter, monkeypatch):
    cutter.make(TileOrder(shown.source, Tile(Layer.CLEAN, 7, 0, 0)))
    cutter.close_idle()
    assert cutter.is_open
    monkeypatch.setattr(tiles, "IDLE_S", 0.0)
    cutter.close_idle()
    assert not cutter.is_open
    assert cutter.make(TileOrder(shown.source, Tile(Layer.CLEAN, 6, 0, 0)))
