"""Sheets to look at."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.measures.metrics import Answer
from bench.third.frame import simulate_third
from bench.third.recipe import Dirt, InfraredPass, Kind, Match
from bench.third.sheets import save_sheet


def test_a_sheet_shows_hits_misses_and_false_marks(tmp_path):
    grey = np.full((100, 120, 3), 140, np.uint8)
    frame = simulate_third(grey, Kind("t", dirt=Dirt(specks=800, strength=2)), seed=3)
    mask = frame.visible_mask.copy()
    mask[:, 60:] = False
    mask[40:44, 20:24] = ~frame.visible_mask[40:44, 20:24]
    save_sheet(tmp_path / "new" / "sheet.png", frame, Answer(frame.clean_rgb, mask, 0.0))
    sheet = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    assert sheet.shape == (2 * 106, 246, 3)
    colours = {tuple(pixel) for pixel in sheet[106:206, 126:].reshape(-1, 3)}
    assert {(255, 60, 60), (70, 220, 90)} <= colours


def test_a_frame_without_infrared_has_a_black_tile(tmp_path):
    grey = np.full((60, 80, 3), 140, np.uint8)
    frame = simulate_third(grey, Kind("t", infrared=InfraredPass(Match.NONE)), seed=3)
    save_sheet(tmp_path / "sheet.png", frame, Answer(frame.rgb, frame.any_mask, 0.0))
    assert not np.asarray(Image.open(tmp_path / "sheet.png"))[:60, 90:160].any()
