from __future__ import annotations

import json

import pytest

from filmscand.ir import ImageError, ModelError
from filmscand.ir.network.model_file import ModelCard, load_detector, load_inpainting
from support.onnx_models import DENSITY, PROBABILITY, save, save_card, save_detector, save_inpainting


def identity(path, inputs=DENSITY, outputs=PROBABILITY):
    """A model of one node from its first input to its output."""
    return save(path, [("ReduceMean", [next(iter(inputs))], next(iter(outputs)), {"axes": [1]})], inputs, outputs)


@pytest.fixture
def detector(tmp_path):
    return save_detector(tmp_path / "own.onnx")


def test_a_model_with_a_card_is_what_the_card_says(detector):
    card = load_detector(str(detector)).card
    assert (card.margin_px, card.multiple_px) == (32, 4)
    assert card.limits(0.0) == (0.95, 0.6)
    assert card.limits(0.5) == (0.8, 0.4)
    assert card.limits(0.25) == pytest.approx((0.875, 0.5))


def test_a_model_without_a_card_takes_the_defaults(detector):
    detector.with_suffix(".json").unlink()
    assert load_detector(str(detector)).card == ModelCard()


def test_a_model_is_loaded_once_per_process_and_again_if_its_file_is_replaced(detector):
    first = load_detector(str(detector))
    assert load_detector(str(detector)) is first
    save_detector(detector, threshold=0.0312345)
    assert load_detector(str(detector)).sha256 != first.sha256


def test_a_model_that_differs_from_its_card_is_an_error_that_names_both_sums(detector):
    content = bytearray(detector.read_bytes())
    content[-1] ^= 1
    detector.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"own\.onnx: expected sha256 [0-9a-f]{64} of its card, found [0-9a-f]{64}"):
        load_detector(str(detector))


@pytest.mark.parametrize(
    "changes",
    [
        {"margin_px": -1},
        {"multiple_px": 0},
        {"margin_px": "wide"},
        {"probabilities": {"0.5": {"seed": 0.8, "grow": 0.4}}},
        {"probabilities": {key: {"seed": 1.2, "grow": 0.4} for key in ("0", "0.5", "1")}},
        {"probabilities": {key: {"seed": 0.5, "grow": 0.6} for key in ("0", "0.5", "1")}},
        {"probabilities": {key: {"seed": 0.5, "grow": 0.0} for key in ("0", "0.5", "1")}},
        {"probabilities": [0.5, 0.4]},
    ],
    ids=str,
)
def test_a_card_that_makes_no_sense_is_an_error_that_names_it(detector, changes):
    save_card(detector, **changes)
    with pytest.raises(ModelError, match=r"own\.json: expected the card of a model"):
        load_detector(str(detector))


def test_a_card_that_is_not_json_or_lacks_a_key_is_an_error(detector):
    card = detector.with_suffix(".json")
    card.write_text("{")
    with pytest.raises(ModelError, match="card"):
        load_detector(str(detector))
    card.write_text(json.dumps({"sha256": "0"}))
    with pytest.raises(ModelError, match="card"):
        load_detector(str(detector))


@pytest.mark.parametrize("load", [load_detector, load_inpainting])
def test_a_file_that_is_missing_or_not_a_model_is_an_error_that_names_it(load, tmp_path):
    with pytest.raises(ModelError, match=r"gone\.onnx: expected a model, found: No such file"):
        load(str(tmp_path / "gone.onnx"))
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no model at all")
    with pytest.raises(ModelError, match=r"wrong\.onnx: expected an ONNX model") as raised:
        load(str(wrong))
    assert isinstance(raised.value, ImageError)


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"picture": (1, 3, "rows", "cols")}, PROBABILITY),
        ({"density": (1, 4, "rows", "cols")}, PROBABILITY),
        ({"density": (3, "rows", "cols")}, {"probability": (1, "rows", "cols")}),
        (DENSITY, {"answer": (1, 1, "rows", "cols")}),
        (DENSITY | {"infrared": (1, 1, "rows", "cols")}, PROBABILITY),
    ],
    ids=["another name", "four planes", "three dimensions", "another output", "one plane of infrared"],
)
def test_a_model_with_other_inputs_or_outputs_is_not_a_detector(inputs, outputs, tmp_path):
    path = identity(tmp_path / "other.onnx", inputs, outputs)
    with pytest.raises(ModelError, match=r"other\.onnx: expected a detector with density \(1, 3, rows, cols\)"):
        load_detector(str(path))


def test_a_detector_is_not_an_inpainting_model_and_vice_versa(detector, tmp_path):
    with pytest.raises(ModelError, match=r"expected an inpainting model with image \(1, 3"):
        load_inpainting(str(detector))
    with pytest.raises(ModelError, match="expected a detector"):
        load_detector(str(save_inpainting(tmp_path / "lama.onnx")))
