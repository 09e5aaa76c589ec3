"""`filmscand seal`: make bags of finished rolls."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from filmscand.daemon.cli.screen.terminal import say
from filmscand.daemon.cli.stations import AsJson, ConfigFile, open_desk, print_answer
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk


def seal(
    rolls: Annotated[list[str], typer.Argument(metavar="COLLECTION/BOX/ROLL...", help="Finished rolls to seal.")],
    info: Annotated[
        list[str] | None,
        typer.Option("--info", metavar="'LABEL: VALUE'", help="Line for bag-info.txt; can be repeated."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Seal rolls: each becomes a BagIt bag with manifests, and no frame can be added to it later."""
    from filmscand.daemon.cli.screen.bars import reading_bar

    labels = dict(_label(line) for line in info or ())
    station, desk = open_desk(config, as_json=as_json)
    try:
        # The service reads the files, and tells of it only at the end.
        is_own = isinstance(desk, OwnDesk)
        with reading_bar("sealed", [station.archive / roll for roll in rolls]) if is_own else nullcontext():
            sealed = [desk.seal(roll, labels) for roll in rolls]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        print_answer(station, {"sealed": sealed})
        return
    for one in sealed:
        again = f", generation {one.generation}" if one.generation > 1 else ""
        size = f"{one.size_bytes / 1e9:.2f} GB"
        say(f"{one.roll}: {one.frames} frames, {one.files} files, {size} sealed in {one.folder}{again}")


def _label(line: str) -> tuple[str, str]:
    label, colon, value = line.partition(":")
    if not colon:
        raise typer.BadParameter(f"expected 'LABEL: VALUE', found {line!r}")
    return label.strip(), value.strip()
