from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.planes.photometry import COUNTS, log_table, measure_photometry, with_black, with_noise_limit
from support.ir_frames import flat_planes, simulated


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 3000), st.floats(1, 65535), st.floats(1e-4, 0.2))
def test_a_log_table_rises_and_is_finite_for_every_count(black, span, bend):
    table = log_table(black, span, bend)
    assert np.isfinite(table).all()
    assert (np.diff(table) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 3000), st.floats(20000, 60000), st.floats(1e-4, 1e-3))
def test_a_log_table_is_the_logarithm_of_light_above_black_where_there_is_light(black, span, bend):
    counts = np.arange(COUNTS)
    light = (counts - black) / span
    lit = light > 30 * bend
    assert np.abs(log_table(black, span, bend)[lit] - np.log(light[lit])).max() < 2e-3


def test_at_black_a_log_table_stands_at_the_bend():
    assert log_table(1000, 50000, 1e-3)[1000] == pytest.approx(np.log(1e-3), abs=1e-4)


def ramp(first, last, shape=(200, 300)):
    """Planes that rise evenly from one count to another."""
    plane = np.linspace(first, last, shape[0] * shape[1]).reshape(shape).astype(np.uint16)
    return np.repeat(plane[..., None], 3, -1), plane


def test_the_white_is_the_level_of_the_brightest_pixels_and_has_logarithm_0():
    rgb, _ = ramp(500, 60000)
    _, infrared = ramp(500, 40000)
    photometry = measure_photometry(rgb, infrared)
    assert photometry.white == pytest.approx((59700, 59700, 59700, 39800), rel=0.005)
    whites = [table[round(white)] for table, white in zip(photometry.log_tables, photometry.white, strict=True)]
    assert whites == pytest.approx([0, 0, 0, 0], abs=1e-3)


@pytest.mark.parametrize(
    ("darkest", "black"), [(300, 300), (5000, 500)], ids=["an offset", "a bright picture without a dark place"]
)
def test_black_is_the_darkest_count_but_at_most_a_hundredth_of_the_white(darkest, black):
    photometry = measure_photometry(*ramp(darkest, 50000))
    assert photometry.black[:3] == pytest.approx((black,) * 3, rel=0.05)


def test_a_black_level_measured_under_the_mount_replaces_the_darkest_count():
    rgb, infrared = ramp(0, 50000)
    photometry = with_black(measure_photometry(rgb, infrared), (1000, 2000, 3000))
    assert photometry.black[:3] == (1000, 2000, 3000)
    for level, table in zip(photometry.black[:3], photometry.log_tables, strict=False):
        assert table[25000] == pytest.approx(np.log((25000 - level) / (photometry.white[0] - level)), abs=1e-3)


def test_a_limit_on_the_dark_noise_moves_the_bend_down_and_no_level():
    rng = np.random.default_rng(3)
    rgb = np.rint(rng.uniform(0, 50000, (200, 300, 3))).astype(np.uint16)
    noisy = measure_photometry(rgb, rgb[..., 0])
    limited = with_noise_limit(noisy, 0.001)
    assert min(noisy.dark_noise) > 0.001
    assert limited.dark_noise == (0.001,) * 4
    assert limited.bend == pytest.approx((0.0015,) * 4)
    assert (limited.black, limited.white) == (noisy.black, noisy.white)
    assert with_noise_limit(noisy, 1.0).dark_noise == noisy.dark_noise


def table_at_black(photometry):
    return photometry.log_tables[0][round(photometry.black[0])]


def test_the_noise_of_dark_pixels_is_found_and_bends_the_table():
    rng = np.random.default_rng(3)
    rgb = rng.normal(400, 25, (200, 300, 3))
    rgb[:, 150:] = rng.normal(50000, 100, (200, 150, 3))
    rgb = np.rint(rgb).astype(np.uint16)
    photometry = measure_photometry(rgb, rgb[..., 0])
    assert photometry.dark_noise == pytest.approx([25 / 50000] * 4, rel=0.2)
    assert table_at_black(photometry) == pytest.approx(np.log(1.5 * 25 / 50000), abs=0.2)
    # One deviation above black is lost in noise, ten are not.
    table, black = photometry.log_tables[0], round(photometry.black[0])
    slopes = [(table[black + count + 1] - table[black + count - 1]) / 2 * count for count in (12, 500)]
    assert slopes[0] < 0.5
    assert slopes[1] > 0.9


@pytest.mark.parametrize(("width_px", "separated"), [(32, True), (16, False)])
def test_noise_is_separated_from_texture_on_dark_places_of_thirty_two_columns(width_px, separated):
    rng = np.random.default_rng(3)
    dark = np.arange(640) % 160 < width_px
    plane = np.where(dark, 400 + 25 * rng.standard_normal((120, 640)), 30000 + 2000 * rng.standard_normal((120, 640)))
    rgb = np.rint(plane).astype(np.uint16)[..., None].repeat(3, -1)
    assert (noise_counts(rgb) < 28) == separated


def noise_counts(rgb):
    photometry = measure_photometry(rgb, rgb[..., 0])
    return photometry.dark_noise[0] * (photometry.white[0] - photometry.black[0])


def test_a_ramp_without_noise_is_measured_as_noise_of_a_seventh_of_its_step():
    ramp = (np.arange(320) % 160 * 40 + 1000).astype(np.uint16)
    assert noise_counts(np.tile(ramp[:, None], (100, 1, 3))) == pytest.approx(40 / 7, rel=0.1)


def test_the_table_of_a_noiseless_plane_ends_three_and_a_half_decades_below_white():
    rgb = np.repeat(np.linspace(0, 50000, 300).astype(np.uint16)[None, :, None], 200, 0).repeat(3, 2)
    rgb[:, :120] = 0
    photometry = measure_photometry(rgb, rgb[..., 0])
    assert -8.9 < photometry.log_tables[0][0] < -8.1


@pytest.mark.parametrize(
    ("share", "found"), [(0.0, False), (0.003, False), (0.0085, True), (0.2, True)], ids=lambda value: str(value)
)
def test_infrared_is_clipped_where_half_a_percent_of_the_frame_has_the_highest_count(share, found):
    rng = np.random.default_rng(4)
    infrared = rng.integers(30000, 50000, 60000)
    infrared[: round(share * infrared.size)] = 50001
    rgb, _ = flat_planes((200, 300))
    photometry = measure_photometry(rgb, rng.permutation(infrared).reshape(200, 300).astype(np.uint16))
    assert photometry.infrared_clip == (50001 if found else COUNTS)


def test_an_eight_bit_plane_piles_up_on_many_counts_and_is_not_clipped():
    rng = np.random.default_rng(5)
    infrared = (np.rint(rng.normal(180, 2, (200, 300))) * 257).astype(np.uint16)
    rgb, _ = flat_planes((200, 300))
    assert measure_photometry(rgb, infrared).infrared_clip == COUNTS


def test_gamma_only_changes_the_slope_of_the_logarithm():
    linear, encoded = (simulated(kind, "landscape", (200, 300)) for kind in ("leaky_slide", "gamma_encoded"))
    logs = [
        measure_photometry(frame.clean_rgb, frame.clean_infrared).log_tables[1][frame.clean_rgb[..., 1]]
        for frame in (linear, encoded)
    ]
    lit = logs[0] > np.log(0.02)
    slope, offset = np.polyfit(logs[1][lit], logs[0][lit], 1)
    assert slope == pytest.approx(2.2, rel=0.05)
    assert np.std(logs[0][lit] - slope * logs[1][lit] - offset) < 0.05
