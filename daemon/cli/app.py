"""The program `filmscand`: all commands, and the exit status of each error.

Exit status: 0 done, 1 failed, 2 usage, 3 part of the frames failed, 4 scanner, 5 integrity.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import typer

from filmscand.daemon.cli.archive import rebuild, reclean, seal
from filmscand.daemon.cli.clean import ModelFile, clean_all, show_results
from filmscand.daemon.cli.evaluate import evaluate
from filmscand.daemon.cli.identity import archive_app
from filmscand.daemon.cli.report import config_problems, print_json, show_checks, show_config, show_verification
from filmscand.daemon.cli.scan import NoScannerError
from filmscand.daemon.cli.scanners import AsJson, ConfigFile, devices, scan, session_app, virtual_scanner
from filmscand.daemon.cli.status import show_status
from filmscand.daemon.core.errors import DaemonError, IntegrityError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.station.configuration import Cleaning, DetectorUse, find_config, load_station
from filmscand.drivers.base import DriverError
from filmscand.drivers.scanner.errors import ScannerError

app = typer.Typer(
    name="filmscand",
    help="Scans film with RGB and infrared, removes dust and scratches, archives raw and cleaned frames.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The station's configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(session_app, name="session")
app.add_typer(archive_app, name="archive")
app.command()(evaluate)
app.command()(reclean)
app.command()(rebuild)
app.command()(seal)
app.command()(scan)
app.command()(devices)
app.command("virtual-scanner")(virtual_scanner)


@app.command()
def clean(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scans, or pairs NAME.tif + NAME_ir.tif.")],
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for the results.")],
    sensitivity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: remove only certain dust; 1: remove everything suspicious.")
    ] = 0.5,
    detector: Annotated[
        DetectorUse,
        typer.Option(help="auto: find dust by colour where infrared cannot be used; off: leave such frames."),
    ] = DetectorUse.AUTO,
    detector_model: ModelFile = None,
    inpainting_model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Clean files: write DIR/NAME_clean.tif, DIR/NAME_mask.png and DIR/NAME.json for each."""
    cleaning = Cleaning(
        sensitivity=sensitivity, detector=detector, detector_model=detector_model, inpainting_model=inpainting_model
    )
    results = clean_all(files, output, cleaning)
    show_results(results, as_json=as_json)
    raise typer.Exit(Exit.of(sum(result.error is not None for result in results), len(results)))


@app.command()
def run(
    config: ConfigFile = None,
    scans_only: Annotated[
        bool, typer.Option("--scans-only", help="Ignore watch folders; end when all sessions are finished.")
    ] = False,
) -> None:
    """Run the service until it is stopped."""
    from filmscand.daemon.cleaning.engine_options import model_problem
    from filmscand.daemon.service import run_service

    station = load_station(config, check_model=model_problem)
    raise typer.Exit(run_service(station, scans_only=scans_only))


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the state of the station."""
    from filmscand.daemon.maintenance.status import station_status

    found = station_status(load_station(config))
    if as_json:
        print_json(found)
    else:
        show_status(found)


@app.command()
def verify(
    frames: Annotated[
        list[str] | None, typer.Argument(metavar="[COLLECTION/BOX/ROLL...]", help="Rolls; default: all.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read archived frames from the disk and compare them with their hashes."""
    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.archive.verify_rolls import verify_rolls
    from filmscand.daemon.maintenance.identity import identity_problem, marker_of

    station = load_station(config)
    problem = identity_problem(station)
    if problem is not None:
        print(f"filmscand: {problem}", file=sys.stderr)
    report = verify_rolls(Archive(station.archive), tuple(frames or ()))
    show_verification(report, as_json=as_json)
    # An archive without a marker and without a station, a copy for example, is verified for what it is.
    alone = not station.database.exists() and marker_of(station.archive) is None
    if report.damaged or (problem is not None and not alone):
        raise typer.Exit(Exit.INTEGRITY)


@app.command()
def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check whether a station can work on this machine, and give advice where it cannot."""
    from filmscand.daemon.maintenance.checks import Verdict
    from filmscand.daemon.maintenance.doctor import examine

    checks = examine(load_station(config))
    show_checks(checks, as_json=as_json)
    if any(check.verdict is Verdict.FAILED for check in checks):
        raise typer.Exit(Exit.FAILED)


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


def main() -> None:
    """Run the command line; an error is printed in one line and decides the exit status."""
    try:
        app()
    except IntegrityError as error:
        _leave(error, Exit.INTEGRITY)
    except ScannerError as error:
        _leave(error, Exit.SCANNER, error.advice)
    except NoScannerError as error:
        _leave(error, Exit.SCANNER)
    except (DaemonError, DriverError, OSError, sqlite3.Error) as error:
        _leave(error, Exit.FAILED)


def _leave(error: Exception, status: Exit, advice: str = "") -> None:
    for text in filter(None, (str(error), advice)):
        print(f"filmscand: {text}", file=sys.stderr)
    sys.exit(status)
