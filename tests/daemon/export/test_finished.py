"""The finished picture: cleaned or raw, turned, inverted, in 8 and in 16 bits; and the raw one with its infrared."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from filmscand.daemon.archive.frames.encode import srgb_profile
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.access_image import access_image
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.core.description.orientation import Orientation
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.request import Role
from filmscand.daemon.export.finished import (
    NoInfraredError,
    PictureFormat,
    PictureOrder,
    finished_role,
    picture_writer,
    turned_counts,
)
from filmscand.daemon.export.tags import texts_of
from filmscand.drivers.files.reader import read_capture
from support.given_frames import HEALED, SHAPE, described, frame_id, put_frame, scan_of, uncleaned


def written(archive, frame, format, sidecar=None):
    sidecar = sidecar or archive.read_sidecar(frame)
    order = PictureOrder(archive.root, sidecar, texts_of(sidecar, "roll"), format, "a")
    out = io.BytesIO()
    picture_writer(order)(out)
    return out.getvalue()


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["icc_profile"] == srgb_profile()
        return np.asarray(image).astype(int)


def in_16_bits(content):
    return tifffile.imread(io.BytesIO(content))


def test_the_finished_picture_is_the_cleaned_one_unless_a_person_keeps_the_raw_one_or_nothing_was_cleaned(archive):
    slide, raw = archive.read_sidecar(frame_id(1)), archive.read_sidecar(frame_id(3))
    assert finished_role(slide) is Role.CLEAN
    assert finished_role(raw) is finished_role(uncleaned(slide)) is Role.RAW


def test_a_jpeg_looks_like_the_access_image(archive):
    scanned = scan_of()
    clean = scanned.rgb.copy()
    clean[HEALED] = 12_345
    shown = access_image(clean, PictureProperties(True, FilmKind.SLIDE), scanned.infrared).astype(int)
    difference = np.abs(pixels(written(archive, frame_id(1), PictureFormat.JPEG)) - shown)
    assert difference.mean() < 2


def test_16_bits_are_the_same_picture_and_finer(archive):
    fine = in_16_bits(written(archive, frame_id(1), PictureFormat.TIFF))
    coarse = pixels(written(archive, frame_id(1), PictureFormat.JPEG))
    assert fine.dtype == np.uint16
    assert np.abs(fine / 257 - coarse).mean() < 2
    assert len(np.unique(fine)) > 1000


def test_a_kept_raw_picture_has_no_healed_spot(archive):
    clean, raw = (in_16_bits(written(archive, frame_id(number), PictureFormat.TIFF)) for number in (1, 3))
    assert len(np.unique(clean[HEALED].reshape(-1, 3), axis=0)) == 1
    assert len(np.unique(raw[HEALED].reshape(-1, 3), axis=0)) > 1


@pytest.mark.parametrize("format", [PictureFormat.JPEG, PictureFormat.TIFF])
def test_a_negative_is_inverted_loses_its_mask_and_stands_upright(archive, format):
    content = written(archive, frame_id(2), format)
    shown = pixels(content) if format is PictureFormat.JPEG else in_16_bits(content) / 257
    assert shown.shape == (SHAPE[1], SHAPE[0], 3)
    upright = np.rot90(shown, 1).mean(axis=2).reshape(-1)
    assert np.corrcoef(upright, scan_of("negative").rgb.mean(axis=2).reshape(-1))[0, 1] < -0.8
    assert np.corrcoef(upright, scan_of().rgb.mean(axis=2).reshape(-1))[0, 1] > 0.8


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_counts_are_turned_as_pictures_are(turn, mirrored):
    rgb = np.arange(2 * 3 * 3, dtype=np.uint16).reshape(2, 3, 3)
    shown = turned_counts(rgb, Orientation(turn, mirrored))
    for row in range(2):
        for col in range(3):
            # A pixel is an area: the place of its middle moves.
            to = Orientation(turn, mirrored).moved(2 * row + 1, 2 * col + 1, 4, 6)
            assert np.array_equal(shown[to[0] // 2, to[1] // 2], rgb[row, col])


def test_the_raw_file_with_infrared_is_read_back_to_the_same_planes_and_is_never_turned(archive, tmp_path):
    (tmp_path / "a.tif").write_bytes(written(archive, frame_id(2), PictureFormat.RGBI))
    again, scanned = read_capture(tmp_path / "a.tif"), scan_of("negative")
    assert np.array_equal(again.rgb, scanned.rgb)
    assert np.array_equal(again.infrared, scanned.infrared)
    assert (again.info.make, again.info.resolution_dpi) == ("Nikon", 4000)


def test_a_frame_without_infrared_is_no_rgbi(archive):
    with pytest.raises(NoInfraredError, match="roll-7_0004"):
        written(archive, frame_id(4), PictureFormat.RGBI)


def test_what_is_encoded_for_viewing_keeps_its_counts_and_its_profile_in_16_bits(archive):
    sidecar = archive.read_sidecar(frame_id(3))
    encoded = sidecar.capture.model_copy(update={"linear": False})
    content = written(archive, frame_id(3), PictureFormat.TIFF, sidecar.model_copy(update={"capture": encoded}))
    assert np.array_equal(in_16_bits(content), scan_of().rgb)


@pytest.mark.parametrize("ending", ["raw.tif", "r01_clean.tif"])
def test_a_damaged_file_is_not_given_away(tmp_path, ending):
    archive = Archive(tmp_path / "archive")
    put_frame(archive, tmp_path / "scans", frame_id(1), **described(caption="x"))
    path = archive.frame_folder(frame_id(1)).path / f"roll-7_0001_{ending}"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=ending):
        written(archive, frame_id(1), PictureFormat.JPEG)
