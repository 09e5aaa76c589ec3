"""The look into an arrived file: a child does it, and a hostile file only makes an error that names it."""

from __future__ import annotations

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
