"""The look into an arrived file: a child does it, and a hostile file only makes an error that names it."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile

from filmscand.daemon.core.inspection import Inspector
from filmscand.drivers.files.errors import FilmFileError
from support.hostile_files import make_hostile


def look(inspector, path):
    return inspector.look(path, fourth_sample_is_infrared=None, has_partner=False)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "jpeg2000"])
def test_a_sound_file_over_the_limit_is_named_with_its_need(tmp_path, compression):
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.zeros((1500, 2000, 3), np.uint16), photometric="rgb", compression=compression)
    inspector = Inspector(32 << 20)
    with pytest.raises(FilmFileError, match=r"needs \d+ MiB, the limit is 32 MiB \(workers.memory_limit_mib\)"):
        look(inspector, path)
    inspector.close()


def test_each_hostile_file_is_read_or_named(tmp_path):
    inspector = Inspector(256 << 20)
    for path in make_hostile(tmp_path, 60, seed=5):
        try:
            look(inspector, path)
        except (FilmFileError, OSError) as error:
            assert path.name in str(error)
    inspector.close()


@pytest.mark.parametrize("colours", ["grey", "equal", "different"])
@pytest.mark.parametrize("kind", ["tif", "png"])
def test_what_a_file_holds_decides_whether_it_is_the_infrared_that_its_name_says(tmp_path, kind, colours):
    plane = np.random.default_rng(1).integers(20_000, 60_000, (40, 60)).astype(np.uint16)
    coloured = np.dstack([plane, plane + 1, plane])
    samples = {"grey": plane, "equal": np.dstack([plane] * 3), "different": coloured}[colours]
    path = tmp_path / f"a_ir.{kind}"
    if kind == "png":
        path.write_bytes(imagecodecs.png_encode(samples))
    else:
        tifffile.imwrite(path, samples, photometric="minisblack" if samples.ndim == 2 else "rgb")
    inspector = Inspector(256 << 20)
    found = inspector.look(path, fourth_sample_is_infrared=None, has_partner=False, may_be_infrared=True)
    assert found.is_infrared == (colours != "different")
    assert not look(inspector, path).is_infrared
    inspector.close()
