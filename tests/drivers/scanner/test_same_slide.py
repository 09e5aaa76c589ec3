"""Two scans of one slide look the same, and two slides do not."""

from __future__ import annotations

import numpy as np

from filmscand.drivers.scanner.same_slide import Fingerprint


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
