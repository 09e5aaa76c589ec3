"""Laws of a frame of the third simulator."""

from __future__ import annotations

import numpy as np
import pytest

from bench.third.frame import simulate_third
from bench.third.kinds import KINDS
from bench.third.recipe import Coding, Dirt, Film, Group, InfraredPass, Kind, Match, Process, Scan

SIZE = (200, 300)


@pytest.fixture(scope="module")
def picture():
    across = np.linspace(60, 210, SIZE[1])
    return np.repeat(np.broadcast_to(across, SIZE)[..., None], 3, -1).astype(np.uint8)


def kind(**parts):
    return Kind("test", dirt=Dirt(specks=300, hairs=30), **parts)


def test_any_mask_is_where_the_frame_differs_from_the_clean_one(picture):
    frame = simulate_third(picture, kind(), seed=5)
    assert np.array_equal(frame.any_mask, (frame.rgb != frame.clean_rgb).any(-1))
    assert frame.visible_mask.any()
    assert not (frame.visible_mask & ~frame.any_mask).any()
    assert 0.01 < frame.any_mask.mean() < 0.6


def test_visible_damage_belongs_to_a_numbered_mark(picture):
    frame = simulate_third(picture, kind(), seed=5)
    assert (frame.labels[frame.visible_mask] > 0).mean() > 0.95
    assert len(np.unique(frame.labels)) > 10


def test_without_dirt_a_frame_is_its_clean_one(picture):
    frame = simulate_third(picture, Kind("test", dirt=None), seed=5)
    assert np.array_equal(frame.rgb, frame.clean_rgb)
    assert not frame.visible_mask.any()
    assert not frame.labels.any()


def test_the_same_seed_gives_the_same_frame_and_another_seed_another(picture):
    first, again, other = (simulate_third(picture, kind(), seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.rgb, again.rgb)
    assert np.array_equal(first.infrared, again.infrared)
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize(
    "scan",
    [
        Scan(bits=12),
        Scan(Coding.SRGB, bits=8),
        Scan(Coding.SRGB, bits=8, jpeg_quality=88),
        Scan(Coding.SRGB, sharpened=0.9),
        Scan(Coding.SRGB, reduced=0.6),
        Scan(mounted=True),
    ],
)
def test_every_scan_keeps_clean_pixels_and_planes_of_one_size(picture, scan):
    frame = simulate_third(picture, kind(scan=scan), seed=5)
    assert frame.rgb.shape[:2] == frame.infrared.shape == frame.labels.shape == frame.visible_mask.shape
    assert frame.visible_mask.any()
    assert frame.curve[frame.rgb].max() <= 1


def test_dust_is_dark_on_a_slide_and_bright_on_an_inverted_negative(picture):
    slide = simulate_third(picture, kind(), seed=5)
    positive = simulate_third(picture, kind(film=Film(Process.NEGATIVE), scan=Scan(Coding.INVERTED)), seed=5)
    for frame, sign in ((slide, -1), (positive, 1)):
        change = frame.curve[frame.rgb].mean(-1) - frame.curve[frame.clean_rgb].mean(-1)
        assert sign * change[frame.visible_mask].mean() > 0.01


def test_infrared_is_dark_where_dirt_is(picture):
    frame = simulate_third(picture, kind(), seed=5)
    assert frame.infrared[frame.visible_mask].mean() < 0.9 * frame.infrared[~frame.any_mask].mean()


def test_weak_infrared_shows_less_of_the_same_dirt(picture):
    full, weak = (simulate_third(picture, kind(infrared=InfraredPass(contrast=c)), seed=5) for c in (1, 1 / 6))
    assert np.array_equal(full.rgb, weak.rgb)
    assert weak.infrared[weak.visible_mask].mean() > full.infrared[full.visible_mask].mean()


def test_a_mirrored_plane_is_the_frames_own_turned_round(picture):
    own, mirrored = (
        simulate_third(picture, kind(infrared=InfraredPass(match)), seed=5) for match in (Match.OWN, Match.MIRRORED)
    )
    assert np.array_equal(own.infrared, mirrored.infrared[:, ::-1])


def test_frames_can_come_without_infrared(picture):
    assert simulate_third(picture, kind(infrared=InfraredPass(Match.NONE)), seed=5).infrared is None


def test_stray_dust_shows_in_infrared_only(picture):
    dirt = Dirt(0, 0, 0, 0, stray=400)
    frame, clean = (simulate_third(picture, Kind("test", dirt=each), seed=5) for each in (dirt, None))
    assert np.array_equal(frame.rgb, frame.clean_rgb)
    assert (frame.infrared < 0.8 * clean.infrared).any()


def test_kinds_have_names_of_their_own_and_spotless_ones_no_dirt():
    assert len({each.name for each in KINDS}) == len(KINDS) > 40
    assert all((each.dirt is None) == (each.group is Group.SPOTLESS) for each in KINDS)


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_every_kind_can_be_made(picture, each):
    frame = simulate_third(picture, each, seed=9)
    assert frame.rgb.dtype == np.uint16
    assert frame.rgb.std() > 0
