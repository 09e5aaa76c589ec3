"""Two scans of one slide look the same, and two slides do not."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.scanner.same_slide import GRID, Fingerprint


def noisy_scan(picture, seed):
    noise = np.random.default_rng(seed).normal(0, 300, picture.shape)
    return np.clip(np.roll(picture, 1, axis=0) + noise, 0, 65535).astype(np.uint16)


def test_two_scans_of_one_slide_look_the_same_and_two_slides_do_not():
    rows, cols = np.mgrid[0:200, 0:300]
    hill = np.repeat((20000 + 15000 * np.sin(rows / 40) * np.cos(cols / 50))[..., None], 3, axis=2)
    valley = np.repeat((20000 + 15000 * np.cos(rows / 70) * np.sin(cols / 30))[..., None], 3, axis=2)
    first, again, other = (Fingerprint.of(noisy_scan(p, s)) for s, p in enumerate((hill, hill, valley)))
    assert first.same_slide(again)
    assert not first.same_slide(other)


def test_pictures_of_another_size_are_another_slide_only_if_their_grids_differ():
    tiny, small = np.zeros((5, 5, 3), np.uint16), np.zeros((60, 60, 3), np.uint16)
    assert not Fingerprint.of(tiny).same_slide(Fingerprint.of(small))
    assert Fingerprint.of(small).same_slide(Fingerprint.of(np.zeros((90, 80, 3), np.uint16)))


@pytest.mark.parametrize("shape", [(1, 1), (7, 200), (200, 7), (100, 130)])
def test_a_picture_of_any_size_is_the_same_slide_as_itself(shape):
    picture = np.random.default_rng(3).integers(0, 65536, (*shape, 3), dtype=np.uint16)
    fingerprint = Fingerprint.of(picture)
    assert fingerprint.means.shape == (min(shape[0], GRID), min(shape[1], GRID), 3)
    assert fingerprint.same_slide(Fingerprint.of(picture))
