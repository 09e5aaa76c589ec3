"""Infrared that leaks strongly or is weak: with it and the colours the detector is better than either alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.frames.photographs import photograph
from bench.measures.metrics import Answer, Judge
from filmscand.film.frame import Damage, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.detection.regions import Regions, connected_regions
from filmscand.ir.healing.infrared_healing import Healed
from filmscand.ir.leakage.model import no_leakage
from filmscand.ir.methods import fusion as fusion
from filmscand.ir.methods.fusion import (
    DetectorFindings,
    detect_with_both,
    heal_with_both,
    is_confirmed,
    leaks_much,
    may_be_weak,
    mostly_unhealed,
)
from filmscand.ir.network.model_file import load_detector
from filmscand.ir.report import Caution, Method
from filmscand.ir.stopwatch import StopWatch
from support.ir_defects import Silent, measured_density
from support.ir_frames import NO_DAMAGE, compiled, flat_planes, simulated
from support.onnx_models import save_detector

pytestmark = compiled
SHAPE = (400, 600)
DUSTY = Damage(dust=3, dirt=3)
NONE = Regions(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(1, np.int64))
MODEL = load_detector(infrared=True)


def kodachrome(picture="landscape", damage=DUSTY):
    return simulated("kodachrome", picture, SHAPE, damage=damage)


def cleaned(frame, **options):
    return clean_frame(frame.rgb, frame.infrared, CleanOptions(**options))


def scored(frame, result):
    return Judge(frame).score(Answer(result.rgb, result.defect_mask, 0.0))


@pytest.mark.parametrize("picture", ["landscape", "portrait"])
def test_infrared_and_colours_together_find_more_than_either_alone(picture):
    frame = kodachrome(picture)
    together = scored(frame, cleaned(frame))
    infrared_alone = scored(frame, cleaned(frame, detector="off"))
    colours_alone = scored(frame, clean_frame(frame.rgb, None))
    assert together.f1 > 0.9
    assert together.f1 > max(infrared_alone.f1, colours_alone.f1)
    assert not together.worse


def test_the_report_says_that_both_decided_and_names_the_model():
    result = cleaned(kodachrome())
    model = load_detector(infrared=True)
    assert model.sees_infrared
    assert Caution.STRONG_LEAKAGE in result.report.warnings
    assert result.report.method == Method.FUSION
    assert result.report.models == {"detector": model.sha256}
    assert result.report.probability_threshold == model.card.limits(0.5)[0]
    assert np.array_equal(result.rgb[~result.defect_mask], kodachrome().rgb[~result.defect_mask])


@pytest.mark.parametrize("picture", ["landscape", "portrait", "night"])
def test_a_spotless_frame_is_not_touched(picture):
    assert not cleaned(kodachrome(picture, NO_DAMAGE)).defect_mask.any()


def test_a_detector_without_an_infrared_input_confirms_by_the_colours(tmp_path):
    own = str(save_detector(tmp_path / "own.onnx"))
    frame = kodachrome("smooth_sky")
    by_both, by_colours = (
        clean_frame(frame.rgb, infrared, CleanOptions(detector_model=own)) for infrared in (frame.infrared, None)
    )
    assert by_both.report.method == Method.FUSION
    assert by_both.defect_mask.any()
    # The infrared gives the profile of the defects, and tells where healing is not worth it.
    found = by_both.defect_mask & by_colours.defect_mask
    assert found.sum() > 0.8 * max(by_both.defect_mask.sum(), by_colours.defect_mask.sum())


@pytest.mark.parametrize("contrast", [0.15, 0.4])
def test_weak_infrared_and_colours_together_heal_more_than_infrared_alone(contrast):
    weak = replace(KINDS["weak_infrared"].infrared, contrast=contrast)
    frame = simulated("weak_infrared", "landscape", (500, 750), damage=DUSTY, infrared=weak)
    together, alone = (scored(frame, cleaned(frame, detector=use)) for use in ("auto", "off"))
    assert together.f1 > 0.93
    assert together.frame_db > alone.frame_db + 1.5
    assert cleaned(frame).report.method == Method.FUSION


def healed_so(exponent, healed, left):
    return Healed(np.zeros((1000, 1000, 3), np.uint16), np.zeros((1000, 1000), np.bool_), healed, 0, left, exponent)


@pytest.mark.parametrize(
    ("exponent", "healed", "left", "weak"),
    [
        (1.3, 30, 60, False),
        (1.9, 30, 60, False),
        (2.1, 30, 60, True),
        (1.2, 1, 21, True),
        (1.2, 10, 21, True),
        (1.2, 11, 21, False),
        (1.2, 1, 20, False),
        (1.2, 0, 60, True),
    ],
    ids=["good", "steep", "weak", "hardly any healed", "few", "enough to know better", "few there", "none healed"],
)
def test_infrared_may_be_weak_where_dust_is_dark_in_the_picture_or_nearly_all_was_left(exponent, healed, left, weak):
    assert may_be_weak(healed_so(exponent, healed, left)) == weak


@pytest.mark.parametrize(
    ("healed", "part", "confirmed"),
    [(30, 0.0, True), (1, 0.51, True), (1, 0.49, False), (0, 0.51, True), (0, 0.49, False)],
)
def test_where_nearly_all_was_left_half_of_it_must_be_confirmed(healed, part, confirmed):
    one = connected_regions(np.full((3, 3), 2, np.uint8))
    findings = DetectorFindings(None, np.zeros((3, 3), np.uint8), one, one, part, NONE)
    assert is_confirmed(healed_so(4.0, healed, 60), findings) == confirmed


def test_where_the_detector_is_sure_of_nothing_weak_infrared_is_not_confirmed():
    assert not is_confirmed(
        healed_so(4.0, 30, 60), DetectorFindings(None, np.zeros((3, 3), np.uint8), NONE, NONE, 1.0, NONE)
    )


def test_a_region_that_infrared_found_counts_where_the_detector_confirms_it(tmp_path):
    rgb, _ = flat_planes((300, 420), noise=0.002)
    found = np.zeros((300, 420), np.uint8)
    # Twenty specks of which the detector is sure; infrared found one wider, and two faint ones.
    for index in range(20):
        rgb[40:46, 20 * index + 8 : 20 * index + 14] //= 3
    for col, through in ((8, 1.0), (100, 0.87), (300, 0.905)):
        row = 40 if col == 8 else 150
        rgb[row : row + 6, col : col + 6] = np.rint(rgb[row : row + 6, col : col + 6] * through)
        found[row : row + 8, col : col + 8] = 2
    own = save_detector(tmp_path / "own.onnx", threshold=0.06, steepness=60.0, infrared=True)
    options = CleanOptions(detector_model=str(own))
    # Twelve thresholds deep, and six: leakage never reaches twelve.
    found[220:228, 40:48] = found[220:228, 200:208] = 2
    deep = [(np.s_[220:228, 40:48], 1.2), (np.s_[220:228, 200:208], 0.6)]
    measured = measured_density((300, 420), deep, 0.01)
    findings = detect_with_both(rgb, (connected_regions(found), measured), Silent(), options, StopWatch())
    plane = np.zeros((300, 420), np.bool_)
    plane[findings.defects.rows, findings.defects.cols] = True
    assert len(findings.sure) == 20
    assert findings.confirmed_part == pytest.approx(2 / 5)
    assert plane[40:48, 8:16].all()
    assert plane[150:158, 100:108].all()
    assert not plane[150:158, 300:308].any()
    assert plane[220:228, 40:48].all()
    assert not plane[220:228, 200:208].any()
    assert len(findings.defects) == 3


def test_the_unhealed_part_of_a_region_is_returned_if_it_is_most_of_it():
    classes, mask = np.zeros((60, 80), np.uint8), np.zeros((60, 80), np.bool_)
    for index in range(3):
        classes[20:26, 10 + 20 * index : 16 + 20 * index] = 2
    mask[20:22, 10:16], mask[20:24, 30:36] = True, True
    hidden = mostly_unhealed(connected_regions(classes), mask)
    assert np.diff(hidden.starts).tolist() == [24, 36]
    assert not mask[hidden.rows, hidden.cols].any()
    assert set(hidden.cols) == {*range(10, 16), *range(50, 56)}


@pytest.mark.parametrize(("slopes", "much"), [((0.15, 0.02, 0.02), False), ((0.17, 0.02, 0.02), True)])
def test_from_a_leakage_of_a_fifth_on_the_detector_runs(slopes, much):
    assert leaks_much(replace(no_leakage(), slopes=slopes)) == much


def test_the_remains_of_leakage_around_a_disc_on_black_are_left_alone():
    frame = simulate_frame(photograph("retina")(700, 1050), KINDS["strong_leak"], seed=4004)
    together, alone = (scored(frame, cleaned(frame, detector=use)) for use in ("auto", "off"))
    assert together.f1 > 0.9
    assert together.f1 > alone.f1
    assert together.harmed < 1e-4


def specks(rows, cols, count=12):
    """Specks of 6 x 6 pixels that take two thirds of the light, and where they lie."""
    rgb, _ = flat_planes((rows, cols), noise=0.002)
    places = [np.s_[40:46, 30 * index + 8 : 30 * index + 14] for index in range(count)]
    for place in places:
        rgb[place] //= 3
    return rgb, places


def frame_with(shape, places, probabilities, certain_rows=0):
    """Regions of six rows at places, and a plane of their mean probabilities, with some rows certain."""
    classes, plane = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for place, probability in zip(places, probabilities, strict=True):
        classes[place] = 2
        plane[place] = round(255 * (6 * probability - certain_rows) / (6 - certain_rows))
        plane[place][:certain_rows] = 255
    return connected_regions(classes), plane


@pytest.mark.parametrize(
    ("shown", "probability", "certain_rows", "heals"),
    [(0.0, 0.83, 4, False), (0.0, 0.87, 4, True), (0.0, 0.87, 3, False), (0.16, 0.83, 4, False), (0.35, 0.83, 0, True)],
    ids=["not shown", "probable", "not certain", "hardly shown", "shown"],
)
def test_a_region_that_infrared_does_not_show_has_to_be_probable_and_half_certain(
    shown, probability, certain_rows, heals
):
    rgb, places = specks(100, 400)
    marks, plane = frame_with((100, 400), places, [probability] * 12, certain_rows)
    measured = measured_density((100, 400), [(place, shown) for place in places], 0.01)
    healed = heal_with_both(
        rgb, DetectorFindings(MODEL, plane, marks, NONE, 1.0, NONE), measured, StopWatch(), weak=False
    )
    assert healed.mask.any() == heals
    assert np.array_equal(healed.rgb[~healed.mask], rgb[~healed.mask])
    assert (healed.left == 12) == (not heals)


def test_a_region_that_infrared_would_surely_show_is_not_dust_however_probable():
    rgb, places = specks(100, 1300, count=40)
    # Infrared, whose threshold is a tenth, shows nothing of a density of 0.7; of a third it might miss.
    veins = [np.s_[70:76, 100:106], np.s_[70:76, 400:406]]
    for vein, taken in zip(veins, (0.7, 0.35), strict=True):
        rgb[vein] = np.rint(rgb[vein] * np.exp(-taken))
    marks, plane = frame_with((100, 1300), [*places, *veins], [0.98] * 42, certain_rows=4)
    found, _ = frame_with((100, 1300), places, [0.98] * 40)
    measured = measured_density((100, 1300), [(place, 1.1) for place in places], 0.01)
    healed = heal_with_both(
        rgb, DetectorFindings(MODEL, plane, marks, found, 1.0, NONE), measured, StopWatch(), weak=False
    )
    assert all(healed.mask[place].any() for place in places)
    assert [bool(healed.mask[vein].any()) for vein in veins] == [False, True]


@pytest.mark.parametrize(
    ("exponent", "weak", "heals"),
    [(1.9, False, False), (2.1, False, True), (1.9, True, True)],
    ids=["good", "weak by what was healed", "weak by what was left"],
)
def test_weak_infrared_that_shows_nothing_proves_nothing(monkeypatch, exponent, weak, heals):
    rgb, places = specks(100, 400)
    marks, plane = frame_with((100, 400), places, [0.83] * 12)
    first = Healed(rgb, np.zeros(rgb.shape[:2], np.bool_), 0, 0, 12, exponent)
    monkeypatch.setattr(fusion, "heal", lambda *_: first)
    findings, measured = DetectorFindings(MODEL, plane, marks, NONE, 1.0, NONE), measured_density((100, 400), [], 0.01)
    assert heal_with_both(rgb, findings, measured, StopWatch(), weak=weak).mask.any() == heals


@pytest.mark.parametrize(("part", "counts"), [(0.17, False), (0.23, True)])
def test_infrared_heals_a_region_of_which_it_found_a_fifth(part, counts):
    classes = np.zeros((40, 140), np.uint8)
    classes[10:20, 20:120] = 2
    found = classes.copy()
    found[:, 20 + round(100 * part) :] = 0
    healing = fusion._found_of(connected_regions(classes), connected_regions(found), classes.shape)
    assert len(healing) == counts


def findings_of(monkeypatch, probabilities, shown, *, found=True):
    """Findings for specks with these probabilities, of whose 1.1 nepers infrared shows a part.

    found: whether infrared found the first two.
    """
    rgb, places = specks(100, 400)
    _, plane = frame_with((100, 400), places[: len(probabilities)], probabilities)
    regions, _ = frame_with((100, 400), places[: 2 * found], [1] * 2 * found)
    # Infrared is smoothed over 5 by 5 pixels.
    wide = [tuple(slice(side.start - 2, side.stop + 2) for side in place) for place in places]
    measured = measured_density((100, 400), [(place, shown * np.log(3)) for place in wide], 0.01)
    monkeypatch.setattr(fusion, "run_detector", lambda *_: (load_detector(infrared=True), plane))
    findings = detect_with_both(rgb, (regions, measured), Silent(), CleanOptions(), StopWatch())
    return findings, rgb, measured


@pytest.mark.parametrize("sure", [0, 8], ids=["no dust for sure", "dusty"])
def test_on_a_frame_that_is_not_surely_dusty_the_limit_for_confirmation_is_higher(monkeypatch, sure):
    findings, _, _ = findings_of(monkeypatch, [0.45, 0.35] + [0.996] * sure, shown=0.5)
    assert len(findings.sure) == sure
    assert len(findings.defects) == (2 if sure else 1)


@pytest.mark.parametrize(("shown", "counts"), [(0.26, False), (0.34, True)])
def test_there_infrared_has_to_show_three_tenths_of_the_density_of_a_region_that_it_found(monkeypatch, shown, counts):
    findings, _, _ = findings_of(monkeypatch, [0.8, 0.8], shown)
    assert len(findings.defects) == 2 * counts
    assert not len(findings.certain)


@pytest.mark.parametrize(
    ("probability", "shown", "heals"), [(0.94, 0.23, True), (0.94, 0.17, False), (0.9, 0.9, False)]
)
def test_there_a_region_that_is_certain_is_healed_if_infrared_shows_a_fifth_of_its_density(
    monkeypatch, probability, shown, heals
):
    findings, rgb, measured = findings_of(monkeypatch, [0.0, probability], shown, found=False)
    assert len(findings.certain) == heals
    assert not len(findings.sure)
    healed = heal_with_both(rgb, findings, measured, StopWatch(), weak=False)
    assert healed.mask.any() == heals
    assert not healed.mask[:, :38].any()
