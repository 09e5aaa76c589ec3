"""What the page's section of the configuration allows, and why it refuses the rest."""

from __future__ import annotations

import pytest

from filmscand.daemon.station.sections.page import Level, Page, User, page_url

TOKEN = "sha256:" + "0" * 64
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"
USERS = ({"name": "ada", "password": HASH, "role": "operator"}, {"name": "scraper", "token": TOKEN})
TLS = {"certificate": "/tls/c.pem", "key": "/tls/k.pem"}
GOOD = {"address": "192.168.1.5", "users": USERS, **TLS}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_the_page_of_this_machine_needs_nothing(address):
    page = Page(address=address)
    assert (page.address, page.needs_login) == (address, False)


def test_the_default_role_is_the_one_that_changes_nothing():
    assert User(name="v", token=TOKEN).role is Level.VIEWER


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="tls"),
        pytest.param({"address": "0.0.0.0", "hosts": ("station.lab", "10.0.0.5")}, id="every-address"),
        pytest.param({"certificate": None, "key": None, "trusted_proxy": "192.168.1.2"}, id="proxy-elsewhere"),
        pytest.param({"address": "127.0.0.1", **dict.fromkeys(TLS), "trusted_proxy": "127.0.0.1"}, id="proxy-here"),
        pytest.param({"address": "127.0.0.1", **dict.fromkeys(TLS)}, id="users-on-loopback"),
    ],
)
def test_what_is_protected_is_allowed_and_asks_for_a_login(changes):
    assert Page(**{**GOOD, **changes}).needs_login


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"certificate": None, "key": None},
            "is reached from other machines, where passwords and pictures can be read",
        ),
        ({"key": None}, "certificate and key: expected both or none"),
        ({"users": ()}, "users: the page is reached from other machines, so expected at least one user"),
        ({"users": (USERS[0], USERS[0])}, "users: expected a name of its own for each"),
        ({"users": ({"name": "ada"},)}, "expected a password, for a person, or a token, for a program"),
        ({"users": ({"name": "ada", "password": HASH, "token": TOKEN},)}, "one of them"),
        ({"users": ({"name": "ada", "password": "secret"},)}, "the line that `filmscand page password` prints"),
        ({"users": ({"name": "ada", "token": "secret"},)}, "the line that `filmscand page token` prints"),
        ({"users": ({"name": "a\nb", "token": TOKEN},)}, "String should match pattern"),
        ({"users": ({"name": "ada", "token": TOKEN, "role": "boss"},)}, "Input should be 'viewer' or 'operator'"),
        ({"address": "0.0.0.0"}, "hosts: expected the names by which browsers reach the page, found none"),
        ({"hosts": ("http://station.lab/",)}, "expected a name such as station.lab.example.org"),
        ({"trusted_proxy": "proxy.lab"}, "expected an address such as 127.0.0.1 or ::1, found 'proxy.lab'"),
        ({"address": "station.lab"}, "expected an address such as 127.0.0.1 or ::1, found 'station.lab'"),
        ({"address": ""}, "expected an address"),
        ({"port": 65536}, "less than or equal to 65535"),
        ({"port": -1}, "greater than or equal to 0"),
        ({"on": True}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_not_protected_or_cannot_be_is_refused_with_the_reason(changes, told):
    with pytest.raises(ValueError) as error:
        Page(**{**GOOD, **changes})
    assert told in str(error.value)


def test_a_page_without_any_protection_is_told_how_to_be_reached_all_the_same():
    with pytest.raises(ValueError, match=r"ssh -L 8420:127\.0\.0\.1:8420 HOST"):
        Page(address="192.168.1.5")


def test_its_own_address_is_a_known_host_and_every_address_is_none():
    assert Page(**GOOD, hosts=("Station.Lab", "[fe80::1]")).known_hosts == {"station.lab", "fe80::1", "192.168.1.5"}
    assert Page(**{**GOOD, "address": "::", "hosts": ("station.lab",)}).known_hosts == {"station.lab"}


def test_an_ipv6_address_is_shown_in_brackets():
    assert page_url("http", "::1", 8420) == "http://[::1]:8420/"
    assert page_url("https", "station.lab") == "https://station.lab/"
