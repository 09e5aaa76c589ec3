"""The station's configuration: its keys, their limits and their defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    field_serializer,
    model_validator,
)

from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import checked_slug
from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.core.visible import without_addresses
from filmscand.daemon.station.finding import find_config, find_station
from filmscand.daemon.station.sections.bag import Bag
from filmscand.daemon.station.sections.cleaning import Cleaning as Cleaning
from filmscand.daemon.station.sections.cleaning import DetectorUse as DetectorUse
from filmscand.daemon.station.sections.cleaning import healer_problem
from filmscand.daemon.station.sections.page import Page
from filmscand.daemon.station.sections.replicas import Replica, replica_problems
from filmscand.daemon.station.sections.scanners import Scanners as Scanners
from filmscand.daemon.station.sections.scanners import program_problems
from filmscand.daemon.station.sections.section import Section, Text
from filmscand.daemon.station.yaml_file import ConfigProblemsError, KeyPath, dotted, parse_yaml, raise_problems

LOCAL_SETTLE_S: Final = 5.0
NETWORK_SETTLE_S: Final = 30.0

Slug = Annotated[Text, AfterValidator(checked_slug)]
CheckModel = Callable[[str, Path], str | None]


def _checked_webhook(address: SecretStr) -> SecretStr:
    """Raise ValueError unless it is an address of HTTP; the message tells nothing of it, as it may hold a token."""
    text = address.get_secret_value()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[!-~]+", text):
        raise ValueError("expected an address such as https://example.org/path, in ASCII and without spaces")
    return address


def _checked_apprise(address: SecretStr) -> SecretStr:
    if not re.match(r"[A-Za-z0-9_-]+://", address.get_secret_value()):
        raise ValueError("expected an address of Apprise such as mailto://user:password@example.org")
    return address


class WatchMode(StrEnum):
    """How changes of a watch folder are noticed; auto polls network shares and uses events elsewhere."""

    AUTO = "auto"
    EVENTS = "events"
    POLL = "poll"


class PairRule(StrEnum):
    """Whether a picture without infrared waits for a second file that holds the infrared."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class SourcePolicy(StrEnum):
    """What happens to a source file once the archive holds the frame."""

    LEAVE = "leave"
    MOVE = "move"
    DELETE = "delete"


class ReleaseWhen(StrEnum):
    """When a source file is moved or deleted: its frame is archived, in a sealed roll, or at every target, too."""

    ARCHIVED = "archived"
    SEALED = "sealed"
    REPLICATED = "replicated"


class LogLevel(StrEnum):
    """Least severity that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Watch(Section):
    """One watch folder, and how its files become frames."""

    path: Path = Path("drop")
    collection: Slug = "unsorted"
    box: Slug = "unsorted"
    roll: Text = Field(default="{folder}", min_length=1)
    film: FilmKind = FilmKind.UNKNOWN
    pair: PairRule = PairRule.OPTIONAL
    pair_timeout_s: float = Field(default=180.0, ge=0)
    settle_s: float | None = Field(default=None, gt=0)
    mode: WatchMode = WatchMode.AUTO
    source_policy: SourcePolicy = SourcePolicy.MOVE
    release_when: ReleaseWhen = ReleaseWhen.ARCHIVED
    fourth_sample_infrared: bool | None = None

    @model_validator(mode="after")
    def _roll_names_only_known_parts(self) -> Watch:
        try:
            self.roll.format(folder="", date="")
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"roll: expected text with {{folder}} or {{date}} in it, found {self.roll!r}") from None
        return self

    def roll_name(self, file: Path, day: date) -> str:
        """Return the name of the roll that a file in this folder belongs to, as a person wrote it.

        Parameters
        ----------
        file : Path
            Path of the file, relative to the watch folder.
        day : date
            Replaces `{date}`, and also `{folder}` if the file lies directly in the watch folder.
        """
        folder = "/".join(file.parent.parts) or day.isoformat()
        return self.roll.format(folder=folder, date=day.isoformat())

    def quiet_time_s(self, *, network: bool) -> float:
        """Return for how many seconds a file must not change before it is taken; `network`: it lies on a share."""
        return self.settle_s or (NETWORK_SETTLE_S if network else LOCAL_SETTLE_S)


class Workers(Section):
    """The worker processes, which clean frames."""

    count: int = Field(default=1, ge=1, le=64)
    memory_limit_mib: int = Field(default=1536, ge=256)


class Target(Section):
    """Somebody to notify: an address that takes JSON, a command, or an address of Apprise.

    Both addresses are secrets, because many hold a password or a token.
    """

    name: Annotated[Text, Field(min_length=1)] | None = None
    webhook: Annotated[SecretStr, AfterValidator(_checked_webhook)] | None = None
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    apprise: Annotated[SecretStr, AfterValidator(_checked_apprise)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        ways = [way for way in ("webhook", "command", "apprise") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError(f"expected one of webhook, command and apprise, found {' and '.join(ways) or 'none'}")
        return self

    @field_serializer("command")
    def _shown_command(self, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        # An argument may be an address with a token, too.
        return None if command is None else tuple(map(without_addresses, command))

    @property
    def title(self) -> str:
        """The name, or else the way and its server, program or service: nothing that could be secret."""
        if self.name is not None:
            return self.name
        if self.webhook is not None:
            return f"webhook {urlsplit(self.webhook.get_secret_value()).hostname}"
        if self.command is not None:
            return f"command {Path(self.command[0]).name}"
        assert self.apprise is not None
        return f"apprise {self.apprise.get_secret_value().partition(':')[0]}"


class Notify(Section):
    """Who is told of alarms and of finished sessions, and when."""

    targets: tuple[Target, ...] = ()
    repeat_s: float = Field(default=86400.0, gt=0)
    room_frames: int = Field(default=20, ge=0)


class Audit(Section):
    """How often the archive is read back, and how fast at most."""

    enabled: bool = True
    every_days: float = Field(default=90.0, gt=0)
    mib_per_s: float = Field(default=10.0, gt=0)

    @property
    def every_s(self) -> float:
        """The period in seconds."""
        return self.every_days * 86400.0


class Logging(Section):
    """What is logged."""

    level: LogLevel = LogLevel.INFO


class Station(Section):
    """The whole configuration of a station; relative paths start from `root`."""

    root: Path = Field(default_factory=lambda: find_station().root)
    archive: Path = Path("archive")
    database: Path = Path("station.db")
    watch: tuple[Watch, ...] = (Watch(),)
    workers: Workers = Workers()
    scanners: Scanners = Scanners()
    cleaning: Cleaning = Cleaning()
    replicate: tuple[Replica, ...] = ()
    notify: Notify = Notify()
    audit: Audit = Audit()
    logging: Logging = Logging()
    bag: Bag = Bag()
    page: Page = Page()

    @model_validator(mode="before")
    @classmethod
    def _resolve_paths(cls, data: Any) -> Any:
        return _with_absolute_paths(data) if isinstance(data, dict) else data


def load_station(path: Path | None = None, *, check_model: CheckModel | None = None) -> Station:
    """Read the configuration of a station; every path in it is absolute.

    Parameters
    ----------
    path : Path or None
        Configuration file. None: the file that `finding.find_config` finds, or the defaults if there is none.
    check_model : callable, optional
        Called with a key and a model file; returns why the file cannot be used, or None.
        `cleaning.engine_options.model_problem` loads the engine for it, which takes seconds. Without this check a
        model file may be missing.

    Raises
    ------
    ConfigError
        The file cannot be read or has mistakes; the message names file, line and key of each mistake.
    """
    file = path or find_config()
    if file is None:
        return Station()
    document = parse_yaml(file)
    with raise_problems(file, document):
        station = Station.model_validate(document.data)
    found = [*_overlaps(station), *_model_problems(station, check_model), *_target_problems(station.notify)]
    found += _replica_problems(station)
    if check_model is not None:
        found += [(("scanners", "programs"), message) for message in program_problems(station.scanners)]
    if problems := [document.problem(file, key, message) for key, message in found]:
        raise ConfigProblemsError(problems)
    return station


def _model_problems(station: Station, check_model: CheckModel | None) -> Iterator[tuple[KeyPath, str]]:
    for key, path in station.cleaning.models().items():
        if check_model is None:
            # The file may lie on a share that is gone for now; only frames that need it have to wait for it.
            continue
        if not path.is_file():
            yield ("cleaning", key), f"expected a model file, found none at {path}"
        elif problem := check_model(key, path):
            yield ("cleaning", key), problem
    if check_model is not None and (problem := healer_problem(station.cleaning)) is not None:
        yield ("cleaning", "healer"), problem


def _target_problems(notify: Notify) -> Iterator[tuple[KeyPath, str]]:
    titles = [target.title for target in notify.targets]
    for index, target in enumerate(notify.targets):
        key = ("notify", "targets", index)
        if target.title in titles[:index]:
            yield key, f"expected another name than that of an earlier target, found {target.title!r}: set `name`"
        if target.apprise is not None and find_spec("apprise") is None:
            advice = pip_install("'apprise>=1.9'", "the extra `notify` of filmscand")
            yield (*key, "apprise"), f"needs the package apprise, which is not installed: {advice}"


def _replica_problems(station: Station) -> Iterator[tuple[KeyPath, str]]:
    watches = {f"watch.{index}.path": watch.path for index, watch in enumerate(station.watch)}
    yield from replica_problems(
        station.replicate, {"archive": station.archive, "database": station.database, **watches}
    )
    for index, watch in enumerate(station.watch):
        if watch.release_when is ReleaseWhen.REPLICATED and not station.replicate:
            yield ("watch", index, "release_when"), "expected a target under `replicate`, found none"


def _overlaps(station: Station) -> Iterator[tuple[KeyPath, str]]:
    """Yield overlapping paths: a watch folder that holds the archive, say, would ingest what the service writes."""
    places: list[tuple[KeyPath, Path]] = [(("archive",), station.archive), (("database",), station.database)]
    for index, watch in enumerate(station.watch):
        for key, place in places:
            if watch.path.is_relative_to(place) or place.is_relative_to(watch.path):
                yield (
                    ("watch", index, "path"),
                    f"expected a folder outside of {dotted(key)} ({place}), found {watch.path}",
                )
        places.append((("watch", index, "path"), watch.path))


def _with_absolute_paths(data: dict[str, object]) -> dict[str, object]:
    root = data.get("root")
    base = Path(root).expanduser().absolute() if isinstance(root, str | Path) else find_station().root
    resolved = {**data, "root": base if root is None or isinstance(root, str) else root}
    for key in ("archive", "database"):
        resolved[key] = _absolute(base, data.get(key, Station.model_fields[key].default))
    if isinstance(cleaning := data.get("cleaning"), dict):
        paths = {key: _absolute(base, value) for key, value in cleaning.items() if key.endswith("_model")}
        resolved["cleaning"] = {**cleaning, **paths}
    if isinstance(scanners := data.get("scanners"), dict) and "programs" in scanners:
        resolved["scanners"] = {**scanners, "programs": _absolute(base, scanners["programs"])}
    if isinstance(bag := data.get("bag"), dict) and "profile" in bag:
        resolved["bag"] = {**bag, "profile": _absolute(base, bag["profile"])}
    if isinstance(page := data.get("page"), dict):
        files = {key: _absolute(base, page[key]) for key in ("certificate", "key") if key in page}
        resolved["page"] = {**page, **files}
    if isinstance(replicas := data.get("replicate"), list):
        resolved["replicate"] = [_replica_at(base, replica) for replica in replicas]
    watches = data.get("watch", ({},))
    if isinstance(watches, list | tuple):
        resolved["watch"] = [_watch_at(base, watch) for watch in watches]
    return resolved


def _replica_at(base: Path, replica: Any) -> Any:
    if not isinstance(replica, dict) or "folder" not in replica:
        return replica
    return {**replica, "folder": _absolute(base, replica["folder"])}


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
