"""The command `filmscand demo`: the main job, shown end to end on a scratch station."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from filmscand.daemon.core.exit_status import Exit


def demo(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="New or empty folder for the scratch station; default: in /tmp."),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the scratch station at the end.")] = False,
) -> None:
    """Show the main job on a scratch station: scan six slides of a virtual scanner, and clean nine frames.

    On a terminal it ends by serving the station's page until Ctrl-C. Touches no other station.
    """
    from rich.console import Console

    from filmscand.daemon.demo.show import show_demo

    root = Path(tempfile.mkdtemp(prefix="filmscand-")) if folder is None else _made(folder)
    done = show_demo(root, Console(), keep=not remove)
    # After a failure there is something to look at.
    if done and remove:
        shutil.rmtree(root)
        print(f"removed {root}")
    raise typer.Exit(Exit.DONE if done else Exit.FAILED)


def _made(folder: Path) -> Path:
    folder = folder.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise typer.BadParameter(f"--folder: expected a new or an empty folder, found {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
