"""Files of scanning programs: the drivers read the same frame from each."""

from __future__ import annotations

import numpy as np
import pytest

from bench.frames.scan_files import write_pair, write_silverfast, write_vuescan
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
