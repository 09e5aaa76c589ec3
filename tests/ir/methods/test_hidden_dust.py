from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bench.measures.metrics import Answer, Judge
from filmscand.film.frame import Damage
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.leakage._residual_kernels import CLIPPED
from filmscand.ir.methods import hidden_dust
from filmscand.ir.methods.hidden_dust import may_hide_dust
from filmscand.ir.network.model_file import load_detector
from filmscand.ir.report import Method
from support.ir_defects import measured_density
from support.ir_frames import NO_DAMAGE, compiled, plain_photometry, simulated

SHAPE = (60, 80)
LEVEL = 30_000
SPECK = np.s_[20:26, 30:36]


def frame_with(densities, place=SPECK, shape=SHAPE):
    """Whether a region with these densities in red, green and blue counts as grey dust; one or more side by side."""
    rgb, classes = np.full((*shape, 3), LEVEL, np.uint16), np.zeros(shape, np.uint8)
    rgb[place] = np.rint(LEVEL * np.exp(-np.asarray(densities)))
    classes[place] = 2
    return hidden_dust._is_grey(hidden_dust._density(rgb, connected_regions(classes), plain_photometry())).tolist()


@pytest.mark.parametrize(
    ("densities", "grey"),
    [
        ((0.3, 0.3, 0.3), True),
        ((0.345, 0.3, 0.255), True),
        ((0.365, 0.3, 0.235), False),
        ((0.031, 0.02, 0.009), True),
        ((0.035, 0.02, 0.005), False),
        ((-0.3, -0.3, -0.3), False),
        ((-0.003, 0.008, 0.008), False),
    ],
    ids=["dust", "its tint", "a colour", "faint dust", "a faint colour", "a light", "brighter in a colour"],
)
def test_a_grey_region_is_dark_and_takes_about_as_much_of_each_colour(densities, grey):
    assert frame_with(densities) == [grey]


def test_a_hair_is_judged_as_a_whole_though_its_parts_have_tints():
    cols = np.arange(130)[:, None]
    tinted = np.where(cols < 65, (0.5, 0.3, 0.1), (0.1, 0.3, 0.5))
    assert frame_with(tinted, np.s_[20:23, 10:140], (60, 160)) == [True]
    assert frame_with(np.where(cols < 65, (0.5, 0.3, 0.1), 0.3), np.s_[20:23, 10:140], (60, 160)) == [False]


def test_where_the_detector_finds_nothing_nothing_is_dust():
    assert frame_with((0.0, 0.0, 0.0), np.s_[:0, :0]) == []


def test_a_region_without_film_in_reach_has_no_density():
    assert frame_with((0.3, 0.3, 0.3), np.s_[:, :]) == [False]


def measured_of(trace, noise, clipped=0.0):
    """Measurements of a frame with one region of 36 pixels, of which the infrared shows this density, in nepers."""
    measured = measured_density(SHAPE, [(SPECK, trace)], noise)
    measured.residual.grades[20 : 20 + round(6 * clipped), 30:36] = CLIPPED
    return measured


def one_speck():
    classes = np.zeros(SHAPE, np.uint8)
    classes[SPECK] = 2
    return connected_regions(classes)


@compiled
@pytest.mark.parametrize(
    ("trace", "noise", "has_trace"),
    [(0.1, 0.006, True), (0.08, 0.006, False), (-0.1, 0.006, False), (0.1, 0.19, True), (0.1, 0.22, False)],
    ids=["enough", "too little", "brighter", "hardly noise", "noise"],
)
def test_dust_takes_of_the_infrared_about_what_it_takes_of_the_picture(trace, noise, has_trace):
    found = hidden_dust._has_trace(one_speck(), np.array([0.3]), measured_of(trace, noise))
    assert found.tolist() == [has_trace]


@pytest.mark.parametrize(("clipped", "blind"), [(1.0, True), (0.7, True), (0.3, False), (0.0, False)])
def test_where_infrared_is_clipped_faint_dust_leaves_no_trace(clipped, blind):
    for density, faint in ((0.35, True), (0.45, False)):
        found = hidden_dust._is_blind(one_speck(), np.array([density]), measured_of(0.0, 0.01, clipped))
        assert found.tolist() == [blind and faint]


@pytest.mark.parametrize(("clip", "hidden"), [(65536, False), (65535, True), (40_000, True)])
def test_dust_may_be_hidden_where_infrared_is_clipped(clip, hidden):
    assert may_hide_dust(plain_photometry(infrared_clip=clip)) == hidden


@cache
def dusty(kind="clipped_infrared", picture="landscape"):
    return simulated(kind, picture, (500, 750), damage=Damage(dust=3, dirt=3))


@cache
def both_ways(kind="clipped_infrared", picture="landscape", sensitivity=0.5):
    """Such a frame, cleaned with the detector's help and without."""
    frame = dusty(kind, picture)
    ways = (CleanOptions(sensitivity), CleanOptions(sensitivity, "off"))
    return [clean_frame(frame.rgb, frame.infrared, options) for options in ways]


@compiled
def test_where_infrared_is_clipped_hidden_dust_is_healed_as_well():
    helped, alone = both_ways()
    frame = dusty()
    added = helped.defect_mask & ~alone.defect_mask
    assert frame.visible_mask[added].mean() > 0.75
    judge = Judge(frame)
    with_it, without = (judge.score(Answer(way.rgb, way.defect_mask, 0.0)) for way in (helped, alone))
    assert with_it.recall > without.recall + 0.02
    assert with_it.frame_db > without.frame_db + 0.2


@compiled
def test_what_infrared_healed_stays_as_it_is_and_nothing_changes_outside_the_mask():
    helped, alone = both_ways()
    assert (helped.defect_mask >= alone.defect_mask).all()
    added = helped.defect_mask & ~alone.defect_mask
    assert np.array_equal(helped.rgb[~added], alone.rgb[~added])
    assert np.array_equal(helped.rgb[~helped.defect_mask], dusty().rgb[~helped.defect_mask])


@compiled
@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 1.0])
def test_the_report_names_the_detector_and_its_limit_at_any_sensitivity(sensitivity):
    helped, alone = (way.report for way in both_ways(sensitivity=sensitivity))
    model = load_detector(infrared=True)
    assert helped.method == Method.FUSION
    assert helped.models == {"detector": model.sha256}
    assert helped.probability_threshold == model.card.limits(sensitivity)[0]
    assert helped.defects_found > alone.defects_found
    assert helped.defects_found == helped.defects_divided + helped.defects_filled + helped.defects_left
    assert (alone.method, alone.models, alone.probability_threshold) == (Method.INFRARED, {}, 0.0)


@compiled
def test_where_the_detector_adds_nothing_the_frame_is_cleaned_as_without_it():
    frame = simulated("clipped_infrared", "landscape", (500, 750), damage=NO_DAMAGE)
    cleaned = clean_frame(frame.rgb, frame.infrared)
    assert not cleaned.defect_mask.any()
    assert cleaned.report.method == Method.INFRARED
