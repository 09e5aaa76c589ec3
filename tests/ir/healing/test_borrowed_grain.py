from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.film.frame import Damage
from filmscand.ir import clean_frame
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing._healing_kernels import FREE
from filmscand.ir.healing.borrowed_grain import Surroundings, borrowed_grain, measure_detail
from filmscand.ir.healing.filling import display_tables, pixel_states
from filmscand.ir.planes.photometry import measure_photometry
from support.ir_frames import compiled, simulated

pytestmark = compiled
SHAPE = (120, 160)


def grainy(grain=0.05, seed=1):
    rng = np.random.default_rng(seed)
    return np.rint(20_000 * (1 + grain * rng.standard_normal((*SHAPE, 3)))).astype(np.uint16)


def surroundings_of(rgb, spot):
    classes = np.zeros(SHAPE, np.uint8)
    classes[spot] = 2
    cells = connected_regions(classes)
    photometry = measure_photometry(rgb, rgb[..., 1])
    return Surroundings(display_tables(photometry), pixel_states(cells, rgb.shape)), cells


def borrowed(rgb, spot, lost=1.0, detail=None):
    """Grain added to a fill of the picture's mean, as a part of that mean."""
    surroundings, cells = surroundings_of(rgb, spot)
    fill = np.full((len(cells.rows), 3), surroundings.display[0][20_000], np.float32)
    found = measure_detail(rgb, surroundings, cells) if detail is None else np.full((len(cells), 4), detail, np.float32)
    missing = np.full(len(fill), lost, np.float32)
    return borrowed_grain(rgb, surroundings, cells, (fill, found), missing) / fill


def test_a_fill_gets_the_grain_of_the_film_around_as_far_as_it_lost_it():
    # Display values are light to the power 1 / 2.2.
    around = 0.05 / 2.2
    assert borrowed(grainy(), np.s_[50:60, 70:80]).std() == pytest.approx(around, rel=0.2)
    assert borrowed(grainy(), np.s_[50:60, 70:80], lost=0.5).std() == pytest.approx(around / 2, rel=0.2)
    assert not borrowed(grainy(), np.s_[50:60, 70:80], lost=0.0).any()


@pytest.mark.parametrize(("cols", "grain"), [(23, False), (25, True)])
def test_a_speck_of_few_pixels_shows_no_grain(cols, grain):
    assert borrowed(grainy(), np.s_[50:51, 70 : 70 + cols]).any() == grain


def test_no_edge_of_the_picture_is_borrowed():
    rgb = grainy(0.01)
    rgb[:, 83:86] //= 3
    added = borrowed(rgb, np.s_[50:60, 60:70], detail=0.01)
    assert np.abs(added).max() == pytest.approx(0.025, rel=0.01)


def test_where_no_film_is_free_no_grain_is_borrowed():
    assert not borrowed(grainy(), np.s_[10:110, 10:150]).any()


def test_detail_is_measured_on_free_film_and_usual_where_there_is_none():
    surroundings, cells = surroundings_of(grainy(), np.s_[50:60, 70:80])
    assert (surroundings.states == FREE).any()
    # Against the mean of four neighbours, which has some grain itself.
    assert measure_detail(grainy(), surroundings, cells)[0, :3] == pytest.approx(1.12 * 0.05 / 2.2, rel=0.2)
    surroundings, cells = surroundings_of(grainy(), np.s_[:, :])
    assert measure_detail(grainy(), surroundings, cells)[0] == pytest.approx(0.02)


def spotted(through):
    """A grainy slide with wide round spots that let a part of the light through, and where they are."""
    frame = simulated("grainy_slide", "smooth_sky", (400, 600), 5, damage=Damage(0, 0, 0, 0, 0))
    row, col = np.mgrid[:400, :600]
    spots = (row % 80 - 40) ** 2 + (col % 80 - 40) ** 2 <= 49
    share = ndimage.gaussian_filter(np.where(spots, through, 1.0), 0.8)
    rgb = np.rint(frame.rgb * share[..., None]).astype(np.uint16)
    return rgb, np.rint(frame.infrared * share).astype(np.uint16), frame.clean_rgb, spots


def fine_detail(rgb, where):
    light = rgb.astype(float) ** (1 / 2.2)
    detail = light - ndimage.uniform_filter(light, (5, 5, 0))
    return float(detail[where].std())


@pytest.mark.parametrize("through", [0.01, 0.3], ids=["filled", "divided"])
def test_an_opaque_defect_healed_by_infrared_is_as_grainy_as_the_film_around(through):
    rgb, infrared, clean, spots = spotted(through)
    cleaned = clean_frame(rgb, infrared)
    inner = ndimage.binary_erosion(spots, iterations=3)
    assert cleaned.defect_mask[inner].mean() > 0.95
    assert fine_detail(cleaned.rgb, inner) == pytest.approx(fine_detail(clean, inner), rel=0.35)
