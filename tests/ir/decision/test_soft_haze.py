"""Soft haze in the infrared alone belongs to the lamp; where the picture shows it as well, it lies on the film."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir import clean_frame
from filmscand.ir.decision.soft_haze import without_unseen_haze
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.residual import Residual
from support.ir_frames import compiled, no_holder, plain_photometry, simulated

pytestmark = compiled

SHAPE = (400, 600)
NOISE = 0.0075


def spot(sigma_px, depth, centre=(200, 300)):
    """Density of a soft spot, nepers."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return depth * np.exp(-((rows - centre[0]) ** 2 + (cols - centre[1]) ** 2) / (2 * sigma_px**2))


def darkened(counts, density):
    return np.rint(counts * np.exp(-density)).astype(np.uint16)


def left_of(density, picture_density, gain=1.0, objects=0.0):
    """Density that stays in the residual of grainy film; objects: deviation of the picture's own soft structure."""
    rng = np.random.default_rng(3)
    own = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 12)
    log = np.log(30000) - picture_density - objects * own / own.std()
    rgb = np.rint(np.exp(log[..., None] + 0.04 * rng.standard_normal((*SHAPE, 3)))).astype(np.uint16)
    values = np.rint(4096 * (NOISE * rng.standard_normal(SHAPE) - density)).astype(np.int16)
    flat = np.zeros((25, 38), np.float32)
    planes = {"block_px": 16, "level": flat, "spread": np.full_like(flat, NOISE)}
    base = Base(**{each.name: flat for each in fields(Base)} | planes)
    residual = Residual(values, np.zeros(SHAPE, np.uint8))
    tables = plain_photometry().log_tables
    seen = without_unseen_haze(rgb, tables, (residual, base, no_holder(SHAPE)), gain)
    return -ndimage.gaussian_filter(seen.values / 4096, 3)


@pytest.mark.parametrize("sigma_px", [30, 60])
@pytest.mark.parametrize("depth", [0.05, 0.1, 0.3])
def test_haze_that_only_the_infrared_sees_is_taken_out_of_the_residual(sigma_px, depth):
    assert left_of(spot(sigma_px, depth), 0).max() < max(0.1 * depth, 0.01)


@pytest.mark.parametrize("share", [0.8, 1.2, 2.0])
def test_haze_that_the_picture_shows_stays(share):
    haze = spot(30, 0.15)
    assert left_of(haze, share * haze).max() > 0.13


@pytest.mark.parametrize("share", [-1.0, 0.2, 12.0], ids=["brighter", "hardly any", "an object of the picture"])
def test_haze_that_the_picture_contradicts_is_taken_out(share):
    haze = spot(30, 0.15)
    assert left_of(haze, share * haze).max() < 0.02


def test_haze_in_a_picture_too_rough_to_tell_is_not_confirmed():
    haze = spot(30, 0.1)
    assert left_of(haze, 0, objects=0.5).max() < 0.02


def test_specks_inside_the_haze_keep_their_density():
    haze, specks = spot(40, 0.15), np.zeros(SHAPE)
    specks[200:209, 300:309] = 0.5
    left = left_of(haze + specks, specks)
    assert left[204, 304] > 0.3
    assert np.median(left[150:250, 250:350]) < 0.01


def test_a_disc_with_a_sharp_edge_is_left_to_its_edges():
    disc = 0.2 * (spot(20, 1.0) > 0.3)
    assert left_of(disc, 0).max() > 0.17


def test_film_without_haze_keeps_its_residual():
    rgb = np.full((*SHAPE, 3), 30000, np.uint16)
    residual = Residual(np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.uint8))
    flat = np.zeros((25, 38), np.float32)
    base = Base(**{each.name: flat for each in fields(Base)} | {"block_px": 16})
    tables = plain_photometry().log_tables
    assert without_unseen_haze(rgb, tables, (residual, base, no_holder(SHAPE)), 1.0) is residual


def test_a_dusty_frame_with_haze_in_the_infrared_alone_changes_at_its_dust_alone():
    frame = simulated("clear_slide", "landscape", SHAPE)
    cleaned = clean_frame(frame.rgb, darkened(frame.infrared, spot(30, 0.2)))
    sound = (cleaned.rgb != frame.rgb).any(-1) & ~frame.any_mask
    assert sound.mean() < 5e-4
