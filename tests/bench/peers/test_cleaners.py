"""The peers: each cleans a frame, or says why it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.peers.cleaners import PERFECT_TELEA, RAW, SANEI, PeerSkippedError, Scene, make_peers
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky

PEERS = make_peers(None)


class Cleaned:
    """What a peer reads of filmscand's answer: its mask."""

    def __init__(self, mask):
        self.defect_mask = mask


@pytest.fixture(scope="module")
def scene():
    frame = simulate_frame(smooth_sky(96, 144, 3), KINDS["heavy_dirt"], seed=11)
    return Scene(frame, Cleaned(frame.visible_mask))


def error(scene, rgb):
    return float(np.abs(rgb.astype(float) - scene.frame.clean_rgb)[scene.frame.visible_mask].mean())


@pytest.mark.parametrize("name", PEERS)
def test_no_peer_changes_a_pixel_outside_its_mask(scene, name):
    answer = PEERS[name](scene)
    assert np.array_equal(answer.rgb[~answer.mask], scene.frame.rgb[~answer.mask])


@pytest.mark.parametrize("name", [name for name in PEERS if "mask" in name])
def test_every_fill_of_the_true_mask_comes_nearer_to_the_truth(scene, name):
    assert error(scene, PEERS[name](scene).rgb) < 0.5 * error(scene, scene.frame.rgb)


def test_what_is_not_cleaned_stays_as_it_is(scene):
    assert np.array_equal(PEERS[RAW](scene).rgb, scene.frame.rgb)


def test_a_threshold_of_a_constant_infrared_is_skipped_with_the_reason(scene):
    constant = replace(scene.frame, infrared=np.full_like(scene.frame.infrared, 500))
    for name in ("Otsu, Telea", "Yen, Telea"):
        with pytest.raises(PeerSkippedError, match="infrared plane is constant"):
            PEERS[name](Scene(constant, scene.ours))


def test_sanei_ir_is_left_out_where_it_is_not_available():
    assert SANEI not in PEERS
    assert PERFECT_TELEA in PEERS
