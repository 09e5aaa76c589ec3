"""The page's section of the configuration: where it listens, what protects it, and who may log in."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, model_validator

from filmscand.daemon.station.sections.section import Section, Text

_HASH: Final = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_TOKEN: Final = re.compile(r"sha256:[0-9a-f]{64}")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")


class Level(StrEnum):
    """What a visitor may do: a viewer reads, an operator changes too."""

    VIEWER = "viewer"
    OPERATOR = "operator"


def _checked_password(password: SecretStr) -> SecretStr:
    """Raise ValueError unless it is a hash; the message tells nothing of it."""
    if not _HASH.fullmatch(password.get_secret_value()):
        raise ValueError("expected the line that `filmscand page password` prints, beginning with $argon2id$")
    return password


def _checked_token(token: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("expected the line that `filmscand page token` prints, beginning with sha256:")
    return token


def _checked_host(host: str) -> str:
    name = host.strip("[]").lower()
    if not _HOST.fullmatch(name):
        raise ValueError(f"expected a name such as station.lab.example.org, or an address, found {host!r}")
    return name


def _checked_address(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise ValueError(f"expected an address such as 127.0.0.1 or ::1, found {address!r}") from None


Address = Annotated[str, AfterValidator(_checked_address)]


class User(Section):
    """Somebody who may use the page: a person with a password, or a program with a token."""

    name: Annotated[Text, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    role: Level = Level.VIEWER
    password: Annotated[SecretStr, AfterValidator(_checked_password)] | None = None
    token: Annotated[SecretStr, AfterValidator(_checked_token)] | None = None

    @model_validator(mode="after")
    def _has_one_proof(self) -> User:
        if (self.password is None) == (self.token is None):
            raise ValueError("expected a password, for a person, or a token, for a program; one of them")
        return self


class Page(Section):
    """The station's page, which the service serves to browsers and programs."""

    enabled: bool = True
    address: Address = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)
    hosts: tuple[Annotated[str, AfterValidator(_checked_host)], ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    trusted_proxy: Address | None = None
    users: tuple[User, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine itself can reach the page's address."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def needs_login(self) -> bool:
        """Whether visitors have to log in: users are named, or the page is reached from elsewhere."""
        return bool(self.users) or self.trusted_proxy is not None or not self.is_loopback

    @model_validator(mode="after")
    def _is_protected(self) -> Page:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: expected both or none")
        if not self.is_loopback and self.certificate is None and self.trusted_proxy is None:
            raise ValueError(
                f"address: {self.address} is reached from other machines, where passwords and pictures can be read on "
                "the way: name `certificate` and `key` for TLS, or the `trusted_proxy` that has them; or expected "
                f"127.0.0.1 or ::1, which other computers reach through ssh -L {self.port}:127.0.0.1:{self.port} HOST"
            )
        if self.needs_login and not self.users:
            raise ValueError("users: the page is reached from other machines, so expected at least one user")
        names = [user.name for user in self.users]
        if len(set(names)) < len(names):
            raise ValueError("users: expected a name of its own for each")
        if self.needs_login and not self.is_loopback and not self.known_hosts:
            raise ValueError("hosts: expected the names by which browsers reach the page, found none")
        return self

    @property
    def known_hosts(self) -> frozenset[str]:
        """Names and addresses by which browsers reach the page; other names are refused (DNS rebinding)."""
        own = () if ipaddress.ip_address(self.address).is_unspecified else (self.address,)
        return frozenset((*self.hosts, *own))


def page_url(scheme: str, host: str, port: int | None = None) -> str:
    """Return the address of a page as a browser takes it: an IPv6 address stands in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}/" if port is None else f"{scheme}://{shown}:{port}/"
