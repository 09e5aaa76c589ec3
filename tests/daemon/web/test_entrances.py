"""Where a station listens, and what it tells where it cannot."""

from __future__ import annotations

import pytest

from filmscand.daemon.station.sections.page import Page
from filmscand.daemon.web.doors.door import Loopback
from filmscand.daemon.web.doors.local_socket import LocalSocket
from filmscand.daemon.web.doors.network import Network
from filmscand.daemon.web.entrances import entrances_of, page_problem, socket_problem

TLS = {"certificate": "/tls/c.pem", "key": "/tls/k.pem"}
USERS = ({"name": "p", "token": "sha256:" + "0" * 64},)


@pytest.mark.parametrize(
    ("page", "door", "tls"),
    [
        (Page(), Loopback, {}),
        (Page(users=USERS), Network, {}),
        (Page(address="192.168.1.5", users=USERS, trusted_proxy="192.168.1.2"), Network, {}),
        (Page(address="192.168.1.5", users=USERS, **TLS), Network, {"ssl_certfile", "ssl_keyfile"}),
    ],
)
def test_the_door_of_the_page_follows_from_the_configuration(station, page, door, tls):
    local, network = entrances_of(station.model_copy(update={"page": page}))
    assert (type(local.door), local.is_page) == (LocalSocket, False)
    assert (type(network.door), set(network.tls)) == (door, set(tls))


def test_each_problem_names_the_place_and_what_to_do(station):
    told = page_problem(Page(address="192.168.1.5", users=USERS, **TLS), FileNotFoundError(2, "No such file"))
    assert "its certificate /tls/c.pem or key /tls/k.pem cannot be used" in told
    assert "give page.port another number" in page_problem(Page(), OSError(98, "Address already in use"))
    assert str(station.database) in socket_problem(station, PermissionError(13, "Permission denied"))
