"""Scenes: photographs with their colours, spans before a sky, rough crops."""

from __future__ import annotations

import cv2
import numpy as np

from training.sheets.scenes import draw_scene, roughness
from training.sheets.sources import Sources

SIZE = 96
NO_SOURCES = Sources()


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_scene_of_a_photograph_has_its_colours():
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[..., 1] = 200
    greens = [draw_scene(rng(seed), SIZE, Sources(photos=(photo,))).mean((0, 1)) for seed in range(12)]
    assert np.median([green[1] - green[0] for green in greens]) > 0.2


def test_some_scenes_are_thin_things_before_a_sky():
    scenes = [draw_scene(rng(seed), 256, NO_SOURCES, points=False, spans_share=1.0) for seed in range(12)]
    assert all(scene.min() >= 0 and scene.max() <= 1 for scene in scenes)
    # What a median as wide as the lines takes away is mostly a small part of a sky; no sky has none of it.
    shown = [np.rint(255 * np.sqrt(scene[..., 1])).astype(np.uint8) for scene in scenes]
    thin = [float((cv2.absdiff(each, cv2.medianBlur(each, 25)) > 8).mean()) for each in shown]
    assert min(thin) > 0.003
    assert np.median(thin) < 0.3


def test_of_photographs_rough_crops_are_taken_more_often(monkeypatch):
    photo = np.full((SIZE, 8 * SIZE, 3), 128, np.uint8)
    photo[:, : 3 * SIZE] = rng(2).integers(0, 256, (SIZE, 3 * SIZE, 3))
    rough = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr("training.sheets.scenes.ROUGH_SHARE", share)
        sources = Sources(photos=(photo,))
        scenes = [draw_scene(rng(seed), SIZE, sources, hard_share=0, spans_share=0) for seed in range(40)]
        rough[share] = sum(roughness(scene) > 0.02 for scene in scenes)
    assert rough[1.0] > rough[0.0] + 8
