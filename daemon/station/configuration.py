"""The station's configuration: what may stand in it, and the defaults."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import checked_slug, slug
from filmscand.daemon.station.yaml_file import ConfigProblemsError, KeyPath, dotted, parse_yaml, raise_problems

LOCAL_SETTLE_S: Final = 5.0
NETWORK_SETTLE_S: Final = 30.0

Slug = Annotated[str, AfterValidator(checked_slug)]
CheckModel = Callable[[str, Path], str | None]


class WatchMode(StrEnum):
    """How changes of a watch folder are noticed; auto polls on network mounts and takes events elsewhere."""

    AUTO = "auto"
    EVENTS = "events"
    POLL = "poll"


class PairRule(StrEnum):
    """Whether a picture without infrared waits for a second file that holds it."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class SourcePolicy(StrEnum):
    """What becomes of a source file once the archive holds it."""

    LEAVE = "leave"
    MOVE = "move"
    DELETE = "delete"


class DetectorUse(StrEnum):
    """Whether the detector looks at frames that infrared cannot clean, or cannot clean alone."""

    AUTO = "auto"
    OFF = "off"


class LogLevel(StrEnum):
    """Least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Watch(_Section):
    """One watched folder, and what becomes of the files in it."""

    path: Path = Path("drop")
    collection: Slug = "unsorted"
    box: Slug = "unsorted"
    roll: str = Field(default="{folder}", min_length=1)
    film: FilmKind = FilmKind.UNKNOWN
    pair: PairRule = PairRule.OPTIONAL
    pair_timeout_s: float = Field(default=180.0, ge=0)
    settle_s: float | None = Field(default=None, gt=0)
    mode: WatchMode = WatchMode.AUTO
    source_policy: SourcePolicy = SourcePolicy.MOVE
    fourth_sample_infrared: bool | None = None

    @model_validator(mode="after")
    def _roll_names_only_known_parts(self) -> Watch:
        try:
            self.roll.format(folder="", date="")
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"roll: expected text with {{folder}} or {{date}} in it, found {self.roll!r}") from None
        return self

    def roll_of(self, file: Path, day: date) -> str:
        """Return the roll that a file in this folder belongs to.

        Parameters
        ----------
        file : Path
            Path of the file, relative to the watch folder.
        day : date
            Stands for `{date}`, and for `{folder}` where the file lies directly in the watch folder.
        """
        folder = "-".join(file.parent.parts) or day.isoformat()
        return slug(self.roll.format(folder=folder, date=day.isoformat()))

    def quiet_time_s(self, *, network: bool) -> float:
        """Return how long a file has to stay unchanged before it is taken, seconds."""
        return self.settle_s or (NETWORK_SETTLE_S if network else LOCAL_SETTLE_S)


class Workers(_Section):
    """The processes that clean."""

    count: int = Field(default=1, ge=1, le=64)
    memory_limit_mib: int = Field(default=1536, ge=256)


class Scanners(_Section):
    """Where scanners are looked for, beside this machine's own."""

    hosts: tuple[str, ...] = ()


class Cleaning(_Section):
    """What cleaning is asked for."""

    sensitivity: float = Field(default=0.5, ge=0, le=1)
    detector: DetectorUse = DetectorUse.AUTO
    detector_model: Path | None = None
    inpainting_model: Path | None = None

    def models(self) -> dict[str, Path]:
        """Return the model files that are named, by their keys."""
        named = {"detector_model": self.detector_model, "inpainting_model": self.inpainting_model}
        return {key: path for key, path in named.items() if path is not None}


class Logging(_Section):
    """What is logged."""

    level: LogLevel = LogLevel.INFO


class Station(_Section):
    """Everything that a station may be told; relative paths are taken from `root`."""

    root: Path = Field(default_factory=lambda: default_root())
    archive: Path = Path("archive")
    database: Path = Path("station.db")
    watch: tuple[Watch, ...] = (Watch(),)
    workers: Workers = Workers()
    scanners: Scanners = Scanners()
    cleaning: Cleaning = Cleaning()
    logging: Logging = Logging()

    @model_validator(mode="before")
    @classmethod
    def _resolve_paths(cls, data: Any) -> Any:
        return _with_absolute_paths(data) if isinstance(data, dict) else data


def default_root() -> Path:
    """Return the folder that holds everything when nothing is configured."""
    for variable in ("FILMSCAND_STATION", "STATE_DIRECTORY"):
        if value := os.environ.get(variable):
            return Path(value.split(":")[0]).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data, "filmscand").expanduser().absolute()


def find_config() -> Path | None:
    """Return the configuration file that is used when none is named: systemd's folder, then the station's."""
    folders = [os.environ.get("CONFIGURATION_DIRECTORY"), str(default_root())]
    files = (Path(folder.split(":")[0], "station.yaml") for folder in folders if folder)
    return next((file for file in files if file.is_file()), None)


def load_station(path: Path | None = None, *, check_model: CheckModel | None = None) -> Station:
    """Return the station as configured, with every path absolute.

    Parameters
    ----------
    path : Path or None
        Configuration file; None takes `find_config`'s, and the defaults where there is none.
    check_model : callable, optional
        Tells why a model file cannot be used for a key, or None: `cleaning.engine_options.model_problem`, which loads
        the engine and takes seconds. Without it a model file only has to be there.

    Raises
    ------
    ConfigError
        The file cannot be read or has mistakes; its text names file, line and key of each.
    """
    file = path or find_config()
    if file is None:
        return Station()
    document = parse_yaml(file)
    with raise_problems(file, document):
        station = Station.model_validate(document.data)
    found = [*_overlaps(station), *_model_problems(station, check_model)]
    if problems := [document.problem(file, key, message) for key, message in found]:
        raise ConfigProblemsError(problems)
    return station


def _model_problems(station: Station, check_model: CheckModel | None) -> Iterator[tuple[KeyPath, str]]:
    for key, path in station.cleaning.models().items():
        if not path.is_file():
            yield ("cleaning", key), f"expected a model file, found none at {path}"
        elif check_model is not None and (problem := check_model(key, path)):
            yield ("cleaning", key), problem


def _overlaps(station: Station) -> Iterator[tuple[KeyPath, str]]:
    """A watch folder inside the archive, or the other way round, would take in what the service itself wrote."""
    places: list[tuple[KeyPath, Path]] = [(("archive",), station.archive), (("database",), station.database)]
    for index, watch in enumerate(station.watch):
        for key, place in places:
            if watch.path.is_relative_to(place) or place.is_relative_to(watch.path):
                yield (
                    ("watch", index, "path"),
                    f"expected a folder apart from {dotted(key)} ({place}), found {watch.path}",
                )
        places.append((("watch", index, "path"), watch.path))


def _with_absolute_paths(data: dict[str, Any]) -> dict[str, Any]:
    root = data.get("root")
    base = Path(root).expanduser().absolute() if isinstance(root, str | Path) else default_root()
    resolved = {**data, "root": base if root is None or isinstance(root, str) else root}
    for key in ("archive", "database"):
        resolved[key] = _absolute(base, data.get(key, Station.model_fields[key].default))
    if isinstance(cleaning := data.get("cleaning"), dict):
        paths = {key: _absolute(base, value) for key, value in cleaning.items() if key.endswith("_model")}
        resolved["cleaning"] = {**cleaning, **paths}
    watches = data.get("watch", ({},))
    if isinstance(watches, list | tuple):
        resolved["watch"] = [_watch_at(base, watch) for watch in watches]
    return resolved


def _watch_at(base: Path, watch: Any) -> Any:
    if isinstance(watch, Watch):
        return watch.model_copy(update={"path": _absolute(base, watch.path)})
    if not isinstance(watch, dict):
        return watch
    return {**watch, "path": _absolute(base, watch.get("path", Watch.model_fields["path"].default))}


def _absolute(base: Path, value: Any) -> Any:
    if not isinstance(value, str | Path) or not str(value):
        return value
    return Path(os.path.normpath(base / Path(value).expanduser()))
