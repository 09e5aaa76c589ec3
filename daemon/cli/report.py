"""Prints results: tables for a person, JSON for a program."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.core.visible import visible_json
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.daemon.station.yaml_file import ConfigProblem, ConfigProblemsError

if TYPE_CHECKING:
    from filmscand.daemon.archive.verify_rolls import Verification
    from filmscand.daemon.fixity.compare import Comparison
    from filmscand.daemon.fixity.repair import Repaired
    from filmscand.daemon.maintenance.checks import Check

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


def show_checks(checks: Sequence[Check], *, as_json: bool, station: Path | None = None) -> None:
    """Print the results of the checks of `filmscand doctor`."""
    if as_json:
        print_json({**_named(station), "checks": checks})
        return
    columns = (
        Column("", colours=_COLOURS),
        Column("check", Kind.NAME),
        Column("found", Kind.TEXT),
        Column("what to do", Kind.TEXT),
    )
    show_table(columns, [(check.verdict, check.name, check.found, check.advice) for check in checks])


def show_verification(report: Verification, *, as_json: bool, station: Path | None = None) -> None:
    """Print the result of a verification."""
    if as_json:
        print_json({**_named(station), "damaged": report.damaged, **to_jsonable_python(report)})
        return
    for problem in report.problems:
        say(problem)
    for loss in report.known_losses:
        say(loss)
    known = f", {len(report.known_losses)} known losses" if report.known_losses else ""
    counts = f"{len(report.problems)} problems, {len(report.incomplete)} incomplete{known}"
    say(f"{report.verified} frames verified, {counts}")


def show_comparison(
    comparison: Comparison,
    repaired: Sequence[Repaired],
    after: Verification | None,
    *,
    as_json: bool,
    station: Path | None = None,
) -> None:
    """Print the result of a comparison with a copy; once files were brought back, only these and what is left.

    Parameters
    ----------
    repaired : sequence of Repaired
        Files that were put right.
    after : Verification or None
        What was verified after the repair; None: nothing was repaired.
    """
    if as_json:
        damaged = bool(comparison.damage) if after is None else after.damaged
        print_json(
            {
                **_named(station),
                "damaged": damaged,
                "copy_damaged": comparison.copy_is_damaged,
                "compared": comparison.compared,
                "differences": comparison.differences,
                "repaired": repaired,
                "problems": () if after is None else after.problems,
            }
        )
        return
    for one in (*repaired, *after.problems) if after is not None else comparison.differences:
        say(one)
    if after is not None:
        say(f"{len(repaired)} files put right, {len(after.problems)} problems")
        return
    counts = f"{len(comparison.damage)} damaged in the archive, of which the copy has {len(comparison.repairable)}"
    say(f"{comparison.compared} files compared, {len(comparison.found)} differ: {counts}")


def config_problems(file: Path | None) -> tuple[ConfigProblem, ...]:
    """Return the mistakes in a configuration file; model files are opened."""

    def model_problem(key: str, model: Path) -> str | None:
        # The engine takes a second to load; a configuration without models of its own does not need it.
        from filmscand.daemon.cleaning.engine_options import model_problem

        return model_problem(key, model)

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
        say(problem)
    if station is not None:
        say(f"{file or 'no configuration file, defaults'}: correct; the folder of the station is {station.root}")


def _named(station: Path | None) -> dict[str, str]:
    return {} if station is None else {"station": str(station)}


def print_json(answer: Any) -> None:
    """Print a result as JSON; values that are not finite become null."""
    try:
        document = to_json(answer, indent=2, inf_nan_mode="null").decode()
    except PydanticSerializationError:
        # A file name that is no UTF-8 holds surrogates, which only the JSON of Python can write.
        document = json.dumps(_without_nan(to_jsonable_python(answer)), indent=2, ensure_ascii=False)
    print(visible_json(document))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
