from __future__ import annotations

import numpy as np
import pytest

from ir.detection import connected_regions
from ir.fused_frame import _would_be_seen
from ir.healing import Healed

SHAPE = (40, 60)
COUNTS = 8_000


def one_mark(taken_nepers, probability):
    """A mark of six by six pixels that was healed, and the highest probability of its pixels."""
    classes = np.zeros(SHAPE, np.uint8)
    classes[10:16, 20:26] = 2
    rgb = np.full((*SHAPE, 3), COUNTS, np.uint16)
    light = rgb.copy()
    light[classes > 0] = round(COUNTS * np.exp(taken_nepers))
    plane = np.full(SHAPE, 3, np.uint8)
    plane[12, 22] = round(255 * probability)
    return rgb, Healed(light, classes > 0, 0, 1, 0), connected_regions(classes), plane


@pytest.mark.parametrize(
    ("taken_nepers", "probability", "kept"),
    [(2.0, 0.05, False), (1.25, 0.78, False), (1.25, 0.82, True), (1.15, 0.05, True), (0.2, 0.0, True)],
    ids=["deep and unseen", "deep and nearly seen", "deep and seen", "not so deep", "faint"],
)
def test_what_takes_much_light_is_a_defect_only_if_the_detector_sees_it(taken_nepers, probability, kept):
    assert _would_be_seen(*one_mark(taken_nepers, probability)).tolist() == [kept]


def test_a_frame_without_marks_has_none_to_ask_for():
    rgb, healed, _, plane = one_mark(1.0, 0.5)
    assert _would_be_seen(rgb, healed, connected_regions(np.zeros(SHAPE, np.uint8)), plane).tolist() == []
