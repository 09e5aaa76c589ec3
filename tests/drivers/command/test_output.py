"""What a program has written is found whatever its name, and is one whole picture of the area that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from filmscand.drivers.base import InfraredOrigin
from filmscand.drivers.command.output import check_size, output_bytes, read_output
from filmscand.drivers.scanner.errors import ScannerIoError, ShortFrameError

RGB = np.random.default_rng(1).integers(0, 65536, (40, 60, 3), dtype=np.uint16)
INFRARED = np.random.default_rng(2).integers(0, 65536, (40, 60), dtype=np.uint16)


def save(path, samples, **settings):
    tifffile.imwrite(path, samples, photometric="rgb" if samples.ndim == 3 else "minisblack", **settings)


def read(folder):
    return read_output(folder, folder / "frame.tif", "scan-it")


def test_a_fourth_sample_is_infrared_as_nothing_scans_transparency(tmp_path):
    save(tmp_path / "frame.tif", np.dstack([RGB, INFRARED]), extrasamples=["unassalpha"])
    capture = read(tmp_path)
    assert capture.info.infrared_origin is InfraredOrigin.FOURTH_SAMPLE
    assert np.array_equal(capture.infrared, INFRARED)


@pytest.mark.parametrize("name", ["frame.tif", "scan-0001.TIFF"])
def test_a_picture_is_found_with_its_infrared_under_the_name_that_the_program_chose(tmp_path, name):
    save(tmp_path / name, RGB)
    save(tmp_path / f"{name.partition('.')[0]}_IR.tif", INFRARED)
    capture = read(tmp_path)
    assert np.array_equal(capture.rgb, RGB)
    assert np.array_equal(capture.infrared, INFRARED)
    assert output_bytes(tmp_path) > RGB.nbytes + INFRARED.nbytes


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        ((), ShortFrameError, "scan-it ended without an error, and wrote no picture"),
        (("a.tif", "b.tif"), ScannerIoError, r"scan-it wrote a\.tif, b\.tif, expected one picture"),
    ],
)
def test_no_picture_or_two_are_an_error(tmp_path, files, kind, message):
    for name in files:
        save(tmp_path / name, RGB)
    with pytest.raises(kind, match=message):
        read(tmp_path)


def test_half_a_picture_is_a_short_frame(tmp_path):
    save(tmp_path / "frame.tif", RGB)
    content = (tmp_path / "frame.tif").read_bytes()
    (tmp_path / "frame.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(ShortFrameError, match="wrote part of a picture"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("expected", "kind"),
    [((40, 60), None), ((56, 44), None), ((57, 60), ShortFrameError), ((40, 43), ScannerIoError)],
)
def test_a_picture_of_another_size_than_the_area_is_an_error_beyond_what_rounding_does(tmp_path, expected, kind):
    save(tmp_path / "frame.tif", RGB)
    capture = read(tmp_path)
    if kind is None:
        check_size(capture, expected, "scan-it")
        return
    with pytest.raises(kind, match="wrote 40 rows of 60 pixels, expected"):
        check_size(capture, expected, "scan-it")
