"""Which desk a command uses: the running service's if its socket answers, else one's own."""

from __future__ import annotations

from filmscand.daemon.maintenance.desk.at_service import ServiceDesk
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.desk.desk import desk_of
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_socket import listening_locally


def test_the_service_is_asked_while_it_listens_and_only_then(tmp_path):
    station = Station(root=tmp_path)
    assert isinstance(desk_of(station), OwnDesk)
    with listening_locally(station):
        assert isinstance(desk_of(station), ServiceDesk)
    assert isinstance(desk_of(station), OwnDesk)
