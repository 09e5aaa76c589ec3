"""Who has logged in, for how long, and how fast somebody may guess passwords. It is forgotten when the service ends."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.station.sections.page import User
from filmscand.daemon.web.access import Visitor
from filmscand.daemon.web.doors.passwords import hash_password, is_password, is_token

# A working day; the next morning one logs in again.
LOGIN_S: Final = 12 * 3600.0
# So many wrong passwords of one place are a person who mistypes; from then on each doubles the pause.
_FREE_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 900.0
# A place that has been quiet for so long starts anew.
_FORGET_S: Final = 3600.0
# A lab has a few computers; who comes from everywhere at once is not remembered one by one.
_PLACES_KEPT: Final = 1000
_LOGINS_KEPT: Final = 1000
# Passwords that wait to be compared; each takes a tenth of a second.
_WAITING_AT_MOST: Final = 4


class TooManyTriesError(Exception):
    """Somebody has to wait before the next try.

    Parameters
    ----------
    wait_s : float
        Seconds until the next try.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many tries: try again in {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Login:
    visitor: Visitor
    ends_s: float


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_s: float

    @property
    def next_try_s(self) -> float:
        """When the next try is allowed, seconds of the clock."""
        over = self.count - _FREE_TRIES
        return self.last_s if over < 0 else self.last_s + min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(over, 20))


class Logins:
    """The users of a page, and those who have logged in; safe to use from any thread.

    Parameters
    ----------
    users : iterable of User
        Users of the configuration.
    clock_s : callable
        Returns seconds of a clock that nobody sets.
    """

    def __init__(self, users: Iterable[User], clock_s: Callable[[], float] = time.monotonic) -> None:
        self._users = {user.name: user for user in users}
        self._clock_s = clock_s
        self._lock = threading.Lock()
        # Each takes 64 MiB of memory: one at a time.
        self._comparing = threading.Lock()
        # The others wait for it in threads that pages need, too.
        self._waiting = threading.BoundedSemaphore(_WAITING_AT_MOST)
        self._logins: dict[str, _Login] = {}
        self._failures: dict[str, _Failures] = {}
        # A name that nobody has takes as long as a wrong password.
        self._nobody = hash_password(secrets.token_urlsafe())

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """Return a new key for the cookie of a user, None if name or password are wrong.

        Raises
        ------
        TooManyTriesError
            This address has tried too often.
        """
        place = place_of(address)
        self._count_try(place)
        user = self._users.get(name)
        known = None if user is None or user.password is None else user.password.get_secret_value()
        if not self._waiting.acquire(blocking=False):
            raise TooManyTriesError(_FIRST_PAUSE_S)
        try:
            with self._comparing:
                right = is_password(known or self._nobody, password) and known is not None
        finally:
            self._waiting.release()
        if not right:
            return None
        assert user is not None
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._failures.pop(place, None)
            self._logins[_digest(key)] = _Login(Visitor(user.role, user.name), self._clock_s() + LOGIN_S)
            while len(self._logins) > _LOGINS_KEPT:
                self._logins.pop(next(iter(self._logins)))
        return key

    def log_out(self, key: str) -> None:
        """Forget a login."""
        with self._lock:
            self._logins.pop(_digest(key), None)

    def by_cookie(self, key: str) -> Visitor | None:
        """Return who logged in with this key, None if nobody did, or if it is too long ago."""
        with self._lock:
            found = self._logins.get(_digest(key))
            if found is not None and found.ends_s < self._clock_s():
                del self._logins[_digest(key)]
                found = None
        return None if found is None else found.visitor

    def by_token(self, token: str) -> Visitor | None:
        """Return the program that has this token, None if none has."""
        for user in self._users.values():
            if user.token is not None and is_token(user.token.get_secret_value(), token):
                return Visitor(user.role, user.name)
        return None

    def _count_try(self, place: str) -> None:
        """Count a try as a failure before its password is compared: many at once would all be the first."""
        now_s = self._clock_s()
        with self._lock:
            before = self._failures.get(place)
            if before is not None and now_s - before.last_s > _FORGET_S:
                before = None
            if before is not None and before.next_try_s > now_s:
                raise TooManyTriesError(before.next_try_s - now_s)
            self._failures.pop(place, None)
            self._failures[place] = _Failures(1 if before is None else before.count + 1, now_s)
            while len(self._failures) > _PLACES_KEPT:
                self._failures.pop(next(iter(self._failures)))


def place_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the network of an IPv6 address, which one machine owns."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _digest(key: str) -> str:
    # The table holds no key that could be used, and a look-up tells nothing by its time.
    return hashlib.sha256(key.encode()).hexdigest()
