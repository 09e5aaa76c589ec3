"""Whether an infrared plane belongs to a picture is told from the planes, not from their names."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.daemon.ingest.pairs.belonging import DOES_NOT_BELONG
from filmscand.daemon.ingest.pairs.plane_comparison import main, stranger
from support.live_station import film, write_infrared, write_inside, write_picture

NO_LIMIT = str(1 << 40)
SEEDS = (1, 2, 6, 7, 10, 11)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_infrared_of_the_same_film_belongs_also_where_it_is_moved_by_some_pixels(seed):
    planes = film(seed)
    assert stranger(planes[..., 0], planes[..., 3]) is None
    assert stranger(planes[3:, 2:, 0], planes[:-3, :-2, 3]) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_infrared_of_another_film_does_not(seed):
    assert "same place" in stranger(film(seed)[..., 0], film(seed + 50)[..., 3])


def test_planes_that_show_nothing_are_left_to_a_person():
    blank = np.full((60, 90), 30_000, np.uint16)
    assert stranger(blank, blank) is not None


@pytest.mark.parametrize("shape", [(1, 1), (3, 5000), (2500, 2)])
def test_planes_of_any_shape_are_compared(shape):
    plane = np.random.default_rng(1).integers(0, 65535, shape).astype(np.uint16)
    assert "nan" not in (stranger(plane, plane) or "")


def test_files_are_compared_and_the_reason_is_told(tmp_path, capsys):
    picture, infrared = write_picture(tmp_path / "a.tif", 1), write_infrared(tmp_path / "a_ir.tif", 1)
    assert main(str(picture), str(infrared), "None", NO_LIMIT) == 0
    reasons = {
        "same place": (picture, write_infrared(tmp_path / "b_ir.tif", 2)),
        "aspect ratio": (picture, write_infrared(tmp_path / "c_ir.tif", 1, rows=60)),
        "itself": (write_inside(tmp_path / "d.tif", 1), infrared),
    }
    for word, files in reasons.items():
        assert main(*map(str, files), "None", NO_LIMIT) == DOES_NOT_BELONG
        assert word in capsys.readouterr().out
