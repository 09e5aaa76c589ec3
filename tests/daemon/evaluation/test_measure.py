"""`filmscand evaluate`: which files make a pair, what is measured on it, and what becomes of a pair that cannot be."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from filmscand.daemon.cli import main
from filmscand.daemon.evaluation.measure import MeasureSettings, evaluate_pair, mean_of
from filmscand.daemon.evaluation.metrics import changed_mask, psnr_db, score_mask, ssim
from filmscand.daemon.evaluation.pairs import NoPairsError, PairError, find_pairs, read_mask, read_picture
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import CleanOptions, clean_frame

LPIPS = importlib.util.find_spec("lpips") is not None


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(landscape(160, 240, 5), KINDS["leaky_slide"], seed=8)


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setenv("COLUMNS", "240")
        monkeypatch.setattr(sys, "argv", ["filmscand", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


def write_png(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(rgb))


def write_infrared(path, plane):
    tifffile.imwrite(path, plane, photometric="minisblack", metadata=None)


def write_mask(path, mask):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def write_pair(folder, frame, name="a"):
    write_png(folder / f"{name}_damaged.png", frame.rgb)
    write_png(folder / f"{name}_restored.png", frame.clean_rgb)


def mask_of(*pixels, shape=(20, 30)):
    mask = np.zeros(shape, np.bool_)
    for pixel in pixels:
        mask[pixel] = True
    return mask


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("damaged/a.tif", "restored/a.png"), ("damaged/a.tif", "restored/a.png", None, None)),
        (
            ("damaged/a.tif", "restored/a.tif", "masks/a.png", "infrared/a.tif"),
            ("damaged/a.tif", "restored/a.tif", "masks/a.png", "infrared/a.tif"),
        ),
        (
            ("damaged/a.png", "damaged/a_ir.tif", "restored/a.png"),
            ("damaged/a.png", "restored/a.png", None, "damaged/a_ir.tif"),
        ),
        (
            ("a_damaged.jpg", "a_restored.jpg", "a_mask.png", "a_ir.tif", "notes.txt"),
            ("a_damaged.jpg", "a_restored.jpg", "a_mask.png", "a_ir.tif"),
        ),
        (
            ("a_damaged.tif", "a_damaged_ir.tif", "a_restored.tif"),
            ("a_damaged.tif", "a_restored.tif", None, "a_damaged_ir.tif"),
        ),
        (("a.jpg", "a_restored.jpg"), ("a.jpg", "a_restored.jpg", None, None)),
    ],
    ids=["folders", "folders with all", "folders with infrared beside", "names", "names, infrared", "published set"],
)
def test_files_that_belong_together_make_a_pair(tmp_path, names, expected):
    touch(tmp_path, *names)
    (pair,) = find_pairs(tmp_path)
    found = [pair.damaged, pair.restored, pair.mask, pair.infrared]
    assert (pair.name, [path and str(path.relative_to(tmp_path)) for path in found]) == ("a", list(expected))


def test_pairs_come_by_name(tmp_path):
    touch(tmp_path, "b_restored.png", "b.png", "a.png", "a_restored.png")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a", "b"]


def test_a_folder_without_a_restored_picture_holds_no_pairs(tmp_path):
    touch(tmp_path, "a.png", "b.png")
    with pytest.raises(NoPairsError, match=r"NAME_restored.*found 2 pictures and no restored one"):
        find_pairs(tmp_path)


def test_two_damaged_pictures_of_one_name_are_refused(tmp_path):
    touch(tmp_path, "a.png", "a_damaged.png", "a_restored.png")
    with pytest.raises(PairError, match=r"expected one damaged picture of a, found a\.png too"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("write", "dtype"),
    [
        (lambda path, rgb: path.write_bytes(imagecodecs.png_encode(rgb)), np.uint16),
        (lambda path, rgb: path.write_bytes(imagecodecs.png_encode(rgb)), np.uint8),
        (
            lambda path, rgb: tifffile.imwrite(path.with_suffix(".tif"), rgb, photometric="rgb", metadata=None),
            np.uint16,
        ),
    ],
    ids=["png 16", "png 8", "tiff 16"],
)
def test_a_lossless_picture_is_read_in_sixteen_bits(tmp_path, write, dtype):
    rgb = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, (40, 50, 3)).astype(dtype)
    write(tmp_path / "a.png", rgb)
    (path,) = tmp_path.iterdir()
    factor = 257 if dtype == np.uint8 else 1
    assert np.array_equal(read_picture(path).rgb, rgb.astype(np.uint16) * factor)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_grey_picture_has_three_equal_channels(tmp_path, suffix):
    grey = np.tile(np.arange(64, dtype=np.uint8), (48, 1))
    path = tmp_path / f"a{suffix}"
    Image.fromarray(grey).save(path)
    rgb = read_picture(path).rgb
    assert rgb.shape == (48, 64, 3)
    assert np.abs(rgb.astype(np.int32) - 257 * grey[..., None].astype(np.int32)).max() <= 3 * 257


def test_infrared_within_a_tiff_is_read_with_its_picture(tmp_path, frame):
    path = tmp_path / "a.tif"
    samples = np.dstack([frame.rgb, frame.infrared])
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=[0], metadata=None, software="VueScan 9 x64")
    assert np.array_equal(read_picture(path).infrared, frame.infrared)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_a_file_that_is_no_picture_is_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a picture")
    with pytest.raises(PairError, match=rf"{name}: expected .*, found"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("white", [1, 255])
def test_a_mask_is_what_is_brighter_than_half_of_its_brightest(tmp_path, white):
    mask = mask_of((3, 4), (5, slice(2, 9)))
    Image.fromarray((mask * white).astype(np.uint8)).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png", tmp_path / "a.png", mask.shape), mask)


def test_a_black_mask_marks_nothing(tmp_path):
    write_mask(tmp_path / "m.png", mask_of())
    assert not read_mask(tmp_path / "m.png", tmp_path / "a.png", (20, 30)).any()


def test_a_mask_scored_by_hand():
    found, true = mask_of((0, slice(0, 4))), mask_of((0, slice(2, 8)))
    score = score_mask(found, true)
    assert (score.precision, score.recall, score.iou) == (2 / 4, 2 / 6, 2 / 8)
    assert score.f1 == pytest.approx(2 * 2 / (4 + 6))
    assert score.emd == pytest.approx(2 / 600)
    # Along the columns the middles lie 1.5 and 4.5 from the side, and every pixel moves to the right.
    assert score.emd_place == pytest.approx((5 - 2) / 30 / 2)


def test_with_tolerance_a_pixel_beside_the_true_mask_is_right():
    found, true = mask_of((5, 5)), mask_of((5, 7))
    assert score_mask(found, true, 1).f1 == 0
    assert score_mask(found, true, 2).f1 == 1
    assert score_mask(found, true, 2).iou == 0


def test_masks_without_anything_have_no_f1_and_one_without_the_other_has_none():
    nothing, something = mask_of(), mask_of((4, 4))
    assert math.isnan(score_mask(nothing, nothing).f1)
    assert score_mask(nothing, something).f1 == score_mask(something, nothing).f1 == 0
    assert math.isnan(score_mask(nothing, something).emd_place)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.02, 0.5))
def test_f1_and_iou_of_a_mask_agree_and_every_mask_fits_itself(seed, share):
    rng = np.random.default_rng(seed)
    found, true = rng.random((2, 24, 32)) < share
    score = score_mask(found, true)
    assert score.f1 == pytest.approx(2 * score.iou / (1 + score.iou))
    assert score.emd == pytest.approx(abs(score.found - score.damaged))
    own = score_mask(true, true)
    assert (own.f1, own.iou, own.emd, own.emd_place) == (1, 1, 0, 0)


@pytest.mark.parametrize("rows", [7, 160, 600])
def test_psnr_and_ssim_are_those_of_scikit_image(rows):
    rng = np.random.default_rng(rows)
    first = rng.integers(0, 65536, (rows, 40, 3)).astype(np.uint16)
    second = (first // 2 + rng.integers(0, 30000, first.shape)).astype(np.uint16)
    assert psnr_db(first, second) == pytest.approx(peak_signal_noise_ratio(first, second))
    expected = structural_similarity(first / 65535, second / 65535, win_size=7, data_range=1.0, channel_axis=-1)
    assert ssim(first, second) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_have_no_noise():
    picture = np.full((20, 20, 3), 300, np.uint16)
    assert math.isinf(psnr_db(picture, picture))
    assert ssim(picture, picture) == pytest.approx(1)


def test_the_difference_counts_from_its_threshold_on_in_any_channel():
    first = np.full((300, 4, 3), 30000, np.uint16)
    second = first.copy()
    second[10, 1, 2] += 700
    second[290, 2, 0] -= 600
    assert np.argwhere(changed_mask(first, second, 0.01)).tolist() == [[10, 1]]
    assert np.argwhere(changed_mask(first, second, 0)).tolist() == [[10, 1], [290, 2]]


def test_a_frame_with_infrared_is_cleaned_and_comes_closer_to_the_restored_one(tmp_path, frame):
    write_pair(tmp_path, frame)
    write_infrared(tmp_path / "a_ir.tif", frame.infrared)
    write_mask(tmp_path / "a_mask.png", frame.visible_mask)
    score = evaluate_pair(find_pairs(tmp_path)[0], MeasureSettings(CleanOptions(), tolerance_px=2))
    cleaned = clean_frame(frame.rgb, frame.infrared)
    assert score.f1 == pytest.approx(score_mask(cleaned.defect_mask, frame.visible_mask, 2).f1)
    assert score.f1 > 0.7
    assert score.psnr_db == psnr_db(cleaned.rgb, frame.clean_rgb) > score.psnr_before_db + 3
    assert score.ssim > score.ssim_before
    assert score.damaged == frame.visible_mask.mean()


def test_without_a_mask_the_difference_of_both_pictures_is_the_truth(tmp_path, frame):
    write_pair(tmp_path, frame)
    score = evaluate_pair(find_pairs(tmp_path)[0], MeasureSettings(CleanOptions(), difference=0.02))
    assert score.damaged == changed_mask(frame.rgb, frame.clean_rgb, 0.02).mean() > 0


def test_another_program_s_pictures_are_measured_in_place_of_ours(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "theirs" / "a.png", frame.clean_rgb)
    (pair,) = find_pairs(tmp_path / "pairs")
    score = evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / "theirs"))
    assert (score.f1, score.iou, score.emd) == (1, 1, 0)
    assert math.isinf(score.psnr_db)
    assert math.isnan(score.seconds)


def test_another_program_s_mask_goes_before_what_it_changed(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "theirs" / "a_damaged_clean.png", frame.clean_rgb)
    write_mask(tmp_path / "theirs" / "a_damaged_mask.png", np.zeros_like(frame.visible_mask))
    (pair,) = find_pairs(tmp_path / "pairs")
    assert evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / "theirs")).f1 == 0


def test_means_leave_out_what_cannot_be_measured(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "same" / "a.png", frame.rgb)
    write_png(tmp_path / "right" / "a.png", frame.clean_rgb)
    (pair,) = find_pairs(tmp_path / "pairs")
    scores = [evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / name)) for name in ("same", "right")]
    means = mean_of(scores)
    assert means["f1"] == 0.5
    assert means["psnr_db"] == scores[0].psnr_db
    assert means["seconds"] is None


def test_the_command_prints_a_table_with_means(tmp_path, frame, command):
    write_pair(tmp_path, frame, "first")
    write_pair(tmp_path, frame, "second")
    status, out, err = command(tmp_path)
    assert (status, err) == (0, "")
    assert [word for word in ("first", "second", "mean", "PSNR dB", "EMD place") if word not in out] == []
    assert LPIPS or "not installed" in out


def test_a_pair_that_cannot_be_measured_is_told_and_the_others_go_on(tmp_path, frame, command):
    write_pair(tmp_path, frame, "good")
    write_pair(tmp_path, frame, "other-size")
    write_png(tmp_path / "other-size_restored.png", frame.clean_rgb[:-1])
    write_png(tmp_path / "alone.png", frame.rgb)
    write_png(tmp_path / "lost_restored.png", frame.rgb)
    status, out, _ = command(tmp_path, "--json")
    answer = json.loads(out)
    errors = {pair["name"]: pair["error"] for pair in answer["pairs"]}
    assert status == 3
    assert errors["good"] is None
    assert (
        "other-size_restored.png: expected 240 x 160 as other-size_damaged.png, found 240 x 159" in errors["other-size"]
    )
    assert "alone.png: expected alone_restored.* to go with it, found none" in errors["alone"]
    assert "lost_restored.png: expected lost_damaged.* or lost.* to go with it, found none" in errors["lost"]
    assert answer["mean"]["psnr_before_db"] == pytest.approx(psnr_db(frame.rgb, frame.clean_rgb))
    assert (answer["mean"]["lpips"] is None) == (not answer["lpips_installed"])


def test_where_no_pair_can_be_measured_the_command_fails(tmp_path, frame, command):
    write_png(tmp_path / "lost_restored.png", frame.rgb)
    status, out, err = command(tmp_path)
    assert (status, out) == (1, "")
    assert "lost_damaged.*" in err


def test_a_folder_without_pairs_fails_with_the_layouts_that_are_read(tmp_path, command):
    status, _, err = command(tmp_path)
    assert status == 1
    assert f"{tmp_path}: expected damaged/NAME.* with restored/NAME.*" in err


def test_a_mask_of_another_size_is_told(tmp_path, frame, command):
    write_pair(tmp_path, frame)
    write_mask(tmp_path / "a_mask.png", mask_of())
    status, _, err = command(tmp_path)
    assert status == 1
    assert "a_mask.png: expected 240 x 160 as a_damaged.png, found 30 x 20" in err


def test_a_cleaned_picture_that_is_missing_is_told(tmp_path, frame, command):
    write_pair(tmp_path / "pairs", frame)
    (tmp_path / "theirs").mkdir()
    status, _, err = command(tmp_path / "pairs", "--cleaned", tmp_path / "theirs")
    assert status == 1
    assert "expected one of a_clean, a_cleaned, a," in err
    shutil.copy(tmp_path / "pairs" / "a_restored.png", tmp_path / "theirs" / "a_clean.png")
    assert command(tmp_path / "pairs", "--cleaned", tmp_path / "theirs")[0] == 0
