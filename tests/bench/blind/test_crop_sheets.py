"""A sheet of a blind frame shows false and missed pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.blind.crop_sheets import save_blind_sheet
from bench.blind.finders import Found
from bench.blind.frames import BlindCase, BlindFrame, Group
from bench.frames.second_film import second_model
from filmscand.film.pictures import smooth_sky


def test_a_sheet_has_a_row_for_the_most_false_and_the_most_missed_crops(tmp_path):
    blind = BlindFrame(second_model(smooth_sky(320, 480, 2), seed=4))
    case = BlindCase("sky", Group.COLOUR, lambda *_: blind)
    sizes = []
    for name, mask in (("nothing", np.zeros((320, 480), np.bool_)), ("false", ~blind.frame.any_mask)):
        save_blind_sheet(tmp_path / "sheets" / f"{name}.png", case, blind, Found(mask, None, 0.0))
        with Image.open(tmp_path / "sheets" / f"{name}.png") as sheet:
            sizes.append(sheet.size)
    # With an empty mask: two crops of missed damage and a typical one; with the false one two of false pixels as well.
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] < sizes[1][1]
