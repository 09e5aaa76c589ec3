"""The bench of the leakage: dirt misleads an ordinary fit, and not ours."""

from __future__ import annotations

import pytest

from bench.leakage import TRUE_SLOPES, leakage_table


def test_on_dirty_film_the_ordinary_fit_is_further_off_than_ours():
    rows = leakage_table(240, 360).rows
    assert [row[0] for row in rows] == [slope for slope in TRUE_SLOPES for _ in range(2)]
    for true, film, ordinary, ours in rows:
        assert ours == pytest.approx(true, abs=0.05)
        assert film == "clean" or abs(ordinary - true) > abs(ours - true)
