"""Where the station is, who said so, and whether there is one.

A station that was forgotten to be named, or was named wrongly, must not look like a station that has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.disk import nearest_existing
from filmscand.daemon.station.finding import INSTALLED_CONFIG, INSTALLED_ROOT, find_config, find_station


class StationMissingError(DaemonError):
    """There is no station where the command looks; the message says who named the place and what to do."""


def require_station(station: Station, config: Path | None = None) -> None:
    """Require that the station was made: its database or its archive exists.

    Parameters
    ----------
    station : Station
        The station that a command is about to use.
    config : Path or None
        Configuration file that was named on the command line.

    Raises
    ------
    StationMissingError
        Neither is there.
    PermissionError
        This user may not look.
    """
    if not is_made(station):
        raise StationMissingError(" ".join(_missing(station, config)))


def refused_to_look(error: PermissionError, config: Path | None = None) -> StationMissingError:
    """Return the error for a user who may not read the configuration or the folder of the station."""
    return StationMissingError(
        f"{error.filename}: this user may not look into the station that is named {_by(config)} "
        f"({error.strerror}). Use the user of the service, or join its group."
    )


def is_made(station: Station) -> bool:
    """Return whether there is a station: `filmscand run` makes its database and its archive when it starts.

    Raises
    ------
    PermissionError
        This user may not look.
    """
    return any(_exists(place) for place in (station.database, station.archive))


def named_by(config: Path | None = None) -> str:
    """Return who named the folder of the station, for a message."""
    return _by(config or find_config())


def _by(config: Path | None) -> str:
    if config is not None:
        return f"by {config}"
    return find_station().named_by


def _missing(station: Station, config: Path | None) -> Iterator[str]:
    yield f"no station at {station.root} (named {named_by(config)}):"
    if nearest_existing(station.root) == station.root:
        yield f"expected {station.database} or {station.archive}, found neither."
    else:
        yield "this folder does not exist."
    yield "Set FILMSCAND_STATION to the station's folder, or name its configuration with --config."
    if station.root != INSTALLED_ROOT and INSTALLED_ROOT.is_dir():
        named = f"--config {INSTALLED_CONFIG}" if INSTALLED_CONFIG.is_file() else f"FILMSCAND_STATION={INSTALLED_ROOT}"
        yield f"The service of this machine has its station at {INSTALLED_ROOT} ({named})."
    yield "To make a new station there, run `filmscand setup`, or start it: `filmscand run`."


def _exists(place: Path) -> bool:
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        raise
    except OSError:
        # A disk that does not answer is there; the command says itself what is wrong with it.
        return True
    return True
