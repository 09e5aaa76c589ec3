"""The section `scanners` of the configuration, and what is wrong with the recipes that it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from filmscand.daemon.station.sections.section import Section


class Scanners(Section):
    """Where to look for scanners, besides those that SANE finds at this machine."""

    hosts: tuple[str, ...] = ()
    programs: Path | None = None


def program_problems(scanners: Scanners) -> Iterator[str]:
    """Yield what is wrong with the recipes of scanner programs."""
    if scanners.programs is None:
        return
    # Every command reads the configuration; only `filmscand config check` needs the recipes.
    from filmscand.drivers.command.recipe import load_program, program_files
    from filmscand.drivers.scanner.errors import ScannerSetupError

    try:
        files = program_files(scanners.programs)
    except ScannerSetupError as error:
        yield str(error)
        return
    for file in files:
        try:
            load_program(file)
        except ScannerSetupError as error:
            yield str(error)
