"""What one file is looked into for: whether it is a picture, and whether it holds its infrared."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
import tifffile

from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.ingest.pairs.looking import Looked, look_into, refused_by_name
from filmscand.daemon.station.configuration import PairRule, Watch
from filmscand.drivers.files.errors import AmbiguousLayoutError
from support.live_station import write_infrared, write_inside, write_picture

SIZE = {"rows": 40, "cols": 60}


@pytest.fixture(scope="module")
def inspector():
    with closing(Inspector(1 << 30)) as made:
        yield made


@pytest.mark.parametrize(
    ("write", "name", "looked"),
    [
        (write_inside, "a.tif", Looked(holds_infrared=True)),
        (write_picture, "a.tif", Looked(holds_infrared=False)),
        (write_infrared, "a_ir.tif", Looked(holds_infrared=False)),
        (write_picture, "pier_ir.tif", Looked(holds_infrared=False, is_picture=True)),
    ],
)
def test_content_goes_before_names(inspector, tmp_path, write, name, looked):
    write(tmp_path / name, 1, **SIZE)
    assert look_into(inspector, Watch(path=tmp_path), name) == looked


def test_a_fourth_sample_that_may_be_transparency_is_a_doubt_unless_nothing_can_decide(inspector, tmp_path):
    samples = np.full((40, 60, 4), 30_000, np.uint16)
    samples[..., 3] = np.random.default_rng(1).integers(20_000, 40_000, (40, 60))
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    assert look_into(inspector, Watch(path=tmp_path), "a.tif").doubt is not None
    with pytest.raises(AmbiguousLayoutError):
        look_into(inspector, Watch(path=tmp_path, pair=PairRule.NONE), "a.tif")


def test_the_ending_of_a_name_decides_first():
    assert refused_by_name("roll/A.TIFF") is None
    assert "found '.txt'" in refused_by_name("roll/notes.txt")
