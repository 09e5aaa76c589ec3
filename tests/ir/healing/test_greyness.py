from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.healing.attenuation import DefectColours
from filmscand.ir.healing.greyness import grey_evidence


def evidence(colours, doubt=0.0, density=0.5):
    """Log odds of a spot whose three colours' densities differ by a part of their mean, known to a part of it."""
    pixels = 24 if doubt else 2000
    # Six pixels of a fill are wrong together; an error of a hundredth and more is always expected.
    error = max(pixels * (density * doubt) ** 2 / 6 - 0.02, 0.0)
    fill = np.full((pixels, 3), 0.6, np.float32)
    taken = density * (1 + colours * np.array([-0.5, 0.0, 0.5]))
    raw = (fill * np.exp(-taken / 2.2)).astype(np.float32)
    rough = np.full_like(fill, error / 2.2**2 * 0.6**2)
    depths, owners = np.zeros(pixels, np.int64), np.zeros(pixels, np.int64)
    detail, parents = np.zeros((1, 4), np.float32), np.zeros(1, np.int64)
    defect_colours = DefectColours(raw, fill, rough, np.zeros_like(fill), detail, depths, owners, parents)
    return float(grey_evidence(defect_colours, np.full(pixels, density, np.float32))[0])


def test_a_spot_that_takes_about_as_much_of_each_colour_may_be_dust():
    assert evidence(0.0) == evidence(0.22) == 0


@pytest.mark.parametrize(("colours", "odds"), [(0.45, -1.5), (2.0, -4.0)])
def test_the_more_colour_a_spot_has_the_less_likely_it_is_dust_but_never_surely_not(colours, odds):
    assert evidence(colours) == pytest.approx(odds, abs=0.12)


@pytest.mark.parametrize(("colours", "dust"), [(0.45, True), (1.0, False)])
def test_a_colour_that_the_fills_error_explains_does_not_count(colours, dust):
    assert (evidence(colours, doubt=0.5) == 0) == dust
    assert dust or evidence(colours, doubt=0.5) < -1


def test_over_an_inverted_negative_bright_dust_may_have_any_colour():
    assert evidence(1.0, density=-0.5) == 0
