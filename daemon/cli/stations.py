"""What every command about a station does first: read the configuration, name the station, require that it exists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.screen.terminal import say_labelled
from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.desk.desk import Desk, desk_of
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.finding import StationKind, find_station
from filmscand.daemon.station.place import is_made, refused_to_look, require_station
from filmscand.daemon.station.rights import NotYourStationError, require_changeable, require_owner

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration file; default: the station's own.")
]


def open_station(
    config: Path | None, *, as_json: bool = False, may_be_new: bool = False, to_change: bool = False
) -> Station:
    """Return the station of a command; for a person, its folder is printed first.

    Parameters
    ----------
    config : Path or None
        Configuration file that was named on the command line.
    as_json : bool
        The answer is JSON: `print_answer` names the station there.
    may_be_new : bool
        Whether the command may make the station, or works without one.
    to_change : bool
        The command writes to the database or the archive.

    Raises
    ------
    StationMissingError
        There is no such station, and the command needs one; or this user may not look.
    NotYourStationError
        The command changes the station, and this user may not; see `require_meant`, too.
    """
    station, _ = _find(config, may_be_new=may_be_new)
    if to_change:
        require_meant(station, config)
        require_changeable(station)
    _name(station, as_json=as_json)
    return station


def open_desk(
    config: Path | None, *, as_json: bool = False, may_be_new: bool = False, to_change: bool = True
) -> tuple[Station, Desk]:
    """Return the station of a command, and the desk for what it wants; see `open_station`.

    A member of the group of operators changes the station through the running service, without the right to write to
    its files.
    """
    station, desk = _find(config, may_be_new=may_be_new)
    if to_change and isinstance(desk, OwnDesk):
        require_meant(station, config)
        require_changeable(station)
    _name(station, as_json=as_json)
    return station, desk


def load_seen(config: Path | None) -> Station:
    """Read the configuration of a station; a user who may not is told who may.

    Raises
    ------
    StationMissingError
        This user may not look into the station.
    ConfigError
        The configuration has mistakes.
    """
    try:
        return load_station(config)
    except PermissionError as error:
        raise refused_to_look(error, config) from error
    except ConfigError as error:
        if isinstance(error.__cause__, PermissionError):
            raise refused_to_look(error.__cause__, config) from error
        raise


def require_meant(station: Station, config: Path | None) -> None:
    """Require the user of the service where nobody named a station and the installed one was found.

    Root may write everywhere, and would leave files in it that the service cannot change.

    Raises
    ------
    NotYourStationError
        Somebody else has to run the command, or name a station.
    """
    if config is not None or find_station().kind is not StationKind.INSTALLED:
        return
    try:
        require_owner(station)
    except NotYourStationError as error:
        advice = "For a station of your own, name its folder in FILMSCAND_STATION"
        raise NotYourStationError(f"{error}. {advice}") from None


def print_answer(station: Station, answer: Any) -> None:
    """Print the answer of a command as JSON, with the folder of its station as the first key."""
    print_json({"station": str(station.root), **to_jsonable_python(answer)})


def _find(config: Path | None, *, may_be_new: bool) -> tuple[Station, Desk]:
    station = load_seen(config)
    try:
        if not may_be_new:
            require_station(station, config)
        is_made(station)
        return station, desk_of(station)
    except PermissionError as error:
        raise refused_to_look(error, config) from error


def _name(station: Station, *, as_json: bool) -> None:
    if not as_json:
        say_labelled("station", f"{station.root}{'' if is_made(station) else ' (there is none yet)'}")
