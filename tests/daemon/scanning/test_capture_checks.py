"""What is seen in a picture of the scanner that gave it."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.daemon.scanning.capture_checks import Suspicion, has_repeated_lines, holder_in_picture, suspicions
from filmscand.drivers.base import Capture, CaptureInfo
from filmscand.drivers.scanner.same_slide import Fingerprint
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, lettering, night, portrait, smooth_sky

ROWS, COLS = 240, 360
INFO = CaptureInfo(rows=ROWS, cols=COLS, layout="sane_test", scanned=True)
PICTURES = (landscape, girders, night, smooth_sky, portrait, lettering)


def slide(kind, picture=landscape, seed=1):
    frame = simulate_frame(picture(ROWS, COLS, seed), KINDS[kind], seed=seed)
    return Capture(frame.rgb, frame.infrared, INFO)


def seen(capture, before=None):
    last = None if before is None else Fingerprint.of(before.rgb)
    return suspicions(capture, Fingerprint.of(capture.rgb), last)


@pytest.fixture(scope="module")
def leaky():
    return slide("leaky_slide")


GOOD_KINDS = ("bright_slide", "dark_slide", "grainy_slide", "negative", "mounted_turned", "sprocket_holder", "silver")
GOOD_KINDS += ("kodachrome", "spotless", "scratches", "eight_bit", "gamma_encoded", "heavy_dirt")


@pytest.mark.parametrize("kind", GOOD_KINDS)
def test_a_good_slide_of_any_kind_raises_no_suspicion(kind):
    picture = PICTURES[sum(map(ord, kind)) % len(PICTURES)]
    assert seen(slide(kind, picture)) == ()


def test_an_empty_gate_is_blank_and_clear():
    random = np.random.default_rng(1)
    light = (60_000 * random.normal(1.0, 0.004, (ROWS, COLS, 4))).clip(0, 65535).astype(np.uint16)
    capture = Capture(light[..., :3].copy(), light[..., 3].copy(), INFO)
    assert seen(capture, capture) == (Suspicion.BLANK_CLEAR,)


def test_a_slide_that_no_light_comes_through_is_blank_and_black():
    assert seen(slide("fully_dark")) == (Suspicion.BLANK_BLACK,)


def test_the_same_slide_twice_is_noticed_though_its_noise_and_place_differ(leaky):
    random = np.random.default_rng(2)
    noisy = leaky.rgb[1:, 1:] * random.normal(1.0, 0.01, (ROWS - 1, COLS - 1, 1))
    again = Capture(noisy.clip(0, 65535).astype(np.uint16), leaky.infrared[1:, 1:].copy(), leaky.info)
    assert seen(again, leaky) == (Suspicion.SAME_SLIDE,)


def test_another_slide_is_not_taken_for_the_one_before(leaky):
    assert seen(slide("leaky_slide", portrait, 2), leaky) == ()


def test_a_carriage_that_stopped_shows_as_repeated_lines(leaky):
    random = np.random.default_rng(3)
    stuck = leaky.rgb.copy()
    stuck[150:] = stuck[150]
    stuck[150:] = (stuck[150:] * random.normal(1.0, 0.002, stuck[150:].shape)).clip(0, 65535).astype(np.uint16)
    assert not has_repeated_lines(leaky.rgb)
    assert has_repeated_lines(stuck)


@pytest.mark.parametrize("turned", [False, True])
def test_a_holder_that_reaches_far_into_the_picture_is_noticed(leaky, turned):
    infrared = leaky.infrared.copy()
    infrared[: ROWS // 3] = 500
    assert not holder_in_picture(leaky.infrared)
    assert holder_in_picture(infrared.T if turned else infrared)
