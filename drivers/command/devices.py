"""Lists the scanners that have a recipe for another program, and opens one by its name."""

from __future__ import annotations

from pathlib import Path

from filmscand.drivers.command.recipe import Program, load_programs
from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerError, ScannerSetupError


def list_commands(folder: Path, *, probe: bool) -> tuple[DeviceInfo, ...]:
    """List the scanners of a folder of recipes.

    Parameters
    ----------
    folder : Path
        Folder of recipes.
    probe : bool
        Whether to ask each program, in a process of its own, whether its scanner is there.

    Raises
    ------
    ScannerSetupError
        If a recipe has mistakes.
    """
    return tuple(_describe(program, probe=probe) for program in load_programs(folder))


def open_command(device: str, folder: Path | None) -> CommandScanner:
    """Make the scanner named ``command:NAME``; its process starts with the first call to it.

    Raises
    ------
    ScannerSetupError
        If there is no recipe of this name, or a recipe has mistakes.
    """
    if folder is None:
        advice = "Name the folder with its recipe in the configuration: scanners.programs."
        raise ScannerSetupError(f"{device}: no folder with recipes is configured", advice=advice)
    programs = {program.device: program for program in load_programs(folder)}
    if device not in programs:
        known = ", ".join(programs) or "none"
        raise ScannerSetupError(f"{device}: no recipe of {folder} has this name; there are {known}")
    return CommandScanner(programs[device])


def _describe(program: Program, *, probe: bool) -> DeviceInfo:
    problem = _problem(program) if probe else ""
    return DeviceInfo(
        program.device,
        program.vendor,
        program.model,
        "film scanner",
        program.name,
        None if problem else program.infrared,
        problem,
    )


def _problem(program: Program) -> str:
    try:
        with CommandScanner(program) as scanner:
            scanner.capabilities()
    except ScannerError as error:
        return str(error)
    return ""
