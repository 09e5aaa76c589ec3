"""The command line: reads what is asked for, has it done, and says how it went.

Exit status: 0 done, 1 failed, 2 usage, 3 part of the frames failed, 4 scanner, 5 integrity.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Annotated

import typer

from filmscand.daemon.cli import archive as cli_archive
from filmscand.daemon.cli import clean as cli_clean
from filmscand.daemon.cli import evaluate as cli_evaluate
from filmscand.daemon.cli import report as cli_report
from filmscand.daemon.cli import scan as cli_scan
from filmscand.daemon.cli import scanners as cli_scanner
from filmscand.daemon.cli.clean import ModelFile
from filmscand.daemon.cli.scanners import AsJson, ConfigFile
from filmscand.daemon.cli.status import show_status
from filmscand.daemon.core.errors import DaemonError, IntegrityError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.station.configuration import Cleaning, DetectorUse, find_config, load_station
from filmscand.drivers.base import DriverError
from filmscand.drivers.scanner.errors import ScannerError

app = typer.Typer(
    name="filmscand",
    help="Takes RGB+infrared frames of film, removes dust and scratches, and archives raw and cleaned frames.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The station's configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(cli_scanner.session_app, name="session")
app.command()(cli_evaluate.evaluate)
app.command()(cli_archive.reclean)
app.command()(cli_archive.rebuild)
app.command()(cli_archive.seal)
app.command()(cli_scanner.scan)
app.command()(cli_scanner.devices)
app.command("virtual-scanner")(cli_scanner.virtual_scanner)


@app.command()
def clean(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scans, or pairs NAME.tif + NAME_ir.tif.")],
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for the results.")],
    sensitivity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: only what is certainly dust; 1: everything suspected.")
    ] = 0.5,
    detector: Annotated[
        DetectorUse,
        typer.Option(help="auto: look at the colours where infrared cannot be used; off: leave such frames."),
    ] = DetectorUse.AUTO,
    detector_model: ModelFile = None,
    inpainting_model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Clean files: writes DIR/NAME_clean.tif, DIR/NAME_mask.png and DIR/NAME.json for each."""
    asked = Cleaning(
        sensitivity=sensitivity, detector=detector, detector_model=detector_model, inpainting_model=inpainting_model
    )
    results = cli_clean.clean_all(files, output, asked)
    cli_clean.show(results, as_json=as_json)
    raise typer.Exit(Exit.of(sum(result.error is not None for result in results), len(results)))


@app.command()
def run(
    config: ConfigFile = None,
    scans_only: Annotated[
        bool, typer.Option("--scans-only", help="Leave watch folders alone; end when all sessions are done.")
    ] = False,
) -> None:
    """Run the service until it is told to stop."""
    from filmscand.daemon.cleaning.engine_options import model_problem
    from filmscand.daemon.service import run_service

    station = load_station(config, check_model=model_problem)

    raise typer.Exit(run_service(station, scans_only=scans_only))


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say what the station is doing."""
    from filmscand.daemon.maintenance.status import station_status

    found = station_status(load_station(config))
    if as_json:
        cli_report.print_json(found)
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
    """Read archived frames back from the disk and compare them with their hashes."""
    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.archive.verify_rolls import verify_rolls

    report = verify_rolls(Archive(load_station(config).archive), tuple(frames or ()))
    cli_report.show_verification(report, as_json=as_json)
    if report.damaged:
        raise typer.Exit(Exit.INTEGRITY)


@app.command()
def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Look whether a station can work here, and say what to do where it cannot."""
    from filmscand.daemon.maintenance.checks import Verdict
    from filmscand.daemon.maintenance.doctor import examine

    checks = examine(load_station(config))
    cli_report.show_checks(checks, as_json=as_json)
    if any(check.verdict is Verdict.FAILED for check in checks):
        raise typer.Exit(Exit.FAILED)


@config_app.command()
def check(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Default: the station's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a configuration is right, and where it is not."""
    file = file or find_config()
    problems = cli_report.config_problems(file)
    cli_report.show_config(file, None if problems else load_station(file), problems, as_json=as_json)
    if problems:
        raise typer.Exit(Exit.FAILED)


def main() -> None:
    """Run the command line; what went wrong is told in one line, and decides the exit status."""
    try:
        app()
    except IntegrityError as error:
        _leave(error, Exit.INTEGRITY)
    except ScannerError as error:
        _leave(error, Exit.SCANNER, error.advice)
    except cli_scan.NoScannerError as error:
        _leave(error, Exit.SCANNER)
    except (DaemonError, DriverError, OSError, sqlite3.Error) as error:
        _leave(error, Exit.FAILED)


def _leave(error: Exception, status: Exit, advice: str = "") -> None:
    for text in filter(None, (str(error), advice)):
        print(f"filmscand: {text}", file=sys.stderr)
    sys.exit(status)
