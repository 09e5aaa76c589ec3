"""Reads YAML and keeps the line of each key, so that every mistake can be reported with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.core.visible import own_words, without_addresses

KeyPath = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Reads words and numbers as YAML 1.2 does: `off`, `no`, `0012`, `12:30` and `1974-05-01` are texts.

    YAML 1.1, which PyYAML reads, makes False, 10, 750 and a date of them.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  # its base declares it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"([-+]?([0-9]+[.][0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?|[-+]?[.](inf|Inf|INF)|[.](nan|NaN|NAN))$"),
    list("-+0123456789."),
)


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One mistake in a configuration file: file, line (from 1), key, and what was expected and found."""

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}:{self.line}:{key} {self.message}"


class ConfigProblemsError(ConfigError):
    """A configuration file has mistakes; `problems` holds them, in the order of their lines."""

    def __init__(self, problems: list[ConfigProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a YAML file, and the line of each key (from 1)."""

    data: Any
    lines: dict[KeyPath, int]

    def line_of(self, key: KeyPath) -> int:
        """Return the line of a key; of the nearest enclosing key if the file does not contain it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def problem(self, file: Path, key: KeyPath, message: str) -> ConfigProblem:
        """Return a mistake at a key of this document, with its line."""
        return ConfigProblem(file, self.line_of(key), dotted(key), message)


def parse_yaml(file: Path) -> Document:
    """Read one YAML mapping; an empty file is an empty mapping.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, contains a key twice, or is not a mapping.
    """
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"{file}: cannot read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: expected UTF-8, found byte {error.object[error.start]:#04x}") from error
    except yaml.YAMLError as error:
        raise ConfigProblemsError([_syntax_problem(file, error)]) from error
    lines: dict[KeyPath, int] = {(): 1}
    problems = [] if root is None else list(_index(file, root, (), lines))
    if problems:
        raise ConfigProblemsError(problems)
    if data is not None and not isinstance(data, dict):
        raise ConfigProblemsError(
            [ConfigProblem(file, 1, "", f"expected keys and values, found {type(data).__name__}")]
        )
    return Document(data or {}, lines)


@contextmanager
def raise_problems(file: Path, document: Document) -> Iterator[None]:
    """Turn a `ValidationError` of pydantic about `document` into a `ConfigProblemsError` (a context manager)."""
    try:
        yield
    except ValidationError as error:
        problems = [_problem(file, document, detail) for detail in error.errors(include_url=False)]
        raise ConfigProblemsError(problems) from error


def _index(file: Path, node: yaml.Node, key: KeyPath, lines: dict[KeyPath, int]) -> Iterator[ConfigProblem]:
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[(*key, position)] = item.start_mark.line + 1
            yield from _index(file, item, (*key, position), lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        path = (*key, str(name.value))
        if path in lines:
            yield ConfigProblem(file, name.start_mark.line + 1, dotted(path), f"appears already in line {lines[path]}")
        lines[path] = name.start_mark.line + 1
        yield from _index(file, value, path, lines)


def dotted(key: KeyPath) -> str:
    """Return the path of a key as text: `watch.0.pair`."""
    return ".".join(str(part) for part in key)


def _syntax_problem(file: Path, error: yaml.YAMLError) -> ConfigProblem:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    return ConfigProblem(file, line, "", f"expected YAML, found: {getattr(error, 'problem', None) or error}")


def _problem(file: Path, document: Document, detail: ErrorDetails) -> ConfigProblem:
    key = tuple(detail["loc"])
    message = "unknown key" if detail["type"] == "extra_forbidden" else str(detail["msg"])
    if detail["type"] not in ("extra_forbidden", "value_error", "missing"):
        # An address may hold a password or a token.
        message += f", found {without_addresses(repr(detail['input']))}"
    return document.problem(file, key, own_words(message))
