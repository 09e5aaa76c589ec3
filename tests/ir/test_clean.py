from __future__ import annotations

import json
from typing import NamedTuple

import cv2
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.measures.metrics import Answer, Judge
from filmscand.film.frame import Damage
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.ir import CleanOptions, ImageError, ModelError, PlaneTypeError, ShapeMismatchError, clean_frame
from filmscand.ir.report import Caution, Method
from support.ir_frames import cleaned, compiled, flat_planes, simulated
from support.onnx_models import save_inpainting
from training.mask_agreement import widened

pytestmark = compiled

QUALITY_SHAPE, QUALITY_SEED = (600, 900), 11


class Floor(NamedTuple):
    """Smallest quality of a frame of a kind: F1 within 2 px, decibels over raw on defects and over the whole frame,
    decibels over a perfect mask filled by Telea's method, and the most sound pixels that may be harmed.
    """

    kind: str
    picture: str
    f1: float
    defects_gain_db: float
    frame_gain_db: float
    over_telea_db: float
    harmed: float


# Well below the measured values, so that a small variation passes and a step back does not.
FLOORS = [
    Floor("clear_slide", "landscape", 0.94, 23, 23, 3.0, 1e-4),
    Floor("leaky_slide", "girders", 0.94, 19, 19, 11, 5e-4),
    Floor("strong_leak", "portrait", 0.94, 14, 14, 6.5, 2e-4),
    Floor("negative", "landscape", 0.94, 21, 21, 4.5, 1e-4),
    Floor("mounted", "landscape", 0.90, 12, 12, -4.0, 1e-4),
    Floor("two_pass_shift", "girders", 0.91, 14, 13, 6, 2e-3),
    Floor("weak_infrared", "landscape", 0.79, 2.0, 2.0, -16, 1e-4),
    Floor("faint_dust", "smooth_sky", 0.94, 16.5, 15.5, 5.5, 1e-4),
    Floor("heavy_dirt", "portrait", 0.94, 8.5, 8.5, 1.0, 2e-4),
    Floor("long_hairs", "lettering", 0.92, 13.5, 13.5, 5.5, 3e-3),
    Floor("kodachrome", "landscape", 0.93, 18, 18, -4.0, 1e-3),
]


def answer_of(result):
    return Answer(result.rgb, result.defect_mask, 0.0)


def telea(frame):
    """The frame with its true damage filled by OpenCV, in eight bits."""
    eight = (frame.rgb >> 8).astype(np.uint8)
    mask = widened(frame.visible_mask, 1)
    filled = cv2.inpaint(eight, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.uint16) * 257
    return Answer(np.where(mask[..., None], filled, frame.rgb), mask, 0.0)


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: f"{floor.kind} {floor.picture}")
def test_quality_does_not_fall(floor):
    frame = simulated(floor.kind, floor.picture, QUALITY_SHAPE, QUALITY_SEED)
    judge = Judge(frame)
    raw = judge.score(Answer(frame.rgb, np.zeros(QUALITY_SHAPE, np.bool_), 0.0))
    score = judge.score(answer_of(cleaned(floor.kind, floor.picture, QUALITY_SHAPE, QUALITY_SEED)))
    reached = floor._replace(
        f1=score.f1,
        defects_gain_db=score.defects_db - raw.defects_db,
        frame_gain_db=score.frame_db - raw.frame_db,
        over_telea_db=score.defects_db - judge.score(telea(frame)).defects_db,
        harmed=score.harmed,
    )
    assert score.outside == 0
    assert all(reaches >= least for reaches, least in zip(reached[2:6], floor[2:6], strict=True)), reached
    assert reached.harmed <= floor.harmed, reached


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(PICTURES)), st.integers(0, 10_000))
def test_no_pixel_outside_the_mask_changes_and_the_report_is_plain_numbers(kind, picture, seed):
    frame = simulated.__wrapped__(kind, picture, (240, 360), seed)
    before = frame.rgb.copy(), frame.infrared.copy()
    result = clean_frame(frame.rgb, frame.infrared)
    assert_sane(result, frame.rgb)
    assert np.array_equal(frame.rgb, before[0])
    assert np.array_equal(frame.infrared, before[1])


def assert_sane(result, rgb):
    outside = ~result.defect_mask
    assert result.rgb.dtype == np.uint16
    assert result.rgb.shape == rgb.shape
    assert result.defect_mask.dtype == np.bool_
    assert np.array_equal(result.rgb[outside], rgb[outside])
    assert not np.shares_memory(result.rgb, rgb)
    report = result.report
    assert (report.threshold > 0) == (report.method in (Method.INFRARED, Method.FUSION))
    assert (report.probability_threshold > 0) == (report.method != Method.NONE)
    # Where the infrared alone is sure of everything, no network is asked.
    assert set(report.models) <= ({"detector"} if report.probability_threshold else set())
    assert report.models or report.method is not Method.DETECTOR
    assert report.defects_found == report.defects_divided + report.defects_filled + report.defects_left
    assert 0 <= report.coverage <= 1
    # NaN and infinity are no JSON.
    json.dumps(report.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (5, 1), (1, 200), (2, 2), (3, 200), (200, 3), (64, 64), (65, 129), (100, 100), (131, 77), (127, 300)],
    ids=str,
)
def test_frames_of_any_size_come_back_in_that_size(shape):
    rng = np.random.default_rng(5)
    rgb = rng.integers(1000, 50000, (*shape, 3)).astype(np.uint16)
    infrared = np.rint(rng.normal(40000, 200, shape)).astype(np.uint16)
    infrared[shape[0] // 2, shape[1] // 3 : shape[1] // 2] = 8000
    assert_sane(clean_frame(rgb, infrared), rgb)


@pytest.mark.parametrize("rgb", [0, 1, 30000, 65535])
@pytest.mark.parametrize("infrared", [0, 30000, 65535])
def test_planes_of_one_value_are_left_unchanged_with_the_reason(rgb, infrared):
    planes = flat_planes((100, 140), rgb, infrared)
    result = clean_frame(*planes)
    assert_sane(result, planes[0])
    assert not result.defect_mask.any()
    assert result.report.method == Method.NONE
    blank = {Caution.FRAME_DARK, Caution.FRAME_UNEXPOSED}
    reason, *more = result.report.warnings
    assert reason is Caution.NO_FILM or (reason is Caution.INFRARED_CONSTANT and set(more) < blank)


@pytest.mark.parametrize(
    ("level", "noise", "reason"),
    [(30_000, 0.01, Caution.FRAME_UNEXPOSED), (20, 0.5, Caution.FRAME_DARK)],
    ids=["blank", "black"],
)
def test_blank_and_black_frames_without_infrared_are_left_unchanged(level, noise, reason):
    rgb, _ = flat_planes((60, 80), level, noise=noise)
    result = clean_frame(rgb, None)
    assert_sane(result, rgb)
    assert not result.defect_mask.any()
    assert result.report.warnings == (Caution.NO_INFRARED, reason)
    assert result.report.method == Method.NONE


@pytest.mark.parametrize("detector", ["auto", "off"])
@pytest.mark.parametrize(("kind", "picture"), [("leaky_slide", "smooth_sky"), ("silver", "landscape")])
def test_frames_that_infrared_cannot_clean_are_cleaned_by_their_colours_unless_the_detector_is_off(
    kind, picture, detector
):
    frame = simulated(kind, picture)
    infrared = frame.infrared if kind == "silver" else None
    result = clean_frame(frame.rgb, infrared, CleanOptions(detector=detector))
    assert_sane(result, frame.rgb)
    assert result.report.warnings == (Caution.SILVER_FILM if kind == "silver" else Caution.NO_INFRARED,)
    if detector == "off":
        assert result.report.method == Method.NONE
        assert not result.defect_mask.any()
    else:
        assert result.report.method == Method.DETECTOR
        judge = Judge(frame)
        raw = judge.score(Answer(frame.rgb, np.zeros_like(result.defect_mask), 0.0))
        assert judge.score(answer_of(result)).frame_db > raw.frame_db + 3


def test_without_the_detector_infrared_alone_decides_and_no_model_is_loaded():
    frame = simulated("leaky_slide", "landscape", (300, 420), damage=Damage(dust=6, dirt=6))
    options = CleanOptions(detector="off", detector_model="/no/such/file")
    result = clean_frame(frame.rgb, frame.infrared, options)
    assert_sane(result, frame.rgb)
    assert result.report.method == Method.INFRARED
    assert result.report.models == {}
    assert Judge(frame).score(answer_of(result)).f1 > 0.85


def test_a_missing_model_that_a_frame_needs_is_an_error_that_names_it():
    frame = simulated("leaky_slide", "landscape", (300, 420))
    with pytest.raises(ModelError, match="/no/such/file"):
        clean_frame(frame.rgb, None, CleanOptions(detector_model="/no/such/file"))


def test_an_inpainting_model_fills_large_opaque_defects_of_a_frame_and_nothing_else(tmp_path):
    frame = simulated("leaky_slide", "smooth_sky", (300, 420), damage=Damage(dirt=6, median_density=3.0))
    path = str(save_inpainting(tmp_path / "mean.onnx"))
    plain, painted = (clean_frame(frame.rgb, frame.infrared, CleanOptions(inpainting_model=m)) for m in (None, path))
    assert painted.report.defects_inpainted > 0
    assert painted.report.models.keys() - {"detector"} == {"inpainting"}
    assert np.array_equal(painted.defect_mask, plain.defect_mask)
    changed = (painted.rgb != plain.rgb).any(axis=2)
    assert changed.any()
    assert not (changed & ~plain.defect_mask).any()


RGB, INFRARED = flat_planes((20, 30))


@pytest.mark.parametrize(
    ("rgb", "infrared", "error", "named"),
    [
        (RGB.astype(np.float32), INFRARED, PlaneTypeError, "float32"),
        (RGB.astype(np.uint8), INFRARED, PlaneTypeError, "uint8"),
        (RGB[..., 0], INFRARED, PlaneTypeError, r"\(20, 30\)"),
        (RGB[..., :2], INFRARED, PlaneTypeError, r"\(20, 30, 2\)"),
        (RGB, INFRARED.astype(np.int32), PlaneTypeError, "int32"),
        (RGB, INFRARED[..., None], PlaneTypeError, r"\(20, 30, 1\)"),
        (RGB, INFRARED[:-1], ShapeMismatchError, r"\(19, 30\)"),
        (RGB, INFRARED.T, ShapeMismatchError, r"\(30, 20\)"),
    ],
)
def test_an_error_names_the_wrong_plane_and_its_shape_or_type(rgb, infrared, error, named):
    with pytest.raises(error, match=named) as raised:
        clean_frame(rgb, infrared)
    assert isinstance(raised.value, ImageError)


@pytest.fixture
def one_thread():
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


@pytest.mark.parametrize("kind", ["leaky_slide", "two_pass_shift", "strong_leak"])
def test_a_frame_is_cleaned_to_the_same_bytes_by_one_thread_and_by_all_and_every_time(kind, one_thread):
    frame = simulated(kind, "landscape", (300, 420))
    alone = clean_frame(frame.rgb, frame.infrared)
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    for _ in range(2):
        together = clean_frame(frame.rgb, frame.infrared)
        assert together.rgb.tobytes() == alone.rgb.tobytes()
        assert together.defect_mask.tobytes() == alone.defect_mask.tobytes()
        assert {**together.report.as_dict(), "step_seconds": 0} == {**alone.report.as_dict(), "step_seconds": 0}
    assert alone.defect_mask.any()


def test_views_of_larger_arrays_are_cleaned_to_the_same_bytes():
    frame = simulated("leaky_slide", "landscape", (300, 420))
    wide = np.zeros((300, 900, 3), np.uint16)
    wide[:, 0:840:2] = frame.rgb
    infrared = np.asfortranarray(frame.infrared)
    result, expected = clean_frame(wide[:, 0:840:2], infrared), clean_frame(frame.rgb, frame.infrared)
    assert np.array_equal(result.rgb, expected.rgb)
    wide.flags.writeable = infrared.flags.writeable = False
    assert np.array_equal(clean_frame(wide[:, 0:840:2], infrared).rgb, expected.rgb)


@pytest.mark.parametrize("change", [np.fliplr, np.flipud, np.rot90, lambda plane: plane.swapaxes(0, 1)])
def test_a_mirrored_or_turned_frame_has_nearly_the_same_defects(change):
    frame = simulated("leaky_slide", "landscape", (400, 600))
    upright = cleaned("leaky_slide", "landscape", (400, 600)).defect_mask
    turned = clean_frame(change(frame.rgb), change(frame.infrared)).defect_mask
    expected = change(upright)
    assert (turned & expected).sum() > 0.91 * (turned | expected).sum()


@pytest.mark.parametrize(
    ("kind", "picture", "caution"),
    [
        ("unexposed", "landscape", Caution.FRAME_UNEXPOSED),
        ("fully_dark", "landscape", Caution.FRAME_DARK),
    ],
)
def test_film_without_a_picture_is_left_unchanged_with_the_reason(kind, picture, caution):
    result = cleaned(kind, picture)
    assert result.report.warnings == (caution,)
    assert result.report.method == Method.NONE
    assert np.array_equal(result.rgb, simulated(kind, picture).rgb)
    assert not result.defect_mask.any()


def test_an_infrared_plane_that_is_a_copy_of_the_picture_is_not_used():
    frame = simulated("leaky_slide", "landscape")
    result = clean_frame(frame.rgb, frame.rgb[..., 0].copy())
    assert result.report.warnings == (Caution.INFRARED_UNUSABLE,)
    assert result.report.method == Method.DETECTOR


def test_a_usual_frame_is_cleaned_without_a_warning():
    report = cleaned("leaky_slide", "landscape").report
    assert report.warnings == ()
    assert report.method == Method.INFRARED
    assert report.shift.confidence > 0.5
    assert set(report.step_seconds) >= {"photometry", "leakage", "detection", "healing"}


def test_a_fingerprint_on_a_busy_picture_is_found_and_divided_out():
    frame, result = (make("fingerprint", "girders", (640, 960)) for make in (simulated, cleaned))
    score = Judge(frame).score(answer_of(result))
    raw = Judge(frame).score(Answer(frame.rgb, np.zeros_like(result.defect_mask), 0.0))
    assert score.f1 > 0.6
    assert score.defects_db > raw.defects_db + 8
    assert score.harmed < 1e-3


def test_kodachrome_is_cleaned_with_a_warning_and_without_harm():
    frame, result = (make("kodachrome", "landscape") for make in (simulated, cleaned))
    assert Caution.STRONG_LEAKAGE in result.report.warnings
    assert "detector" in result.report.models
    assert result.report.holder_fraction == 0
    assert not Judge(frame).score(answer_of(result)).worse


@pytest.mark.parametrize("kind", ["kodachrome", "strong_leak", "dark_slide"])
def test_black_parts_of_the_picture_are_no_holder_and_are_left_unchanged(kind):
    frame, result = (make(kind, "night") for make in (simulated, cleaned))
    assert result.report.holder_fraction == 0
    assert Judge(frame).score(answer_of(result)).harmed < 1e-4


@pytest.mark.parametrize("kind", ["mounted", "mounted_turned"])
def test_the_mount_is_measured_and_left_unchanged(kind):
    frame, result = (make(kind, "landscape") for make in (simulated, cleaned))
    # The blurred edge of the mount does not count.
    assert 0.6 * frame.holder_mask.mean() < result.report.holder_fraction < frame.holder_mask.mean()
    assert not (result.defect_mask & frame.holder_mask).any()


def test_clipped_infrared_gives_a_warning_and_its_dust_is_found():
    frame, result = (make("clipped_infrared", "landscape") for make in (simulated, cleaned))
    assert Caution.INFRARED_CLIPPED in result.report.warnings
    assert Judge(frame).score(answer_of(result)).f1 > 0.85


def test_fourteen_bits_give_the_same_defects_whether_they_fill_sixteen_or_not():
    frame = simulated("fourteen_bit_unshifted", "landscape")
    small = cleaned("fourteen_bit_unshifted", "landscape")
    large = clean_frame(frame.rgb << 2, frame.infrared << 2)
    assert (small.defect_mask & large.defect_mask).sum() > 0.97 * (small.defect_mask | large.defect_mask).sum()
    difference = np.abs(small.rgb.astype(int) * 4 - large.rgb)[small.defect_mask & large.defect_mask]
    assert np.quantile(difference, 0.99) < 200


@pytest.mark.parametrize("kind", ["gamma_encoded", "twelve_bit", "eight_bit", "black_level"])
def test_other_encodings_are_cleaned_as_well(kind):
    frame, result = (make(kind, "landscape") for make in (simulated, cleaned))
    score = Judge(frame).score(answer_of(result))
    assert score.f1 > 0.9
    assert score.harmed < 1e-3
    assert not score.worse


@pytest.mark.parametrize("picture", sorted(PICTURES))
def test_a_spotless_frame_is_left_unchanged(picture):
    frame, result = (make("spotless", picture) for make in (simulated, cleaned))
    assert result.defect_mask.mean() < 1e-5
    assert Judge(frame).score(answer_of(result)).harmed < 1e-5


@pytest.mark.parametrize("seed", [2, 4])
def test_clean_lettering_is_not_taken_for_dirt(seed):
    frame = simulated("spotless", "lettering", (400, 600), seed)
    assert clean_frame(frame.rgb, frame.infrared).defect_mask.mean() < 1e-4


@pytest.mark.parametrize("seed", [11, 15])
def test_small_print_is_not_taken_for_dust_that_infrared_hardly_sees(seed):
    # Strokes too fine for the lens leak differently from the mixture of densities that red shows.
    frame = simulated("strong_leak", "lettering", (600, 900), seed, damage=KINDS["spotless"].damage)
    assert not clean_frame(frame.rgb, frame.infrared).defect_mask.any()


@given(st.integers(1, 24), st.integers(1, 24), st.booleans())
def test_a_picture_of_few_rows_or_columns_is_left_as_it_is(rows, cols, with_infrared):
    rgb = np.full((rows, cols, 3), 30000, np.uint16)
    cleaned = clean_frame(rgb, np.full((rows, cols), 40000, np.uint16) if with_infrared else None)
    assert (cleaned.rgb == rgb).all()
    assert ("frame_too_small" in cleaned.report.warnings) == (min(rows, cols) < 16)
