from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.leakage.film_base import base_at
from filmscand.ir.methods.measure import fit_frame, open_frame, subtract_leakage, view_infrared
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.stopwatch import StopWatch
from support.ir_frames import NO_DAMAGE, compiled, flat_planes, simulated

pytestmark = compiled


def opened(kind, watch=None, **changes):
    frame = simulated(kind, "landscape", **changes)
    return open_frame(frame.rgb, frame.infrared, watch or StopWatch())


def test_a_frame_without_film_picture_or_infrared_has_no_view():
    assert view_infrared(*flat_planes((200, 300), noise=0.001)) is None
    frame = simulated("leaky_slide", "landscape")
    assert view_infrared(frame.rgb, np.full_like(frame.infrared, 40_000)) is None


def test_planes_that_are_not_contiguous_are_opened_as_copies():
    frame = simulated("leaky_slide", "landscape")
    turned = open_frame(frame.rgb.swapaxes(0, 1), frame.infrared.T, StopWatch())
    assert turned.rgb.flags.c_contiguous
    assert turned.infrared.flags.c_contiguous
    assert np.array_equal(turned.infrared, frame.infrared.T)


def test_black_is_the_light_under_the_mount_where_there_is_one():
    frame = simulated("mounted", "landscape")
    black = np.array(opened("mounted").photometry.black[:3])
    darkest = np.array(measure_photometry(frame.rgb, frame.infrared).black[:3])
    under_mount = np.median(frame.rgb[frame.holder_mask], axis=0)
    assert (np.abs(black - under_mount) <= np.abs(darkest - under_mount)).all()
    without = simulated("leaky_slide", "landscape")
    assert opened("leaky_slide").photometry.black == measure_photometry(without.rgb, without.infrared).black


@pytest.mark.parametrize("kind", ["clear_slide", "leaky_slide", "strong_leak"])
def test_strong_and_faint_leakage_is_fitted(kind):
    frame = simulated(kind, "landscape")
    fitted = fit_frame(opened(kind), StopWatch())
    assert sum(fitted.leakage.slopes) == pytest.approx(sum(frame.recipe.leakage.slopes_rgb), abs=0.05)
    assert fitted.registration.same_grid


def test_the_shift_of_a_second_pass_is_followed():
    fitted = fit_frame(opened("two_pass_shift"), StopWatch())
    assert not fitted.registration.same_grid
    assert fitted.registration.row_shift_px.mean() == pytest.approx(5.3, abs=0.2)
    assert fitted.registration.col_shift_px.mean() == pytest.approx(-1.2, abs=0.2)


def test_the_residual_of_spotless_film_is_its_noise_and_no_picture():
    frame = opened("leaky_slide", damage=NO_DAMAGE)
    _, view = subtract_leakage(frame, fit_frame(frame, StopWatch()), StopWatch())
    level = base_at(view.base, 100, 100, 200)
    left = view.residual.values[100:300, 100:300] / 4096 - level
    assert np.median(np.abs(left)) < 3 * np.median(view.noise.deviation[0])


def test_each_step_takes_its_time():
    watch = StopWatch()
    frame = opened("leaky_slide", watch)
    subtract_leakage(frame, fit_frame(frame, watch), watch)
    before = ["photometry", "holder", "tiles", "registration", "leakage", "focus", "residual", "base", "levels"]
    assert list(watch.seconds) == [*before, "haze", "noise"]
