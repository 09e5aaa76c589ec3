"""Progress bars on a terminal: one line each, whatever its width, with the time gone and the time left."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from filmscand.daemon.cli.screen.terminal import columns_of
from filmscand.daemon.cli.screen.wrapping import pad, shorten
from filmscand.daemon.core.progress import bytes_told_to
from filmscand.daemon.core.visible import visible

# Window of the estimate of the time left, seconds. A slide takes a minute, so the default half minute is too short.
_ESTIMATE_S: Final = 3600.0
_BAR_COLUMNS: Final = 12
# A name beside a bar: long enough for `roll_0007_raw.tif`.
_NAME_COLUMNS: Final = 24
_USUAL_COLUMNS: Final = 80


@contextmanager
def progress_bars(*, keep: bool = False) -> Iterator[Progress]:
    """Show progress bars on stderr while it is a terminal (a context manager); other lines go above them.

    A task is added by `add_bar`. `keep`: the bars stay when they are done.
    """
    console = Console(stderr=True, width=columns_of(sys.stderr))
    with Progress(
        _Line(),
        console=console,
        disable=not sys.stderr.isatty(),
        transient=not keep,
        speed_estimate_period=_ESTIMATE_S,
    ) as progress:
        yield progress


class Bar:
    """One bar of `progress_bars`."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def show(self, done: float, count: str, *, total: float | None = None, name: str = "", state: str = "") -> None:
        """Show how much is done, with numbers as text, and whatever else is known."""
        self._progress.update(self._task, completed=done, count=count, state=state)
        if total is not None:
            self._progress.update(self._task, total=total)
        if name:
            self._progress.update(self._task, description=name)


def add_bar(progress: Progress, name: str, total: float | None = None) -> Bar:
    """Add a bar; without `total` it shows numbers and time only."""
    return Bar(progress, progress.add_task(name, total=total, count="", state=""))


@contextmanager
def reading_bar(name: str, folders: Iterable[Path]) -> Iterator[None]:
    """Show how many bytes of the files in `folders` were read back inside (a context manager); on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    total = sum(map(_bytes_below, folders))
    done = 0
    with progress_bars() as progress:
        bar = add_bar(progress, name, total or None)

        def more(count: int) -> None:
            nonlocal done
            done += count
            bar.show(done, f"{done / 1e9:.2f} of {max(done, total) / 1e9:.2f} GB")

        with bytes_told_to(more):
            yield


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            # A file that cannot be looked at is a matter for the command; the bar is only a little off.
            with suppress(OSError):
                total += Path(place, file).lstat().st_size
    return total


def line_of(name: str, part: float | None, words: list[str], state: str, width: int) -> str:
    """Return the line of a bar: name, bar, words, and as much of the state as fits.

    Parameters
    ----------
    name, state : str
        Texts from outside; they are escaped.
    part : float or None
        Part that is done, 0..1; None: the whole is not known, and there is no bar.
    words : list of str
        Numbers and times.
    width : int
        Columns of the terminal. On a narrow one the bar goes first.
    """
    fixed = "  ".join(filter(None, words))
    bar = "" if part is None else "━" * round(part * _BAR_COLUMNS) + "╌" * (_BAR_COLUMNS - round(part * _BAR_COLUMNS))
    for parts in ((bar, fixed), ("", fixed)):
        rest = "  ".join(filter(None, parts))
        room = width - len(rest) - 2
        if room >= min(_NAME_COLUMNS, max(8, len(name))):
            break
    head = f"{pad(shorten(visible(name), max(1, min(room, _NAME_COLUMNS))), 8)}  {rest}"
    left = width - len(head) - 2
    line = f"{head}  {shorten(visible(state), left)}" if state and left > 3 else head
    return shorten(line, width)


class _Line(ProgressColumn):
    """Renders the whole line of a task. Its fields: `count`, the numbers as text, and `state`."""

    def render(self, task: Task) -> Text:
        part = None if not task.total else min(1.0, task.completed / task.total)
        words = [str(task.fields.get("count", "")), _clock("gone", task.elapsed), _clock("left", task.time_remaining)]
        console_columns = columns_of(sys.stderr) or _USUAL_COLUMNS
        # The last column stays free: some terminals begin a new line when it is written.
        line = line_of(task.description, part, words, str(task.fields.get("state", "")), console_columns - 1)
        return Text(line, no_wrap=True, overflow="crop")


def _clock(word: str, seconds: float | None) -> str:
    return "" if seconds is None else f"{word} {timedelta(seconds=int(seconds))}"
