"""Scores of cleaners on a frame of the third simulator."""

from __future__ import annotations

import numpy as np
import pytest

from bench.measures.metrics import Answer
from bench.third.frame import simulate_third
from bench.third.recipe import Dirt, InfraredPass, Kind, Match
from bench.third.scores import OURS, RAW, Cleaned, make_cleaners, score_answer
from filmscand.ir.report import DetectorUse
from support.ir_frames import compiled

# A plain ground would be taken for a frame that was never exposed.
WEDGE = np.repeat(np.add.outer(np.linspace(20, 90, 240), np.linspace(0, 140, 320))[..., None], 3, -1).astype(np.uint8)


@pytest.fixture(scope="module")
def frame():
    return simulate_third(WEDGE, Kind("test", dirt=Dirt(specks=200, strength=2.0)), seed=3)


def test_the_clean_frame_scores_best_and_the_raw_one_misses_everything(frame):
    perfect = score_answer(frame, Cleaned(Answer(frame.clean_rgb, frame.any_mask, 0.0)))
    raw = score_answer(frame, Cleaned(Answer(frame.rgb, np.zeros_like(frame.any_mask), 0.0)))
    assert perfect.score.recall == 1
    assert perfect.remnants.obvious == raw.remnants.obvious == raw.remnants.missed > 3
    assert perfect.remnants.missed == perfect.remnants.half == perfect.remnants.blemishes == 0
    assert perfect.gained_db > raw.gained_db == 0


@compiled
def test_filmscand_heals_what_infrared_shows(frame):
    cleaned = make_cleaners(DetectorUse.OFF, None, peers=False)[OURS](frame)
    scored = score_answer(frame, cleaned)
    assert scored.score.f1 > 0.8
    assert scored.score.outside == 0


def test_peers_are_asked_only_if_wanted_and_raw_changes_nothing(frame):
    assert set(make_cleaners(DetectorUse.OFF, None, peers=False)) == {OURS}
    raw = make_cleaners(DetectorUse.OFF, None, peers=True)[RAW](frame)
    assert np.array_equal(raw.answer.rgb, frame.rgb)


def test_sanei_skips_frames_without_infrared():
    blind = simulate_third(WEDGE, Kind("test", infrared=InfraredPass(Match.NONE)), seed=3)
    cleaners = make_cleaners(DetectorUse.OFF, object(), peers=True)
    assert cleaners["sanei_ir (C)"](blind) is None
