"""What `filmscand doctor` says about machines whose scanners are used over the network."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import pytest

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.scanner_hosts import examine_hosts
from filmscand.drivers.virtual import wire


@contextmanager
def saned(*answer):
    """A server on 127.0.0.1 that answers the first call with these words, or hangs up; yields its port."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            # INIT, the version, and the name of the user.
            connection.recv(1024)
            connection.sendall(wire.words(*answer))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def check_of(port):
    (check,) = examine_hosts(["127.0.0.1"], port)
    return check


def test_a_machine_that_answers_is_well():
    with saned(wire.Status.GOOD, wire.PROTOCOL_VERSION) as port:
        assert check_of(port).verdict is Verdict.OK


@pytest.mark.parametrize("answer", [(), (wire.Status.ACCESS_DENIED, wire.PROTOCOL_VERSION)], ids=["hangs-up", "denies"])
def test_a_machine_that_does_not_know_this_one_is_a_warning_with_the_name_of_its_list(answer):
    with saned(*answer) as port:
        check = check_of(port)
    assert (check.name, check.verdict) == ("scanner host 127.0.0.1", Verdict.WARNING)
    assert check.found == "saned refuses this machine"
    assert "/etc/sane.d/saned.conf" in check.advice


def test_a_machine_without_saned_is_a_warning_with_the_way_to_start_it():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    check = check_of(port)
    assert (check.verdict, f"no saned answers at port {port}" in check.found) == (Verdict.WARNING, True)
    assert "saned.socket" in check.advice


def test_a_name_that_nobody_knows_is_a_warning():
    (check,) = examine_hosts(["no-such-host.invalid"])
    assert check.verdict is Verdict.WARNING
