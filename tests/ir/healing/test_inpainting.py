from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.healing.inpainting import inpaint_large
from filmscand.ir.methods.colours import colour_photometry, measure_colours
from filmscand.ir.network.model_file import load_inpainting
from support.ir_frames import compiled
from support.onnx_models import save_inpainting

pytestmark = compiled

SHAPE = (300, 700)
LIGHT = np.array([30_000, 24_000, 18_000])


@pytest.fixture(scope="module", params=[1.0, 255.0], ids=["answers 0..1", "answers 0..255"])
def model(request, tmp_path_factory):
    return load_inpainting(str(save_inpainting(tmp_path_factory.mktemp("model") / "mean.onnx", request.param)))


def film():
    """Plain film with some noise, and one bright corner that sets the white."""
    rgb = np.random.default_rng(1).normal(LIGHT, 60, (*SHAPE, 3))
    rgb[:40, :40] = 60_000
    return np.rint(rgb).astype(np.uint16)


def blot(centre, radius_px):
    row, col = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (row - centre[0]) ** 2 + (col - centre[1]) ** 2 <= radius_px**2


def inpainted(clean, mask, through, model, filled=0.9):
    """Darken a mask, heal it to a part of its light, and have the model fill it."""
    rgb, healed = clean.copy(), clean.copy()
    rgb[mask] = np.rint(clean[mask] * through)
    healed[mask] = np.rint(clean[mask] * filled)
    return healed, inpaint_large(rgb, healed, mask, colour_photometry(measure_colours(clean)), model)


def test_a_large_opaque_defect_is_filled_by_the_model_and_nothing_else_changes(model):
    clean, mask = film(), blot((150, 300), 14)
    healed, result = inpainted(clean, mask, 0.05, model)
    assert result.count == 1
    assert np.array_equal(result.rgb[~mask], healed[~mask])
    core = ndimage.binary_erosion(mask, iterations=2)
    assert np.abs(result.rgb[core] / LIGHT - 1).max() < 0.02


@pytest.mark.parametrize(("radius_px", "through"), [(8, 0.05), (14, 0.16)], ids=["small", "less than a fifth of light"])
def test_the_smallest_large_opaque_defect_is_filled_by_the_model(radius_px, through, model):
    _, result = inpainted(film(), blot((150, 300), radius_px), through, model)
    assert result.count == 1


def test_the_models_light_comes_back_in_sixteen_bits(model):
    clean, mask = film(), blot((150, 300), 14)
    clean[:, :600] = 20_011, 20_012, 20_013
    clean[:, 600:] = 60_000
    _, result = inpainted(clean, mask, 0.05, model)
    # The model adds up in single precision. A step of eight bits would be 257.
    assert np.abs(result.rgb[mask].astype(int) - [20_011, 20_012, 20_013]).max() <= 16


@pytest.mark.parametrize(
    ("mask", "through"),
    [
        (blot((150, 300), 14), 0.24),
        (blot((150, 300), 6), 0.05),
        (np.pad(np.ones((3, 400), np.bool_), ((150, 147), (100, 200))), 0.05),
    ],
    ids=["translucent", "small", "a thin hair"],
)
def test_a_defect_that_the_engine_fills_as_well_is_left_to_it(mask, through, model):
    healed, result = inpainted(film(), mask, through, model)
    assert result.count == 0
    assert result.rgb is healed


def test_a_defect_fades_from_painted_to_divided_where_light_comes_through(model):
    clean, mask = film(), blot((150, 300), 25)
    distance = np.hypot(*(np.mgrid[: SHAPE[0], : SHAPE[1]] - np.array([150, 300])[:, None, None]))
    through = np.clip((distance - 12) / 13, 0.03, 1)[mask][:, None]
    healed, result = inpainted(clean, mask, through, model, filled=1.0)
    rim = mask & (distance > 19)
    assert result.count == 1
    assert np.array_equal(result.rgb[rim], healed[rim])


@pytest.mark.parametrize("centre", [(0, 0), (299, 699), (150, 690), (150, 350)], ids=str)
def test_defects_at_the_ends_of_a_frame_that_no_crop_fits_into_are_filled(centre, model):
    clean, mask = film(), blot(centre, 30)
    clean[:] = LIGHT
    clean[140:160, 20:60] = 60_000
    _, result = inpainted(clean, mask, 0.02, model)
    assert result.count == 1
    assert np.abs(result.rgb[mask] / LIGHT - 1).max() < 0.01


def test_several_defects_are_counted_and_filled_wherever_crops_meet(model):
    clean = film()
    mask = blot((100, 60), 14) | blot((120, 256), 20) | blot((256, 512), 16)
    _, result = inpainted(clean, mask, 0.02, model)
    assert result.count == 3
    assert np.abs(result.rgb[ndimage.binary_erosion(mask, iterations=2)] / LIGHT - 1).max() < 0.03
