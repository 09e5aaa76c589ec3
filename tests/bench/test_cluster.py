"""The tables of the bench of the cluster."""

from __future__ import annotations

import pytest

from bench.cluster import tables_of


@pytest.mark.parametrize(("two_s", "met"), [(50.0, "yes"), (80.0, "no")])
def test_two_workers_are_compared_with_one(two_s, met):
    measured, targets = tables_of("60 frames", 60, {"1": 100.0, "2": two_s, "2, one killed half way": 75.0})
    assert measured.column("frames a second") == pytest.approx((0.6, 60 / two_s, 0.8))
    assert targets.rows == (("two workers against one", f"{100 / two_s:.2f}", "1.7 times", met),)
