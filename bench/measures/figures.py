"""Files of figures, `bench/out/NAME.json`: the tables of a bench, with date, commit and command line.

Each bench writes one when it runs; `python -m bench.report` reads them.
"""

from __future__ import annotations

import datetime
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bench.measures.figure_table import FigureTable

HOUSE = Path(__file__).parent.parent.parent
OUT = HOUSE / "bench" / "out"
UNKNOWN = "unknown"
_DIRTY = "-dirty"


class Figures(BaseModel):
    """The figures of one run of a bench.

    Parameters
    ----------
    bench : str
        Name of the bench: NAME of `python -m bench.NAME`.
    date : datetime.date
        Day of the run, UTC.
    commit : str
        Commit of the checkout that was measured, with "-dirty" if tracked files had changed; "unknown" without git.
    command : str
        Command line.
    cores : int
        Processor cores that the run could use.
    tables : tuple of FigureTable
        The figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bench: str
    date: datetime.date
    commit: str
    command: str
    cores: int
    tables: tuple[FigureTable, ...]


def save_figures(bench: str, tables: Sequence[FigureTable], folder: Path | None = None) -> Path:
    """Write the figures of the bench that this process ran.

    Parameters
    ----------
    bench : str
        Name of the bench.
    tables : sequence of FigureTable
        Its figures.
    folder : Path, optional
        Folder for NAME.json, created if missing; default `OUT`.

    Returns
    -------
    Path
        The file.
    """
    figures = Figures(
        bench=bench,
        date=datetime.datetime.now(datetime.UTC).date(),
        commit=current_commit(),
        command=shlex.join(["python", "-m", f"bench.{bench}", *sys.argv[1:]]),
        cores=len(os.sched_getaffinity(0)),
        tables=tuple(tables),
    )
    path = (folder or OUT) / f"{bench}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(figures.model_dump_json(indent=1) + "\n")
    return path


def read_figures(path: Path) -> Figures:
    """Read a file of figures.

    Raises
    ------
    OSError
        There is no such file.
    pydantic.ValidationError
        It is no file of figures.
    """
    return Figures.model_validate_json(path.read_text())


def current_commit(house: Path = HOUSE) -> str:
    """Return the commit of a checkout, with "-dirty" if tracked files have changed; "unknown" without git."""
    commit = _git(house, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return UNKNOWN
    return commit + _DIRTY if _git(house, "status", "--porcelain", "--untracked-files=no") else commit


def commits_behind(commit: str, house: Path = HOUSE) -> int | None:
    """Return how many commits HEAD is ahead of a commit; None if that is no ancestor of HEAD, or unknown."""
    if commit == UNKNOWN or commit.endswith(_DIRTY):
        return None
    if _git(house, "merge-base", "--is-ancestor", commit, "HEAD") is None:
        return None
    count = _git(house, "rev-list", "--count", f"{commit}..HEAD")
    return None if count is None else int(count)


def _git(house: Path, *words: str) -> str | None:
    """Return what git prints, None if it fails or is not installed."""
    try:
        process = subprocess.run(["git", *words], cwd=house, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return process.stdout.strip() if process.returncode == 0 else None
