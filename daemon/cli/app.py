"""The program `filmscand`: all commands, and the exit status of each error.

Exit status: 0 done, 1 failed, 2 usage, 3 part of the frames failed, 4 scanner, 5 integrity.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import Annotated, Final, NoReturn, cast

import typer

from filmscand.daemon.cli.archive.export import export
from filmscand.daemon.cli.archive.import_folder import import_folder
from filmscand.daemon.cli.archive.rebuild import rebuild
from filmscand.daemon.cli.archive.reclean import reclean
from filmscand.daemon.cli.archive.seal import seal
from filmscand.daemon.cli.archive.verify import verify
from filmscand.daemon.cli.clean import clean
from filmscand.daemon.cli.config import config_app
from filmscand.daemon.cli.demo import demo
from filmscand.daemon.cli.evaluate import evaluate
from filmscand.daemon.cli.identity import archive_app
from filmscand.daemon.cli.notify import notify_app
from filmscand.daemon.cli.page import page_app
from filmscand.daemon.cli.report import show_checks
from filmscand.daemon.cli.scanners import devices, scan, session_app, virtual_scanner
from filmscand.daemon.cli.screen.terminal import complain, say_labelled, set_up_streams
from filmscand.daemon.cli.setup import setup
from filmscand.daemon.cli.stations import (
    AsJson,
    ConfigFile,
    load_seen,
    open_desk,
    open_station,
    print_answer,
    require_meant,
)
from filmscand.daemon.cli.status import show_status
from filmscand.daemon.cli.warm_up import warm_up
from filmscand.daemon.core.errors import DaemonError, IntegrityError, RollFrozenError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.maintenance.sessions.order import NoScannerError
from filmscand.daemon.station.yaml_file import ConfigProblemsError
from filmscand.drivers.base import DriverError
from filmscand.drivers.scanner.errors import ScannerError

_PROGRAM: Final = "filmscand"
# Typer exports one of its usage errors only; the others have the same base.
_UsageError: Final = cast(type[Exception], typer.BadParameter.__bases__[0])
app = typer.Typer(
    name=_PROGRAM,
    help="Scans film with RGB and infrared, removes dust and scratches, archives raw and cleaned frames.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")
app.add_typer(notify_app, name="notify")
app.add_typer(page_app, name="page")
app.add_typer(session_app, name="session")
app.add_typer(archive_app, name="archive")
app.command()(clean)
app.command()(evaluate)
app.command("import")(import_folder)
app.command()(reclean)
app.command()(rebuild)
app.command()(seal)
app.command()(export)
app.command()(verify)
app.command()(scan)
app.command()(devices)
app.command("virtual-scanner")(virtual_scanner)
app.command("warm-up")(warm_up)
app.command()(demo)
app.command()(setup)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"{_PROGRAM} {version(_PROGRAM)}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Scan film with RGB and infrared, remove dust and scratches, archive raw and cleaned frames."""


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Shell that shall complete commands.")],
) -> None:
    """Print the script that lets a shell complete commands and options; `--install-completion` installs it."""
    if shell not in ("bash", "zsh", "fish"):
        raise typer.BadParameter(f"expected bash, zsh or fish, found {shell!r}")
    os.environ[f"_{_PROGRAM.upper()}_COMPLETE"] = f"source_{shell}"
    app(prog_name=_PROGRAM)


@app.command()
def run(
    config: ConfigFile = None,
    scans_only: Annotated[
        bool, typer.Option("--scans-only", help="Ignore watch folders; end when all sessions are finished.")
    ] = False,
) -> None:
    """Run the service until it is stopped."""
    from filmscand.daemon.service import run_service

    # Without a model that it names the service starts all the same, as it goes on when one is lost while it runs.
    station = load_seen(config)
    require_meant(station, config)
    if sys.stdout.isatty():
        # Where another program reads the lines, the log names the station.
        say_labelled("station", station.root)
    raise typer.Exit(run_service(station, scans_only=scans_only))


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the state of the station; the exit status is 1 while there are alarms."""
    station, desk = open_desk(config, as_json=as_json, to_change=False)
    found = desk.status()
    if as_json:
        print_answer(station, found)
    else:
        show_status(found)
    if found.alarms:
        raise typer.Exit(Exit.FAILED)


@app.command()
def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check whether a station can work on this machine, and give advice where it cannot."""
    from filmscand.daemon.maintenance.checks import Verdict
    from filmscand.daemon.maintenance.doctor import examine

    station = open_station(config, as_json=as_json, may_be_new=True)
    checks = examine(station)
    show_checks(checks, as_json=as_json, station=station.root)
    if any(check.verdict is Verdict.FAILED for check in checks):
        raise typer.Exit(Exit.FAILED)


def main() -> None:
    """Run the command line; an error is printed in one line and decides the exit status."""
    set_up_streams()
    try:
        status = app(prog_name=_PROGRAM, standalone_mode=False)
    except _UsageError as error:
        _leave_usage(error)
    except typer.Abort:
        _leave("stopped", status=Exit.FAILED)
    except ConfigProblemsError as error:
        _leave(*error.problems, status=Exit.FAILED)
    except (IntegrityError, RollFrozenError) as error:
        _leave(message_of(error), status=Exit.INTEGRITY)
    except ScannerError as error:
        _leave(message_of(error), error.advice, status=Exit.SCANNER)
    except NoScannerError as error:
        _leave(message_of(error), status=Exit.SCANNER)
    except (DaemonError, DriverError, OSError, sqlite3.Error) as error:
        _leave(message_of(error), status=Exit.FAILED)
    if status == Exit.STOPPED:
        complain("stopped")
    sys.exit(status or Exit.DONE)


def _leave(*texts: object, status: Exit) -> NoReturn:
    for text in filter(None, map(str, texts)):
        complain(text)
    sys.exit(status)


def _leave_usage(error: Exception) -> NoReturn:
    # Without any argument the help stands there already, and there is no message.
    message = getattr(error, "format_message", lambda: str(error))()
    if message:
        complain(message)
    if message and (context := getattr(error, "ctx", None)):
        complain(f"`{context.command_path} --help` shows what it takes")
    sys.exit(Exit.USAGE)
