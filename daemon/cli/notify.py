"""The command for notifications: test."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_station, print_answer
from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.timing import NotifyTiming
from filmscand.daemon.station.configuration import Station

notify_app = typer.Typer(help="Notifications of alarms and finished sessions.", no_args_is_help=True)


@notify_app.callback()
def notify() -> None:
    """Tell people of alarms and finished sessions."""


@notify_app.command()
def test(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Send a test message to each target, and say whether it arrived."""
    station = open_station(config, as_json=as_json, may_be_new=True)
    if not station.notify.targets:
        raise ConfigError("the configuration names nobody to notify: add one to `notify.targets`")
    answers = list(_answers(station))
    if as_json:
        targets = [{"target": title, "arrived": problem is None, "error": problem} for title, problem in answers]
        print_answer(station, {"targets": targets})
    else:
        show_table(
            (Column("target", Kind.NAME), Column("result", Kind.TEXT)),
            [(title, "arrived" if problem is None else problem) for title, problem in answers],
        )
    raise typer.Exit(Exit.of(sum(problem is not None for _, problem in answers), len(answers)))


def _answers(station: Station) -> Iterator[tuple[str, str | None]]:
    """Yield the name of each target, and why the message did not arrive, None if it did."""
    from filmscand.daemon.notification.delivery import deliver
    from filmscand.daemon.notification.message import DeliveryError, Message

    message = Message(station=station.root, test=True)
    for target in station.notify.targets:
        try:
            deliver(target, message, NotifyTiming().limit_s)
        except DeliveryError as error:
            yield target.title, str(error)
        else:
            yield target.title, None
