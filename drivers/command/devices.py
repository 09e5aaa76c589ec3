"""Lists the scanners that have a recipe for another program, and opens one by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from filmscand.drivers.command.recipe import PREFIX, Program, load_program, program_files
from filmscand.drivers.command.scanner import CommandScanner
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerError, ScannerSetupError

_KIND: Final = "film scanner"


def list_commands(folder: Path, *, probe: bool) -> tuple[DeviceInfo, ...]:
    """List the scanners of a folder of recipes; a recipe with mistakes is listed with them.

    Parameters
    ----------
    folder : Path
        Folder of recipes.
    probe : bool
        Whether to ask each program, in a process of its own, whether its scanner is there.

    Raises
    ------
    ScannerSetupError
        If the folder cannot be read.
    """
    return tuple(_describe(file, probe=probe) for file in program_files(folder))


def open_command(device: str, folder: Path | None) -> CommandScanner:
    """Make the scanner named ``command:NAME``; its process starts with the first call to it.

    Raises
    ------
    ScannerSetupError
        If there is no recipe of this name, or it has mistakes.
    """
    if folder is None:
        advice = "Name the folder with its recipe in the configuration: scanners.programs."
        raise ScannerSetupError(f"{device}: no folder with recipes is configured", advice=advice)
    files = {PREFIX + file.stem: file for file in program_files(folder)}
    if device not in files:
        known = ", ".join(files) or "none"
        raise ScannerSetupError(f"{device}: no recipe in {folder} has this name; there are {known}")
    return CommandScanner(load_program(files[device]))


def _describe(file: Path, *, probe: bool) -> DeviceInfo:
    try:
        program = load_program(file)
    except ScannerSetupError as error:
        return DeviceInfo(PREFIX + file.stem, "", "", _KIND, None, None, str(error))
    problem = _problem(program) if probe else ""
    infrared = None if problem else program.infrared
    return DeviceInfo(program.device, program.vendor, program.model, _KIND, program.name, infrared, problem)


def _problem(program: Program) -> str:
    try:
        with CommandScanner(program) as scanner:
            scanner.capabilities()
    except ScannerError as error:
        return str(error)
    return ""
