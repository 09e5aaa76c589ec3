"""The settings of a station one by one, and where each value comes from (`filmscand config show`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.finding import StationKind, find_station
from filmscand.daemon.station.yaml_file import Document, KeyPath, dotted, parse_yaml


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its key as in `config check` (`watch.0.pair`), its value, and who set it."""

    key: str
    value: Any
    origin: str


def settings_of(station: Station, file: Path | None) -> tuple[Setting, ...]:
    """Return all settings of a station that was read from `file`; None: from no file.

    Raises
    ------
    ConfigError
        The file cannot be read any more.
    """
    document = Document({}, {}) if file is None else parse_yaml(file)
    values = station.model_dump(mode="json")
    return tuple(Setting(dotted(key), value, _origin(key, file, document)) for key, value in _leaves(values, ()))


def _leaves(value: Any, key: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, (*key, name))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for position, one in enumerate(value):
            yield from _leaves(one, (*key, position))
    else:
        yield key, value


def _origin(key: KeyPath, file: Path | None, document: Document) -> str:
    if key in document.lines and _given(document.data, key) is not None:
        return f"{file}:{document.lines[key]}"
    return _origin_of_root() if key == ("root",) else "default"


def _origin_of_root() -> str:
    found = find_station()
    if found.variable is not None:
        return f"${found.variable}"
    return "the installed station" if found.kind is StationKind.INSTALLED else "default"


def _given(data: Any, key: KeyPath) -> Any:
    """Return the value that the file gives; `null` there means the default."""
    for name in key:
        data = data[name]
    return data
