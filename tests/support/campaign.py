"""The folder of an old scanning campaign: tiny finished files in every layout, and what is no frame among them."""

import shutil

import numpy as np
from PIL import Image

from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import load_station
from support.film_pages import Page, dng_pages, write_pages
from support.live_station import film, write_config, write_infrared, write_inside, write_picture

SIZE = {"rows": 40, "cols": 60}
# How many files one roll of `write_roll` has, and how many frames they make.
FILES, FRAMES = 8, 7


def write_roll(folder, seed):
    """Write seven frames of eight files: RGBI twice, a pair, two pages, a DNG, a JPEG, and a TIFF without infrared."""
    write_inside(folder / "a2.tif", seed, **SIZE)
    write_inside(folder / "a10.tif", seed + 1, **SIZE)
    write_picture(folder / "b1.tif", seed + 2, **SIZE)
    write_infrared(folder / "b1_ir.tif", seed + 2, **SIZE)
    planes = film(seed + 3, **SIZE)
    rgb, infrared = np.ascontiguousarray(planes[..., :3]), np.ascontiguousarray(planes[..., 3])
    write_pages(folder / "c1.tif", Page(rgb), Page(infrared, mark=4))
    write_pages(folder / "d1.dng", *dng_pages(Page(rgb[::-1].copy()), Page(infrared, mark=4)))
    Image.fromarray((film(seed + 4, **SIZE)[..., :3] >> 8).astype(np.uint8)).save(folder / "e1.jpg", quality=95)
    write_picture(folder / "f1.tif", seed + 5, **SIZE)
    return folder


def write_rejects(folder):
    """Write what no frame can be made of; return the reasons, by path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notes.txt").write_text("roll 7, faded")
    (folder / "empty.tif").touch()
    (folder / "link.tif").symlink_to("/etc/hostname")
    (folder / "text.tif").write_text("no TIFF at all")
    whole = write_inside(folder / "half.tif", 900, **SIZE)
    whole.write_bytes(whole.read_bytes()[:5000])
    write_infrared(folder / "lone_ir.tif", 901, **SIZE)
    return {
        "notes.txt": "not a film scan",
        "empty.tif": "empty",
        "link.tif": "a link",
        "text.tif": "text.tif",
        "half.tif": "half.tif",
        "lone_ir.tif": "there is no picture beside it",
    }


def make_station(root):
    """Make a station without any service; return its configuration file and the station."""
    config = write_config(root)
    station = load_station(config)
    connect_station(station).close()
    return config, station


def copy_of(file, name):
    shutil.copy(file, file.with_name(name))
    return file.with_name(name)
