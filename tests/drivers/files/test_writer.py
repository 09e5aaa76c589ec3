"""Archive TIFFs: what was put in comes out of tifffile, the bytes are always the same, and nothing is patched."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from filmscand.drivers.files import writer as film_writer
from filmscand.drivers.files.reader import check_whole, read_capture
from filmscand.drivers.files.writer import TiffTags, write_tiff

TAGS = TiffTags(
    description="Box 3, frame 7",
    document_name="roll1_0007",
    make="Nikon",
    model="LS-5000",
    software="filmscand 0.1",
    artist="Archive",
    copyright="public domain",
    captured_at=datetime(2024, 5, 6, 7, 8, 9),
    resolution_dpi=4000.5,
    icc_profile=b"profile",
    xmp="<x>Büchse 3</x>".encode(),
)


class OneWayPipe(io.RawIOBase):
    """Takes bytes in order and can neither seek nor be read, as a hashing copy does."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.hash.update(data)
        return len(data)


def counts(*shape: int, dtype=np.uint16) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (33, 47), (33, 47, 3)])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
def test_plane_and_tags_come_back(tmp_path, monkeypatch, shape, dtype, big):
    if big:
        monkeypatch.setattr(film_writer, "CLASSIC_LIMIT_BYTES", 0)
    monkeypatch.setattr(film_writer, "STRIP_BYTES", 1000)
    plane = counts(*shape, dtype=dtype)
    path = tmp_path / "plane.tif"
    write_tiff(path, plane, TAGS)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff == big
        assert len(tiff.pages) == 1
        page = tiff.pages[0].aspage()
        np.testing.assert_array_equal(page.asarray().reshape(shape), plane)
        found = {name: page.tags.valueof(name) for name in ("ImageDescription", "DocumentName", "DateTime", "XMP")}
        assert found == {
            "ImageDescription": TAGS.description,
            "DocumentName": TAGS.document_name,
            "DateTime": "2024:05:06 07:08:09",
            "XMP": TAGS.xmp,
        }
        assert page.tags.valueof(34675) == TAGS.icc_profile
        assert page.tags.valueof(282) == (8001, 2)
    check_whole(path)


def test_written_pair_is_read_as_a_capture(tmp_path):
    rgb, infrared = counts(40, 60, 3), counts(40, 60)
    write_tiff(tmp_path / "a_raw.tif", rgb, TAGS)
    write_tiff(tmp_path / "a_ir.tif", infrared, TiffTags())
    capture = read_capture(tmp_path / "a_raw.tif", tmp_path / "a_ir.tif")
    np.testing.assert_array_equal(capture.rgb, rgb)
    np.testing.assert_array_equal(capture.infrared, infrared)
    info = capture.info
    assert (info.make, info.model, info.software) == (TAGS.make, TAGS.model, TAGS.software)
    assert (info.captured_at, info.resolution_dpi) == (TAGS.captured_at, TAGS.resolution_dpi)
    assert capture.icc_profile == TAGS.icc_profile


def test_bytes_are_written_in_order_and_are_always_the_same(tmp_path):
    plane = counts(40, 60, 3)
    pipe = OneWayPipe()
    write_tiff(pipe, plane, TAGS)
    path = tmp_path / "a.tif"
    write_tiff(path, plane[::-1][::-1], TAGS)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == pipe.hash.hexdigest()


@pytest.mark.parametrize("plane", [counts(4, 5, 5), counts(4), counts(0, 5), counts(4, 5).astype(np.float32)])
def test_other_planes_are_refused(tmp_path: Path, plane):
    with pytest.raises(ValueError, match=r"expected .* of uint16 or uint8, found"):
        write_tiff(tmp_path / "a.tif", plane, TiffTags())
    assert not (tmp_path / "a.tif").exists()


def test_text_that_tiff_cannot_hold_is_refused_by_tag(tmp_path):
    with pytest.raises(ValueError, match="tag 269 takes 7-bit ASCII, found 'Büchse 3'"):
        write_tiff(io.BytesIO(), counts(4, 5), TiffTags(document_name="Büchse 3"))


def test_a_picture_with_its_infrared_is_read_back_as_vuescan_would_have_written_it(tmp_path):
    planes = counts(40, 60, 4)
    write_tiff(tmp_path / "a.tif", planes, TiffTags())
    with tifffile.TiffFile(tmp_path / "a.tif") as film:
        page = film.pages[0]
        assert (page.samplesperpixel, page.extrasamples, page.photometric) == (4, (0,), 2)
    capture = read_capture(tmp_path / "a.tif")
    assert np.array_equal(capture.rgb, planes[..., :3])
    assert np.array_equal(capture.infrared, planes[..., 3])
