from __future__ import annotations

import json

import numpy as np
import pytest

from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir.decision.classifier import Basis, read_classifier
from filmscand.ir.decision.region_features import FEATURES
from support.ir_frames import compiled
from training.calibrate import (
    SHAPE,
    Sample,
    calibration_frames,
    fitted,
    joined,
    large_enough,
    main,
    samples_of,
    saved_by_program,
)
from training.sheets.sources import Sources

COUNT = len(FEATURES)


def sample(rng, regions=4000):
    """Regions whose log odds are 3 times their first feature, less 1."""
    features = rng.normal(0, 1, (regions, COUNT))
    features[:, -1] = 0.5
    damaged = rng.uniform(size=regions) < 1 / (1 + np.exp(1 - 3 * features[:, 0]))
    return Sample(features, damaged.astype(float), np.full(regions, 50.0))


def read_fit(drawn):
    """The classifier that the engine reads from the fit of a sample."""
    return read_classifier(json.dumps({Basis.BOTH: fitted(drawn)}), Basis.BOTH)


def test_the_fit_finds_the_odds_that_regions_were_drawn_with(monkeypatch):
    monkeypatch.setattr("training.calibrate.FALSE_ALARM_WEIGHT", 1.0)
    drawn = sample(np.random.default_rng(1))
    part, classifier = fitted(drawn), read_fit(drawn)
    # The ridge shrinks it a little.
    assert part["weights"][0] == pytest.approx(3, rel=0.2)
    assert np.abs(part["weights"][1:]).max() < 0.3
    at_zero = classifier.probability(np.array([[0.0] * (COUNT - 1) + [0.5]]))
    assert at_zero == pytest.approx(1 / (1 + np.e), rel=0.15)


def test_a_false_alarm_costs_more_than_a_miss(monkeypatch):
    drawn = sample(np.random.default_rng(4))
    careful = fitted(drawn)["offset"]
    monkeypatch.setattr("training.calibrate.FALSE_ALARM_WEIGHT", 1.0)
    assert careful < fitted(drawn)["offset"]


def test_a_feature_that_never_changes_has_no_weight():
    weights = fitted(sample(np.random.default_rng(2)))["weights"]
    # The feature itself, and the square of the last one.
    assert (weights[COUNT - 1], weights[-1]) == (0, 0)


def test_a_region_that_is_half_damage_counts_for_nothing():
    rng = np.random.default_rng(3)
    plain = sample(rng)
    unsure = Sample(rng.normal(5, 1, (500, COUNT)), np.full(500, 0.5), np.full(500, 50.0))
    with_unsure, without = (read_fit(each) for each in (joined([plain, unsure]), plain))
    regions = plain.features[:100]
    assert np.abs(with_unsure.probability(regions) - without.probability(regions)).mean() < 0.05


def test_frames_are_dusty_hardly_dusty_and_spotless_in_turn():
    names, frames = zip(*calibration_frames(Sources(), 4), strict=True)
    assert [name.split()[1] for name in names] == ["dusty", "few", "dusty", "spotless"]
    dusty, few, _, spotless = (frame.visible_mask.mean() for frame in frames)
    assert dusty > few > spotless == 0


def test_a_photograph_smaller_than_a_frame_is_left_out():
    small, large = (np.zeros((SHAPE[0], cols, 3), np.uint8) for cols in (SHAPE[1] - 1, SHAPE[1]))
    assert large_enough([small, large]) == (large,)


@compiled
def test_a_frame_with_good_infrared_has_a_sample_on_each_basis_and_silver_has_colours_alone():
    good, silver = (simulate_frame(landscape(200, 300, 1), KINDS[kind], seed=2) for kind in ("leaky_slide", "silver"))
    assert [basis for basis, _ in samples_of(good, 0, list(Basis))] == [Basis.BOTH, Basis.INFRARED, Basis.COLOURS]
    assert [basis for basis, _ in samples_of(silver, 0, list(Basis))] == [Basis.COLOURS]
    both = dict(samples_of(good, 0, list(Basis)))[Basis.BOTH]
    assert both.features.shape == (len(both.areas), COUNT)
    assert (both.damaged > 0.9).any()


def test_a_program_turns_a_negative_into_an_encoded_positive():
    frame = simulate_frame(landscape(200, 300, 1), KINDS["negative"], seed=2)
    saved = saved_by_program(frame, np.random.default_rng(1))
    assert not (saved % 257).any()
    correlation = np.corrcoef(frame.rgb[..., 1].ravel(), saved[..., 1].ravel())[0, 1]
    assert correlation < -0.7
    assert saved.mean() > 0.25 * 65535


@compiled
def test_one_command_writes_what_the_engine_reads(tmp_path, monkeypatch):
    monkeypatch.setattr("training.calibrate.load_sources", lambda *_, held_out: Sources())
    monkeypatch.setattr("training.calibrate.SHAPE", (240, 360))
    output = tmp_path / "decision.json"
    main(["--photos", "P", "--artefacts", "A", "--frames", "3", "--output", str(output)])
    text = output.read_text()
    for basis in Basis:
        assert json.loads(text)[basis]["command"].startswith("python -m training.calibrate --photos P")
        assert read_classifier(text, basis).weights.shape == (COUNT * (COUNT + 3) // 2,)
    before = json.loads(text)
    main(["--photos", "P", "--artefacts", "A", "--frames", "2", "--bases", "colours", "--output", str(output)])
    after = json.loads(output.read_text())
    assert after["colours"] != before["colours"]
    assert {name: after[name] for name in ("both", "infrared")} == {name: before[name] for name in ("both", "infrared")}
