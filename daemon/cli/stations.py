"""What every command about a station does first: read the configuration, name the station, require that it exists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.screen.terminal import say_labelled
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.place import is_made, refused_to_look, require_station
from filmscand.daemon.station.rights import require_changeable

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
        The command changes the station, and this user may not.
    """
    try:
        station = load_station(config)
        if not may_be_new:
            require_station(station, config)
        new = not is_made(station)
    except PermissionError as error:
        raise refused_to_look(error, config) from error
    if to_change:
        require_changeable(station)
    if not as_json:
        say_labelled("station", f"{station.root}{' (there is none yet)' if new else ''}")
    return station


def print_answer(station: Station, answer: Any) -> None:
    """Print the answer of a command as JSON, with the folder of its station as the first key."""
    print_json({"station": str(station.root), **to_jsonable_python(answer)})
