"""What a person wants of a new station, and the configuration that says so: only the keys that differ."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.maintenance.first_start.ground import Ground
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.yaml_file import ConfigProblemsError, parse_yaml

# All addresses of this machine.
_EVERYWHERE: Final = "0.0.0.0"
_HERE: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class LabPage:
    """A page that other computers reach.

    Attributes
    ----------
    host : str
        Name by which browsers reach it.
    user, password : str
        Name of the first operator, and the hash of the password.
    certificate, key : Path or None
        Files for TLS; None: a proxy has it.
    proxy : str or None
        Address of that proxy.
    """

    host: str
    user: str
    password: str
    certificate: Path | None = None
    key: Path | None = None
    proxy: str | None = None

    def settings(self) -> dict[str, Any]:
        """Return the keys below `page`."""
        users = [{"name": self.user, "role": "operator", "password": self.password}]
        how = {"hosts": [self.host], "users": users}
        if self.proxy is None:
            return {"address": _EVERYWHERE, **how, "certificate": str(self.certificate), "key": str(self.key)}
        # A proxy on this machine needs no other address than the usual one.
        is_here = self.proxy in _HERE
        return {**({} if is_here else {"address": _EVERYWHERE}), **how, "trusted_proxy": self.proxy}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Where the archive shall lie, which folder is watched, and how the page is reached; None: as it is."""

    archive: Path | None = None
    watch: Path | None = None
    page: LabPage | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration that is not written yet.

    Attributes
    ----------
    station : Station
        The station as it describes it.
    text : str
        Content of the file.
    is_there : bool
        The file says the same already.
    replaces : bool
        The file exists, and says something else.
    """

    station: Station
    text: str
    is_there: bool
    replaces: bool


def draft(ground: Ground, wishes: Wishes) -> Draft:
    """Return the configuration of a station with these wishes; all other keys of an existing file stay.

    Raises
    ------
    ConfigError
        The wishes contradict each other or the existing file, or this file has mistakes.
    """
    exists = ground.config.is_file()
    given = parse_yaml(ground.config).data if exists else {}
    settings = _settings(ground, wishes, given)
    text = _header(ground) + _yaml(settings)
    is_there = exists and settings == given
    return Draft(_station(ground, settings), text, is_there, exists and not is_there)


def _settings(ground: Ground, wishes: Wishes, given: dict[str, Any]) -> dict[str, Any]:
    settings = dict(given)
    if not ground.is_found and "root" not in given:
        settings["root"] = str(ground.root)
    if wishes.archive is not None and wishes.archive != _absolute(ground, given.get("archive") or "archive"):
        _set(settings, "archive", str(wishes.archive), str(ground.root / "archive"))
    if wishes.watch is not None:
        _set_watch(ground, settings, wishes.watch)
    if wishes.page is not None:
        settings["page"] = {**(settings.get("page") or {}), **wishes.page.settings()}
    return settings


def _set(settings: dict[str, Any], key: str, value: str, default: str) -> None:
    if value == default:
        settings.pop(key, None)
    else:
        settings[key] = value


def _set_watch(ground: Ground, settings: dict[str, Any], folder: Path) -> None:
    watches = settings.get("watch") or [{}]
    places = [_absolute(ground, one.get("path") or "drop") for one in watches]
    if folder in places:
        return
    if len(watches) > 1:
        raise ConfigError(f"{ground.config}: {len(watches)} folders are watched; add {folder} to them in this file")
    settings["watch"] = [{**watches[0], "path": str(folder)}]


def _absolute(ground: Ground, value: str) -> Path:
    return ground.root / Path(value).expanduser()


def _header(ground: Ground) -> str:
    shipped = files("filmscand.config") / "station.yaml"
    return (
        f"# The station at {ground.root}, by `filmscand setup`, {date.today().isoformat()}. Only keys that differ.\n"
        f"# Every key, with its default: {shipped}\n"
        "# After a change run `filmscand config check`, then restart the service.\n"
    )


def _station(ground: Ground, settings: dict[str, Any]) -> Station:
    """Read the settings as the service will; a mistake is told without the place of the draft."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, ground.config.name)
        # The service knows its folder from systemd, and its owner from the home folder.
        file.write_text(_yaml({"root": str(ground.root), **settings}), encoding="utf-8")
        try:
            return load_station(file)
        except ConfigProblemsError as error:
            found = "; ".join(f"{problem.key}: {problem.message}" for problem in error.problems)
            raise ConfigError(f"this configuration would have mistakes: {found}") from None


def _yaml(settings: dict[str, Any]) -> str:
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True) if settings else ""
