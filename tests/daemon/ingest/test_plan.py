"""The settings of the ingest threads, from the configuration of the station."""

from __future__ import annotations

from filmscand.daemon.core.timing import Timing
from filmscand.daemon.ingest.plan import plan_ingest
from filmscand.daemon.station.configuration import load_station
from support.live_station import write_config


def test_each_watch_folder_has_a_plan_with_its_own_film(tmp_path):
    station = load_station(write_config(tmp_path / "station", {"film": "negative", "fourth_sample_infrared": True}))
    (plan,) = plan_ingest(station, Timing())
    assert plan.watch == station.watch[0]
    assert (plan.archive, plan.database) == (station.archive, station.database)
    assert (plan.request.film, plan.request.fourth_sample_is_infrared) == ("negative", True)
