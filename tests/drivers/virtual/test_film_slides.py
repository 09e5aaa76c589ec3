"""A magazine is filled with simulated slides or with film files."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from filmscand.drivers.virtual.film_slides import SIX_KINDS, file_magazine, film_magazine
from support.scanner_station import make_slide


def test_a_magazine_of_simulated_film_is_the_same_slide_for_both_ways_but_for_where_infrared_lies():
    shape = (80, 120)
    same_pass = film_magazine("coolscan3", SIX_KINDS, shape)
    second_pass = film_magazine("genesys", SIX_KINDS, shape)
    assert len(same_pass) == len(second_pass) == 6
    one, two = same_pass.slide(1), second_pass.slide(1)
    assert np.array_equal(one.rgb, two.rgb)
    assert not np.array_equal(one.infrared, two.infrared)


def test_a_magazine_takes_film_files_with_their_infrared_beside_them(tmp_path):
    slide = make_slide(5)
    tifffile.imwrite(tmp_path / "a.tif", slide.rgb, photometric="rgb")
    tifffile.imwrite(tmp_path / "a_ir.tif", slide.infrared)
    loaded = file_magazine([tmp_path / "a.tif"]).slide(1)
    assert np.array_equal(loaded.rgb, slide.rgb)
    assert np.array_equal(loaded.infrared, slide.infrared)


def test_a_film_file_without_infrared_is_no_slide(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", make_slide(5).rgb, photometric="rgb")
    with pytest.raises(ValueError, match=r"a\.tif.*infrared"):
        file_magazine([tmp_path / "a.tif"])


def test_unknown_kinds_and_models_are_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"expected some of clear_slide, .* found velvet"):
        film_magazine("coolscan3", ["mounted", "velvet"], (10, 10))
    with pytest.raises(ValueError, match="found none"):
        film_magazine("coolscan3", [], (10, 10))
    with pytest.raises(ValueError, match=r"expected one of coolscan2, .* found 'epson2'"):
        film_magazine("epson2", SIX_KINDS, (10, 10))
    with pytest.raises(ValueError, match="at least one slide"):
        file_magazine([])


def test_a_magazine_repeats_its_kinds_with_other_seeds():
    magazine = film_magazine("coolscan3", ["spotless"], (40, 60), slides=2, seed=3)
    assert len(magazine) == 2
    assert not np.array_equal(magazine.slide(1).rgb, magazine.slide(2).rgb)
    assert np.array_equal(
        magazine.slide(2).rgb, film_magazine("coolscan3", ["spotless"], (40, 60), slides=2, seed=3).slide(2).rgb
    )
