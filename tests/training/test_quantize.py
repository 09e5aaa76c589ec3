"""The shipped detectors compute in integers what the trained ones compute in floats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.ir.network.model_file import SHIPPED, SHIPPED_FOR_INFRARED, load_detector
from training.quantize import TRAINED, quantize, shown_in_colours, shown_with_infrared, write_card

HOUSE = Path(__file__).parents[2]
NAMES = (SHIPPED, SHIPPED_FOR_INFRARED)


@pytest.fixture(scope="module")
def frames():
    draw = next(iter(PICTURES.values()))
    return [simulate_frame(draw(240, 320, seed), KINDS["kodachrome"], seed=seed) for seed in (1, 2, 3)]


def shown_by(name, frames):
    return list(shown_with_infrared(frames) if name == SHIPPED_FOR_INFRARED else shown_in_colours(frames))


def said_by(model, shown):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return [session.run(None, planes)[0] for planes in shown]


def differing(before, after):
    return np.mean([((a > 0.5) != (b > 0.5)).mean() for a, b in zip(before, after, strict=True)])


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_detector_is_made_from_the_trained_one_that_its_card_names(name):
    cards = [(HOUSE / folder / name).with_suffix(".json") for folder in ("ir/models", TRAINED)]
    shipped, trained = (json.loads(card.read_text()) for card in cards)
    assert shipped["quantized"]["from_sha256"] == trained["sha256"]
    assert shipped["probabilities"] == trained["probabilities"]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_detector_takes_hardly_a_pixel_for_something_else(name, frames):
    shown = shown_by(name, frames)
    before, after = (said_by(HOUSE / folder / name, shown) for folder in (TRAINED, "ir/models"))
    assert np.mean([(one > 0.5).mean() for one in before]) > 0.002
    assert differing(before, after) < 0.002


def test_a_network_is_made_from_what_it_is_shown_and_has_a_card(frames, tmp_path):
    trained, made = HOUSE / TRAINED / SHIPPED_FOR_INFRARED, tmp_path / SHIPPED
    shown = shown_by(SHIPPED_FOR_INFRARED, frames)
    quantize(trained, shown[:2], made)
    write_card(trained, made, {"command": "a command", "frames": 2})
    assert made.stat().st_size < trained.stat().st_size / 3
    assert differing(said_by(trained, shown[2:]), said_by(made, shown[2:])) < 0.01
    model = load_detector(str(made), threads=1)
    assert model.sees_infrared
    assert json.loads(made.with_suffix(".json").read_text())["quantized"]["frames"] == 2
