"""What follows of the cost of a frame and of the rates."""

from __future__ import annotations

import pytest

from bench.scale.frame_cost import FrameCost
from bench.scale.model import Rates, cost_table, rates_table, saturation_table, size_table
from bench.scale.rows import DatabaseCost
from filmscand.daemon.core.request import Role, StoredFile
from support.queue_rows import RESULT

ORIGINAL = StoredFile(role=Role.RAW, name="a.tif", size_bytes=1, sha256="0" * 64, sha512="0" * 128)
COST = FrameCost(10.0, 200_000_000, 100_000_000, 8000, 4000, 3, 3, ORIGINAL, RESULT)
DATABASE = DatabaseCost(3.0, 5000.0)
RATES = Rates(plan=10_000.0, again=5000.0, queue={1: 200.0, 4: 500.0}, scheduler=1000.0, command=100.0)


def test_a_million_frames_need_a_million_times_as_much():
    rows = {row[0]: row[1:] for row in size_table(COST, DATABASE, RATES).rows}
    assert rows["archive, one revision, TB"] == pytest.approx((300.0, 300_000.0))
    assert rows["database, GB"] == pytest.approx((5.0, 5000.0))
    assert rows["cleaning all on one core, days"][0] == pytest.approx(1e7 / 86400)
    assert rows["all through the station's queue, hours"][0] == pytest.approx(1e6 / 500 / 3600)


def test_what_keeps_the_fewest_cores_busy_saturates_first():
    rows = saturation_table(COST, RATES).rows
    assert [row[0] for row in rows] == [
        "a share of 10 Gbit/s",
        "the command of `--scheduler`",
        "the station's queue",
        "Dask's scheduler",
    ]
    assert rows[1][1:] == pytest.approx((100.0, 1000.0, 1e6 / 100 / 3600))


def test_costs_and_rates_are_shown_as_they_were_measured():
    assert cost_table(COST, DATABASE).column("first revision")[1] == pytest.approx(300.0)
    names = rates_table("empty frames", RATES).column("empty frames")
    assert names[2:4] == ("taken and finished, 1 worker process", "taken and finished, 4 worker processes")
