"""The web server as a part of the service: a port in use, starting, stopping, being off."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from filmscand.daemon.station.configuration import Page, Station
from filmscand.daemon.web.entrances import listening, page_problem
from filmscand.daemon.web.server import PageServer, address_of
from support.page_site import QUICK, PageSite, no_bell, port_of, served


def wait_until(happened, limit_s=30.0):
    end_s = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.fixture
def taken():
    """A port that another program listens at."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other


def test_a_port_in_use_is_told_and_taken_once_it_is_free(connection, station, taken):
    port = taken.getsockname()[1]
    server = PageServer(station.model_copy(update={"page": Page(port=port)}), QUICK, no_bell)
    server.start()
    try:
        wait_until(lambda: server.problem)
        assert f"the page cannot be served at port {port} of 127.0.0.1: Address already in use" in server.problem
        assert "page.port" in server.problem
        taken.close()
        assert port_of(server) == port
        assert server.problem is None
        assert PageSite(station, server, port).get("/healthz").status == 200
    finally:
        assert server.stop()


def test_a_page_that_is_off_starts_nothing(station):
    server = PageServer(station.model_copy(update={"page": Page(enabled=False)}), QUICK, no_bell)
    before = threading.active_count()
    server.start()
    assert (server.address, server.problem, threading.active_count()) == (None, None, before)
    assert server.stop()


def test_a_page_that_stopped_has_left_its_port_and_all_its_threads(connection, station):
    before = set(threading.enumerate())
    with served(station) as page:
        assert page.get("/api/status").status == 200
        assert page.get("/").status == 200
        port = page.port
    wait_until(lambda: not [t for t in set(threading.enumerate()) - before if t.name.startswith("page")])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with served(station.model_copy(update={"page": Page(port=port)})) as page:
        assert page.get("/healthz").status == 200


def test_a_page_may_be_stopped_at_any_moment_of_its_start(connection, station):
    for pause_s in (0.0, 0.05, 0.3):
        server = PageServer(station, QUICK, lambda: None)
        server.start()
        time.sleep(pause_s)
        assert server.stop()


def test_only_this_machine_is_listened_to(connection, station):
    with served(station) as page:
        assert page.server.address == f"http://127.0.0.1:{page.port}/"
    with listening(Page(address="127.0.0.1", port=0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_the_other_address_of_this_machine_is_shown_as_a_browser_wants_it():
    try:
        with listening(Page(address="::1", port=0)) as listener:
            assert address_of(listener) == f"http://[::1]:{listener.getsockname()[1]}/"
    except OSError:
        pytest.skip("this machine has no ::1")


def test_an_error_that_nobody_expected_is_told_and_ends_nothing():
    assert page_problem(Page(), RuntimeError("odd")).startswith(
        "the page at port 8420 of 127.0.0.1 ended with an error"
    )


def test_the_default_is_the_documented_port_of_this_machine(tmp_path):
    assert Station(root=tmp_path).page == Page(enabled=True, address="127.0.0.1", port=8420)
