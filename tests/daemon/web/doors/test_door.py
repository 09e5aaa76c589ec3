"""Which Host headers name this machine, and what is a name at all."""

from __future__ import annotations

import pytest

from filmscand.daemon.web.doors.door import is_this_machine, name_in


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Station.Lab:8420", "station.lab"),
        ("192.168.1.5", "192.168.1.5"),
        ("[fe80::1]:80", "fe80::1"),
        ("", None),
        ("a@b", None),
        ("a/b", None),
        ("a:port", None),
        ("[::1", None),
    ],
)
def test_the_name_in_a_host_header(header, name):
    assert name_in(header) == name


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8420", "127.0.0.1", "127.0.0.1:8420", "127.8.8.8:1", "[::1]", "[::1]:8420", "LOCALHOST:1"],
)
def test_names_of_this_machine_pass_at_any_port(host):
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8420",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil@127.0.0.1",
        "127.0.0.1@evil.example",
        "192.168.1.5:8420",
        "0.0.0.0",
        "[::]",
        "127.0.0.1:port",
        "127.0.0.1/x",
        "127.0.0.1#",
        "2130706433",
        "[::1",
        "localhost:99999",
    ],
)
def test_every_other_name_is_refused(host):
    assert not is_this_machine(host)
