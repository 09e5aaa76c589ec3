"""Print docs/explanation/measured.md from the figures of all benches: `python -m bench.report`.

Each bench writes its figures to `bench/out/NAME.json` when it runs. The report prints a section for each, and names on
the standard error each bench whose figures are missing or were measured at another commit. It fails if there are none.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bench.measures.figures import OUT, Figures, commits_behind, current_commit, read_figures
from bench.measures.gates import gates_table

_WIDTH = 120
_INTRODUCTION = (
    "Every claim about quality and speed can be measured again from a checkout, after `make test`. The film model "
    "(`film/`) knows the truth about its frames and nothing of the engine, so it can judge the engine. Seconds are "
    "noisy: compare them with a peer of the same run only. Do not edit this page: run the benches, then "
    "`python -m bench.report > docs/explanation/measured.md`."
)
_GATES = (
    "What a change of the engine has to hold, from the figures below. The conditions were set before the engine was "
    "measured against them."
)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report: name of the bench, title, and what is measured in one or two sentences."""

    bench: str
    title: str
    measures: str


SECTIONS = (
    Section(
        "real",
        "Real scans",
        "Real 35 mm frames that nobody simulated: damaged ones beside the same restored by hand (FILM-R), clean ones "
        "that nothing may touch, and a crop that Nikon's own Digital ICE cleaned too. F1 is that of the mask against "
        "the damage that the restorer marked, with 2 pixels of tolerance.",
    ),
    Section(
        "quality",
        "Quality",
        "Simulated frames of every kind of film, each cleaned by filmscand and by its peers. F1 is that of the mask "
        "against visible defects, with 2 pixels of tolerance; dB is the peak signal to noise ratio of display values; "
        "harmed is the share of sound pixels whose display value moved by over 1 % of white.",
    ),
    Section(
        "second",
        "A second film and infrared",
        "A second film, damage and infrared, which neither the engine nor the network was made with. Each row is "
        "another sort of infrared, with means over the same pictures.",
    ),
    Section(
        "third",
        "A third film, damage and pictures",
        "About fifty kinds of frames from a simulator that shares no code with the film model, the training or the "
        "second film. An obvious defect changes the light by a tenth at its core; it is missed if less than half of it "
        "is touched or over half keeps most of its error, and half healed if over 15 % of it keep over half of what it "
        "did. A blemish is a place away from defects that cleaning made visibly worse.",
    ),
    Section(
        "blind",
        "Without infrared",
        "Frames without infrared that no training has seen, beside the detector alone and beside common filters. "
        "Defects are counted by their strength, the share of the light that they take at their core.",
    ),
    Section(
        "speed",
        "Speed and memory of the engine",
        "Seconds of each step of `clean_frame`, beside sane-backends' cleaner and in copies of the frame in memory; "
        "the peak of the process in multiples of the frame.",
    ),
    Section(
        "throughput",
        "From file to sidecar",
        "A frame of 24 megapixels from its file in the archive to its sidecar, step by step, as a worker cleans it.",
    ),
    Section(
        "scanning",
        "From scanner to archive",
        "Frames of 24 megapixels from a virtual scanner into the archive, hashed and synced: alone, and while workers "
        "clean; as fast as the line allows, and at a multiple of a real scanner's pace.",
    ),
    Section(
        "page",
        "The page under load",
        "The real service with 200,000 frames: twenty browsers beside a batch of frames of 24 megapixels, every other "
        "batch without them; a roll of 4,000 frames in Chromium; the queries of the page and of the queue.",
    ),
    Section(
        "cluster",
        "Cleaning again on a cluster",
        "Frames cleaned again by workers of a Dask cluster, each a process of one thread: two workers against one on a "
        "machine of two cores ([clean-again.md](../how-to/clean-again.md)).",
    ),
    Section(
        "scale",
        "A model of scale",
        "The cost of a frame, empty frames through the real queue and through Dask, and what archives of a million "
        "frames and more need ([scale.md](scale.md)).",
    ),
    Section(
        "leakage",
        "Fit of the leakage",
        "The slope of infrared on red that an ordinary least-squares fit and filmscand find on the same sky, without "
        "and with dirt ([leakage](leakage.md)).",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page; returns the exit status: 1 if there are no figures at all."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("--figures", type=Path, default=OUT, metavar="DIR", help="folder of the files of figures")
    folder: Path = parser.parse_args(arguments).figures
    figures, problems = read_all(folder)
    commit = current_commit()
    for problem in (*problems, *stale(figures, commit)):
        print(problem, file=sys.stderr)
    if not figures:
        print(f"{folder}: no figures to report. Run a bench first, such as python -m bench.leakage", file=sys.stderr)
        return 1
    print(page(figures, commit, datetime.datetime.now(datetime.UTC).date()))
    return 0


def read_all(folder: Path) -> tuple[dict[str, Figures], list[str]]:
    """Return the figures in a folder by bench, and a message for each bench whose file is missing or unreadable."""
    figures, problems = {}, []
    for section in SECTIONS:
        path = folder / f"{section.bench}.json"
        try:
            figures[section.bench] = read_figures(path)
        except FileNotFoundError:
            problems.append(f"{section.bench}: no figures in {path}. Run python -m bench.{section.bench}")
        except ValidationError as error:
            problems.append(
                f"{section.bench}: {path} is no file of figures: {error.errors()[0]['msg']}. "
                f"Run python -m bench.{section.bench}"
            )
    return figures, problems


def stale(figures: dict[str, Figures], commit: str) -> Iterator[str]:
    """Yield a message for each bench whose figures were measured at another commit than the current one."""
    for name, each in figures.items():
        if each.commit != commit:
            yield f"{name}: measured on {each.date} at commit {each.commit} ({_age(each.commit)}); this is {commit}"


def _age(commit: str) -> str:
    behind = commits_behind(commit)
    return "another commit" if behind is None else f"{_plural(behind, 'commit')} older"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def page(figures: dict[str, Figures], commit: str, date: datetime.date) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    figures : dict from str to Figures
        Figures by bench.
    commit : str
        Commit of the checkout.
    date : datetime.date
        Day of the report.
    """
    parts = ["# Measured", _wrapped(_INTRODUCTION), f"Printed on {date} at commit `{commit}`."]
    parts += ["## All gates", _wrapped(_GATES), gates_table(figures).as_markdown()]
    for section in SECTIONS:
        parts += [f"## {section.title}", _wrapped(section.measures)]
        if section.bench in figures:
            parts += _measured(figures[section.bench], commit)
        else:
            parts.append(f"Not measured yet: run `python -m bench.{section.bench}`.")
    return "\n\n".join(parts)


def _measured(figures: Figures, commit: str) -> list[str]:
    source = f"`{figures.command}`, on {figures.date}, {_plural(figures.cores, 'core')}, commit `{figures.commit}`"
    if figures.commit != commit:
        source += f" ({_age(figures.commit)})"
    return [_wrapped(f"{source}:"), *(table.as_markdown() for table in figures.tables)]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
