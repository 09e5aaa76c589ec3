"""The network of 2023 that ours is compared with: what it is shown, that it learns, and that the bench can run it."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.pictures import landscape
from filmscand.ir.network.detector import find_probability
from filmscand.ir.network.model_file import load_detector
from training.sheets.sources import HELD_OUT_PHOTOS, Sources

pytest.importorskip("torch")

from training.recipe import draw_recipe_sheet, parse, train


@pytest.fixture(scope="module")
def photo():
    return (landscape(300, 400, 3) ** (1 / 2.2) * 255).astype(np.uint8)


def test_an_artefact_of_the_recipe_lets_no_light_through(photo):
    sheets = [draw_recipe_sheet(np.random.default_rng(seed), 256, Sources((photo,))) for seed in range(4)]
    cores = [sheet.density[:, sheet.defect] for sheet in sheets if sheet.defect.any()]
    assert cores
    for core in cores:
        # Black is as dense as densities go, white as clear; edges lie between.
        assert (np.abs(core - 3).min(0) < 1e-3).mean() > 0.1 or (np.abs(core).max(0) < 1e-3).mean() > 0.1


def test_a_few_steps_give_a_model_that_the_bench_can_run(photo, tmp_path):
    import cv2

    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "hills.jpg"), photo)
    asked = {"--photos": folder, "--output": tmp_path, "--steps": 3, "--sheets": 3, "--sheet-px": 128, "--crop-px": 64}
    model = train(parse([str(word) for pair in asked.items() for word in pair] + ["--crops", "2"]))
    rgb = np.random.default_rng(1).integers(1000, 60000, (96, 130, 3)).astype(np.uint16)
    probability = find_probability(rgb, load_detector(str(model)))
    assert probability.shape == (96, 130)
    assert probability.std() > 0


def test_a_training_whose_sheets_cannot_be_drawn_ends_rather_than_waits(photo, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / f"{HELD_OUT_PHOTOS[0]}.jpg"), photo)
    asked = {"--photos": tmp_path, "--output": tmp_path, "--steps": 1, "--sheets": 2, "--sheet-px": 128}
    with pytest.raises(RuntimeError, match="has ended"):
        train(parse([str(word) for pair in asked.items() for word in pair]))
