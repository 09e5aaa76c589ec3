"""What a worker of a cluster answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.bulk.recleaning.cluster.task import Order, clean, introduce
from filmscand.daemon.core.errors import Fault
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.maintenance.identity import connect_station, identity_problem
from filmscand.daemon.station.configuration import Cleaning
from filmscand.daemon.station.marker import Identity
from filmscand.ir import engine_identity
from support.live_station import LiveStation, write_blank

pytestmark = pytest.mark.usefixtures("compiled_engine")
FRAME = FrameId("c", "b", "r", 1)


@pytest.fixture(scope="module")
def order(tmp_path_factory):
    live = LiveStation(tmp_path_factory.mktemp("station"))
    connection = connect_station(live.station)
    identity = identity_of(connection)
    connection.close()
    assert identity_problem(live.station) is None
    scan = write_blank(live.root / "a.tif", 1)
    Archive(live.station.archive, identity).copy_original(FRAME, scan, Role.RAW)
    engine = engine_identity().label
    return Order(live.station.archive, identity, engine, FRAME, CleanRequest(), Cleaning())


def test_a_worker_tells_its_engine_and_whether_it_finds_the_archive(order):
    found = introduce(order.archive, order.identity)
    assert (found.engine, found.problem) == (order.engine, None)
    foreign = introduce(order.archive, Identity.new())
    assert str(order.archive) in foreign.problem


def test_a_frame_is_cleaned_once_however_often_it_is_ordered(order):
    first, second = clean(order), clean(order)
    assert (first.result.revision, first.result.created, first.error) == (1, True, None)
    assert (second.result.revision, second.result.created) == (1, False)


def test_an_error_is_answered_with_whose_fault_it_is(order):
    broken, scan = FrameId("c", "b", "r", 2), order.archive.with_name("broken.tif")
    scan.write_text("no scan")
    Archive(order.archive, order.identity).copy_original(broken, scan, Role.RAW)
    answer = clean(replace(order, frame=broken))
    assert (answer.result, answer.fault, "r_0002_raw.tif" in answer.error) == (None, Fault.FRAME, True)
    assert clean(replace(order, archive=order.archive / "away")).fault is Fault.WORLD
    replaced = clean(replace(order, engine="0.0 another"))
    assert (replaced.fault, "expected engine 0.0 another" in replaced.error) == (Fault.CONFIGURATION, True)
