"""The commands for the configuration: check and show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from filmscand.daemon.cli.report import config_problems, show_config
from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import say_labelled
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.finding import find_config
from filmscand.daemon.station.origins import settings_of

config_app = typer.Typer(help="The station's configuration.", no_args_is_help=True)


@config_app.command()
def check(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Default: the station's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a configuration file, and show the line of each mistake."""
    file = file or find_config()
    problems = config_problems(file)
    show_config(file, None if problems else load_station(file), problems, as_json=as_json)
    if problems:
        raise typer.Exit(Exit.FAILED)


@config_app.command()
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show every setting of the station with its value, and who set it: a line of the file, or the default."""
    station = open_station(config, as_json=as_json, may_be_new=True)
    file = config or find_config()
    settings = settings_of(station, file)
    if as_json:
        print_answer(station, {"file": None if file is None else str(file), "settings": settings})
        return
    if file is not None:
        say_labelled("file", file)
    columns = (Column("setting"), Column("value", Kind.TEXT), Column("set by"))
    # The file stands above already: its lines are enough.
    rows = [(one.key, _plain(one.value), one.origin.replace(f"{file}:", "line ", 1)) for one in settings]
    show_table(columns, rows)


def _plain(value: object) -> str:
    """Return a value as YAML writes it."""
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
