from __future__ import annotations

import numpy as np

from ir.evidence import depth_evidence


def test_deep_regions_are_defects_shallow_ones_doubtful_and_wide_shallow_ones_none():
    strength = np.array([0.9, 3.0, 3.0, 1.4, 1.4])
    areas = np.array([40.0, 40.0, 4000.0, 40.0, 40000.0])
    shallow, deep, deep_wide, doubtful, wide = depth_evidence(strength, areas)
    assert shallow < -1 < 0 < deep_wide < deep
    assert deep > 4
    assert wide < doubtful - 1.5
    by_area = depth_evidence(np.full(5, 2.0), np.array([5.0, 9.0, 30.0, 400.0, 1500.0]))
    assert by_area[0] < by_area[1] - 2 < by_area[2] - 3
    assert by_area[2] == by_area[3] > by_area[4]
