"""The header of a coded strip must say what the tags say."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import tifffile

from filmscand.drivers.files.reader import NotAFilmScanError, check_whole, read_capture

MARKS = {"jpeg": (b"\xff\xc0", 5, ">HH"), "jpeg2000": (b"\xff\x4f\xff\x51", 8, ">II"), "png": (b"IHDR", 4, ">II")}


@pytest.mark.parametrize("codec", MARKS)
@pytest.mark.parametrize("tile", [None, (16, 32)])
def test_a_strip_that_claims_another_size_is_refused_before_it_is_decoded(tmp_path, codec, tile):
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((48, 64, 3), np.uint8), photometric="rgb", compression=codec, tile=tile)
    assert read_capture(path).rgb.shape == (48, 64, 3)
    data = bytearray(path.read_bytes())
    mark, offset, code = MARKS[codec]
    struct.pack_into(code, data, data.find(mark) + offset, 30000, 30000)
    path.write_bytes(data)
    for read in (check_whole, read_capture):
        with pytest.raises(NotAFilmScanError, match=r"as the tags say, found a .* header that says 30000 x 30000"):
            read(path)
