"""Crops to learn from: turned and mirrored together with their labels, from files as from an accelerator's memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is no dependency: see docs/how-to/train-the-detector.md")

import torch

from training.networks.learning import draw_batch
from training.networks.shelf import CropView, Shelf, draw_view
from training.sheets.pool import DENSITY_STEP, INFRARED_STEP, Pool, PoolPlan, WithInfrared
from training.sheets.sources import Sources
from training.sheets.synthesizer import draw_sheet

SIZE, CROP = 96, 64
CPU = torch.device("cpu")
PLAIN = CropView(0, 0, 0, 0, False, (0, 1, 2), 1.0, (0.0, 0.0, 0.0))


def sheet(seed):
    return draw_sheet(np.random.default_rng(seed), SIZE, Sources(), infrared=True)


def pool_of(folder, count=3, places=3):
    pool = Pool(PoolPlan(folder, None, None, places, SIZE, infrared=WithInfrared.SOME))
    for seed in range(count):
        pool.put(sheet(seed))
    return pool


def test_a_crop_that_is_shown_as_it_is_is_a_part_of_its_sheet(tmp_path):
    crops = Shelf(pool_of(tmp_path)).cut([replace(PLAIN, place=1, top=7, left=20)], CROP)
    drawn, cut = sheet(1), (..., slice(7, 7 + CROP), slice(20, 20 + CROP))
    assert np.abs(crops.density[0].numpy() - drawn.density[cut]).max() <= DENSITY_STEP
    assert np.abs(crops.infrared[0].numpy() - drawn.infrared[cut]).max() <= INFRARED_STEP
    assert np.array_equal(crops.defect[0, 0].numpy(), drawn.defect[cut])
    assert crops.weight[0, 0].numpy() == pytest.approx(drawn.weight[cut], abs=0.01)
    assert crops.density.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_lies_on_a_crop_is_turned_with_it(turns, mirrored, tmp_path):
    shelf = Shelf(pool_of(tmp_path))
    plain, shown = (shelf.cut([view], SIZE) for view in (PLAIN, replace(PLAIN, turns=turns, mirrored=mirrored)))
    for name in ("density", "infrared", "defect", "weight"):
        expected = np.rot90(getattr(plain, name).numpy(), turns, (-2, -1))
        assert np.array_equal(getattr(shown, name).numpy(), expected[..., ::-1] if mirrored else expected)


def test_contrast_colours_and_density_are_changed_and_neither_label_nor_infrared(tmp_path):
    shelf = Shelf(pool_of(tmp_path))
    view = replace(PLAIN, channels=(2, 0, 1), contrast=0.5, shift=(0.1, 0.2, 0.3))
    plain, shown = (shelf.cut([each], SIZE) for each in (PLAIN, view))
    expected = 0.5 * plain.density[:, [2, 0, 1]] + torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    assert torch.allclose(shown.density, expected, atol=1e-6)
    for name in ("infrared", "defect", "weight"):
        assert torch.equal(getattr(shown, name), getattr(plain, name))


def test_copied_sheets_are_those_of_the_files_also_where_an_older_one_was_replaced(tmp_path):
    pool = pool_of(tmp_path, count=2)
    files, copied = Shelf(pool), Shelf(pool, CPU)
    assert copied.sheets == 0
    copied.update()
    assert copied.sheets == 2
    for seed in (7, 8):
        pool.put(sheet(seed))
    rng = np.random.default_rng(1)
    views = [draw_view(rng, place, SIZE - CROP) for place in (0, 1, 2, 0)]
    assert not torch.equal(copied.cut(views[:1], CROP).density, files.cut(views[:1], CROP).density)
    copied.update()
    assert copied.sheets == files.sheets == 3
    for name in ("density", "infrared", "defect", "weight"):
        assert torch.equal(getattr(copied.cut(views, CROP), name), getattr(files.cut(views, CROP), name))


def test_a_blind_crop_is_shown_without_its_sheets_infrared(tmp_path):
    shelf = Shelf(pool_of(tmp_path))
    seeing, blind = (shelf.cut([replace(PLAIN, blind=blind)], CROP) for blind in (False, True))
    assert seeing.infrared.any()
    assert not blind.infrared.any()
    for name in ("density", "defect", "weight"):
        assert torch.equal(getattr(seeing, name), getattr(blind, name))


def test_without_infrared_a_crop_has_none(tmp_path):
    pool = Pool(PoolPlan(tmp_path, None, None, 1, SIZE))
    pool.put(sheet(1))
    assert not Shelf(pool).cut([PLAIN], CROP).infrared.any()


def test_looks_reach_every_corner_of_a_sheet_and_no_further():
    views = [draw_view(np.random.default_rng(seed), 0, 3) for seed in range(200)]
    assert {view.top for view in views} == {view.left for view in views} == {0, 1, 2, 3}
    assert 0.1 < np.mean([view.blind for view in views]) < 0.3
    assert {(view.turns, view.mirrored) for view in views} == {(turns, turn) for turns in range(4) for turn in (0, 1)}


def test_a_shelf_for_a_network_that_always_sees_infrared_shows_no_crop_without_it(tmp_path):
    pool = pool_of(tmp_path)
    assert Shelf(pool).blind_share > 0
    seeing = Shelf(pool, blind_share=0)
    batch = draw_batch(np.random.default_rng(3), seeing, 40, CROP)
    # Of some sheets, infrared shows nothing usable.
    usable = pool.planes["infrared"].any((1, 2, 3))[batch.places]
    assert batch.crops.infrared.flatten(1).any(1).tolist() == usable.tolist()
