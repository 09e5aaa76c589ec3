"""Real scans: pairs are read and judged, clean scans counted, and a folder without scans is a failure."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bench import real
from bench.measures.metrics import Answer

SHAPE = (60, 90)


@pytest.fixture
def pairs(tmp_path):
    """A folder with one pair: a grey frame with a dark speck, whose truth mask is stored twice as large."""
    restored = np.full((*SHAPE, 3), 120, np.uint8)
    damaged, truth = restored.copy(), np.zeros(SHAPE, np.uint8)
    damaged[20:26, 30:36] = 40
    truth[20:26, 30:36] = 255
    folder = tmp_path / "pairs"
    folder.mkdir()
    for part, picture in (("damaged", damaged), ("restored", restored), ("truth", truth.repeat(2, 0).repeat(2, 1))):
        Image.fromarray(picture).save(folder / f"sky_{part}.png")
    return folder


def heals_all(rgb, _infrared):
    return Answer(np.full_like(rgb, 120 * 257), (rgb != 120 * 257).any(-1), 0.0)


def heals_nothing(rgb, _infrared):
    return Answer(rgb.copy(), np.zeros(rgb.shape[:2], np.bool_), 0.0)


def rows_by_cleaner(table, column):
    names = [each.name for each in table.columns]
    return {row[names.index("cleaner")]: row[names.index(column)] for row in table.rows}


def test_a_frame_healed_as_the_restorer_did_has_f1_of_1_and_is_better(pairs):
    (pair,) = real.read_pairs(pairs)
    table = real.pairs_table([pair], {"all": heals_all, "nothing": heals_nothing})
    assert rows_by_cleaner(table, "F1") == {"all": 1, "nothing": 0}
    assert rows_by_cleaner(table, "better") == {"all": "yes", "nothing": "no"}


def test_a_mask_of_other_proportions_is_refused(pairs):
    Image.new("L", (50, 50)).save(pairs / "sky_truth.png")
    with pytest.raises(ValueError, match=r"sky_truth\.png: expected the proportions of 90 x 60 pixels"):
        list(real.read_pairs(pairs))


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected files NAME_damaged"):
        list(real.read_pairs(tmp_path))


def test_clean_scans_that_are_touched_are_counted():
    clean = np.full((*SHAPE, 3), 120 * 257, np.uint16)
    speck = clean.copy()
    speck[3, 4] = 0
    table = real.spotless_table({"a": clean, "b": speck}, {"all": heals_all, "nothing": heals_nothing})
    assert rows_by_cleaner(table, "touched") == {"all": 1, "nothing": 0}
    assert rows_by_cleaner(table, "of") == {"all": "b", "nothing": "-"}


def test_the_crop_of_digital_ice_is_compared_with_what_ice_made_of_it(tmp_path):
    picture = np.full((*SHAPE, 3), 120, np.uint8)
    Image.fromarray(picture).save(tmp_path / "nikonscan.png")
    picture[5:9, 5:9] = 0
    Image.fromarray(picture).save(tmp_path / "input_rgb.png")
    Image.fromarray(picture[..., 0]).save(tmp_path / "input_ir.png")
    table = real.ice_table(tmp_path, {"all": heals_all, "nothing": heals_nothing})
    raw, after = rows_by_cleaner(table, "dB raw"), rows_by_cleaner(table, "dB")
    assert after["nothing"] == raw["nothing"]
    assert after["all"] is None  # without any error


def test_a_folder_without_scans_is_a_failure(tmp_path, capsys):
    assert real.main(["--data", str(tmp_path)]) == 1
    assert "expected the folders pairs and spotless, found neither" in capsys.readouterr().err
