"""Files of scanning programs: the drivers read the same frame from each."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.daemon.demo.scan_files import write_pair, write_silverfast, write_vuescan
from filmscand.drivers.files.reader import read_capture
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(smooth_sky(60, 90, 3), KINDS["leaky_slide"], seed=11)


@pytest.mark.parametrize("write", [write_vuescan, write_silverfast, write_pair])
def test_a_frame_is_read_back_from_its_files(write, frame, tmp_path):
    capture = read_capture(*write(tmp_path, "scan", frame))
    assert np.array_equal(capture.rgb, frame.rgb)
    assert np.array_equal(capture.infrared, frame.infrared)
    assert capture.info.resolution_dpi == pytest.approx(frame.recipe.scanner.resolution_dpi)


@pytest.mark.parametrize(("kind", "negative"), [("negative", True), ("leaky_slide", None)])
def test_silverfast_says_whether_its_film_is_a_negative(tmp_path, kind, negative):
    frame = simulate_frame(smooth_sky(60, 90, 3), KINDS[kind], seed=11)
    info = read_capture(*write_silverfast(tmp_path, "scan", frame)).info
    assert (info.negative, info.linear) == (negative, True)
