"""Held-out photographs and outlines stay out of training."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from training.sheets.sources import HELD_OUT_PHOTOS, load_sources, photo_paths


@pytest.fixture
def folders(tmp_path):
    photos, artefacts = tmp_path / "photos", tmp_path / "artefacts"
    (artefacts / "drawn").mkdir(parents=True)
    photos.mkdir()
    for name in (HELD_OUT_PHOTOS[0], "another"):
        cv2.imwrite(str(photos / f"{name}.jpg"), np.full((40, 60, 3), 90, np.uint8))
    entries = [{"scan": scan, "kind": "dust", "points": [[0, 0], [4, 0], [4, 2]]} for scan in ("1", "6", "8")]
    (artefacts / "outlines.json").write_text(json.dumps(entries))
    for number in range(5):
        cv2.imwrite(str(artefacts / "drawn" / f"dots-{number}.png"), np.full((9, 9), 255, np.uint8))
    return photos, artefacts


def test_pictures_and_outlines_that_are_held_out_are_never_trained_on(folders):
    trained, held_out = (load_sources(*folders, held_out=held_out) for held_out in (False, True))
    assert [path.stem for path in photo_paths(folders[0], held_out=False)] == ["another"]
    assert (len(trained.photos), len(trained.outlines), len(trained.drawn)) == (1, 2, 4)
    assert (len(held_out.photos), len(held_out.outlines), len(held_out.drawn)) == (1, 1, 1)


def test_outlines_become_rows_and_columns_at_the_resolution_of_the_others(folders):
    first, scaled = (outline.points_px for outline in load_sources(*folders, held_out=False).outlines)
    assert first[1].tolist() == [0, 4]
    assert scaled[1].tolist() == [0, 6]


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected photographs"):
        load_sources(tmp_path, None, held_out=False)
