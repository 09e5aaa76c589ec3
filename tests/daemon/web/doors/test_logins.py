"""Logins: the right password, for a working day; guessing gets slower and slower, for the place that guesses only."""

from __future__ import annotations

import threading

import pytest

from filmscand.daemon.station.sections.page import Level, User
from filmscand.daemon.web.access import Visitor
from filmscand.daemon.web.doors import logins as logins_module
from filmscand.daemon.web.doors.logins import LOGIN_S, Logins, TooManyTriesError, place_of
from filmscand.daemon.web.doors.passwords import hash_password, make_token
from support.scanner_station import wait_until

HERE, THERE = "192.168.1.7", "192.168.1.8"


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="module")
def users():
    return (
        User(name="ada", password=hash_password("correct horse"), role=Level.OPERATOR),
        User(name="scraper", token=make_token()[1]),
    )


@pytest.fixture
def logins(users, clock):
    return Logins(users, clock)


def test_a_login_lasts_a_working_day_and_ends_when_one_logs_out(logins, clock):
    key, other = (logins.log_in("ada", "correct horse", HERE) for _ in range(2))
    assert key != other
    clock.now_s += LOGIN_S - 1
    assert logins.by_cookie(key) == Visitor(Level.OPERATOR, "ada")
    logins.log_out(other)
    assert logins.by_cookie(other) is None
    clock.now_s += 2
    assert logins.by_cookie(key) is None


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong horse"), ("bob", "correct horse"), ("scraper", "correct horse"), ("", "")]
)
def test_a_wrong_name_and_a_wrong_password_are_the_same(logins, name, password):
    assert logins.log_in(name, password, HERE) is None
    assert logins.by_cookie("") is None


def guesses(logins, address, clock, seconds):
    """Return how many passwords can be guessed in so many seconds."""
    end_s, count = clock.now_s + seconds, 0
    while clock.now_s < end_s:
        try:
            logins.log_in("ada", "wrong horse", address)
            count += 1
        except TooManyTriesError as error:
            clock.now_s += error.wait_s
    return count


def test_guessing_becomes_so_slow_that_it_is_useless(logins, clock):
    assert guesses(logins, HERE, clock, 3600.0) < 20


def test_who_guesses_locks_nobody_else_out_and_not_even_the_right_password_is_compared_meanwhile(logins, clock):
    for _ in range(5):
        logins.log_in("ada", "wrong horse", HERE)
    with pytest.raises(TooManyTriesError, match="try again in 2 s"):
        logins.log_in("ada", "correct horse", HERE)
    assert logins.log_in("ada", "correct horse", THERE) is not None
    clock.now_s += 2.1
    assert logins.log_in("ada", "correct horse", HERE) is not None
    assert logins.log_in("ada", "wrong horse", HERE) is None


def test_the_addresses_of_one_ipv6_network_are_one_place():
    assert place_of("2001:db8::1") == place_of("2001:db8::ffff") != place_of("2001:db8:1::1")
    assert place_of("192.168.1.7") == "192.168.1.7"
    assert place_of("?") == "?"


def test_many_logins_at_once_hold_up_only_each_other_and_few_threads(logins, monkeypatch):
    go_on, answers = threading.Event(), []

    def compare(*_):
        go_on.wait(20)
        return False

    def log_in(number):
        try:
            answers.append(logins.log_in("ada", "wrong horse", f"10.0.0.{number}"))
        except TooManyTriesError as error:
            answers.append(error.wait_s)

    monkeypatch.setattr(logins_module, "is_password", compare)
    threads = [threading.Thread(target=log_in, args=(number,)) for number in range(7)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(answers) == 3)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert sorted(answers, key=str) == [2.0] * 3 + [None] * 4
