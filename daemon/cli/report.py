"""Prints results: tables for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json, to_jsonable_python
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.yaml_file import ConfigProblem, ConfigProblemsError

if TYPE_CHECKING:
    from filmscand.daemon.archive.verify_rolls import Verification
    from filmscand.daemon.maintenance.checks import Check

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def show_checks(checks: Sequence[Check], *, as_json: bool) -> None:
    """Print the results of the checks of `filmscand doctor`."""
    if as_json:
        print_json({"checks": checks})
        return
    table = Table("", "check", "found", "what to do", box=None)
    for check in checks:
        colour = _COLOURS[check.verdict]
        table.add_row(f"[{colour}]{check.verdict}[/]", escape(check.name), escape(check.found), escape(check.advice))
    Console().print(table)


def show_verification(report: Verification, *, as_json: bool) -> None:
    """Print the result of a verification."""
    if as_json:
        print_json({"damaged": report.damaged, **to_jsonable_python(report)})
        return
    for problem in report.problems:
        print(problem)
    print(f"{report.verified} frames verified, {len(report.problems)} problems, {len(report.incomplete)} incomplete")


def config_problems(file: Path | None) -> tuple[ConfigProblem, ...]:
    """Return the mistakes in a configuration file; model files are opened."""
    # The engine takes a second to load, and most commands do not need it.
    from filmscand.daemon.cleaning.engine_options import model_problem

    try:
        load_station(file, check_model=model_problem)
    except ConfigProblemsError as error:
        return error.problems
    except ConfigError as error:
        return (ConfigProblem(file or Path(), 1, "", str(error)),)
    return ()


def show_config(
    file: Path | None, station: Station | None, problems: Sequence[ConfigProblem], *, as_json: bool
) -> None:
    """Print the mistakes in a configuration, or that it is right; as JSON also the whole configuration."""
    if as_json:
        print_json({"file": file, "problems": problems, "station": station})
        return
    for problem in problems:
        print(problem)
    if station is not None:
        print(f"{file or 'no configuration file, defaults'}: correct; the folder of the station is {station.root}")


def print_json(answer: Any) -> None:
    """Print a result as JSON; values that are not finite become null."""
    print(to_json(answer, indent=2, inf_nan_mode="null").decode())
