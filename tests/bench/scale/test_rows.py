"""A station of empty frames."""

from __future__ import annotations

from bench.scale.rows import FRAMES_OF_A_ROLL, frame_of


def test_frames_fill_rolls_and_rolls_fill_boxes():
    assert str(frame_of(0)) == "bench/box-00000/roll-000000_0001"
    assert str(frame_of(FRAMES_OF_A_ROLL + 1)) == "bench/box-00000/roll-000001_0002"
    assert str(frame_of(50 * FRAMES_OF_A_ROLL)) == "bench/box-00001/roll-000050_0001"
