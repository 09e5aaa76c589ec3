"""The condition of a captured picture: clipped highlights, and the sharpness of the grain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.planes.condition import condition_of

SHAPE = (400, 600)


def grain(sigma_px: float, seed: int = 1) -> np.ndarray:
    """A grey picture with a gentle slope, and grain that a lens blurs."""
    rng = np.random.default_rng(seed)
    density = np.linspace(0.5, 1.0, SHAPE[1]) + ndimage.gaussian_filter(0.05 * rng.standard_normal(SHAPE), sigma_px)
    counts = 60_000 * np.exp(-density)
    return np.repeat(counts[..., None], 3, axis=2).astype(np.uint16)


def test_grain_that_differs_from_pixel_to_pixel_has_a_sharpness_of_about_4():
    assert condition_of(grain(0.0)).sharpness == pytest.approx(4.0, abs=0.7)


def test_the_softer_the_picture_the_lower_its_sharpness():
    found = [condition_of(grain(sigma)).sharpness for sigma in (0.0, 0.5, 1.0, 1.5)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[1] / 3


def test_edges_of_the_picture_and_its_exposure_hardly_change_the_sharpness():
    even = grain(0.7)
    drawn = even.copy()
    drawn[:, ::50] //= 3
    drawn[120:, :] //= 2
    assert condition_of(drawn).sharpness == pytest.approx(condition_of(even).sharpness, rel=0.1)


def test_dark_parts_tell_nothing_of_the_sharpness():
    noise = np.random.default_rng(2).integers(0, 800, (*SHAPE, 3)).astype(np.uint16)
    lit = grain(1.0)
    lit[:, :300] = noise[:, :300]
    assert condition_of(lit).sharpness == pytest.approx(condition_of(grain(1.0)).sharpness, rel=0.2)


def test_a_picture_smaller_than_a_tile_tells_no_sharpness():
    assert condition_of(grain(0.0)[:40, :40]).sharpness == 0.0


@pytest.mark.parametrize(("part", "told"), [(0.0, 0.0), (0.1, 0.1), (0.5, 0.5)])
def test_what_lies_on_the_highest_count_of_one_channel_is_clipped(part, told):
    rgb = grain(0.0)
    rgb[: round(part * SHAPE[0]), :, 0] = 65_000
    assert condition_of(rgb).clipped == pytest.approx(told, abs=1e-3)
