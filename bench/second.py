"""How well frames of a second film, damage and infrared are cleaned: `python -m bench.second`.

The engine was made without these frames. A result that is much worse here than on `bench.quality` shows a rule that was
fitted to `film/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.frames.photographs import MakePicture, held_out_pictures, photograph
from bench.frames.second_film import second_model
from bench.frames.second_infrared import SecondInfrared
from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.figures import save_figures
from bench.measures.metrics import Answer, Judge, Score, decibel
from filmscand.ir import CleanOptions, clean_frame

FIRST_SEED = 97_001
FRAME_PX = (1000, 1500)
MAKES = {
    "good": SecondInfrared(),
    "leak that bends": SecondInfrared(leak=0.2, bend=0.15),
    "soft focus": SecondInfrared(focus_px=2.6),
    "stray light": SecondInfrared(stray=0.1),
    "bands": SecondInfrared(banding=0.006),
    "noisy": SecondInfrared(noise=0.015),
    "displaced": SecondInfrared(shift_px=(3.4, -2.3)),
    "eight bits": SecondInfrared(bits=8),
    "leak of 0.3": SecondInfrared(leak=0.3),
    "leak of 0.4": SecondInfrared(leak=0.38),
    "leak of 0.6": SecondInfrared(leak=0.6, bend=-0.08),
    "contrast of 0.4": SecondInfrared(contrast=0.4),
    "contrast of 0.2": SecondInfrared(contrast=0.2),
}


def main() -> None:
    """Clean the frames, print a row for each make of infrared and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.second", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photographs; held-out ones only, if it has any")
    parser.add_argument("--makes", nargs="+", choices=MAKES, default=list(MAKES), metavar="MAKE")
    parser.add_argument("--detector", choices=("auto", "off"), default="auto")
    options = parser.parse_args()
    pictures = list(_pictures(options.photos).values())
    clean_options = CleanOptions(detector=options.detector)
    rows = [
        (name, *second_row(make, index, pictures, clean_options))
        for index, (name, make) in enumerate(MAKES.items())
        if name in options.makes
    ]
    table = second_table(rows, len(pictures))
    Console(width=None if Console().is_terminal else 120).print(table.for_terminal())
    save_figures("second", [table])


def second_table(rows: Sequence[tuple[Cell, ...]], pictures: int) -> FigureTable:
    """Return the table of the makes of infrared, from a row of each."""
    return FigureTable(
        title=f"means over {pictures} pictures of {FRAME_PX[0]} x {FRAME_PX[1]}",
        columns=columns(
            "infrared",
            ("F1", 3),
            ("precision", 3),
            ("recall", 3),
            ("weakest F1", 3),
            ("dB gained", 1),
            "frames left worse",
            ("harmed %", 3),
            ("spotless: changed %", 4),
        ),
        rows=tuple(rows),
    )


def _pictures(folder: Path | None) -> dict[str, MakePicture]:
    pictures = {name: photograph(name) for name in ("coffee", "astronaut")}
    return pictures if folder is None else pictures | held_out_pictures(folder)


def second_row(
    infrared: SecondInfrared, index: int, pictures: Sequence[MakePicture], options: CleanOptions
) -> tuple[Cell, ...]:
    """Return the figures of one make of infrared.

    Parameters
    ----------
    infrared : SecondInfrared
        The make.
    index : int
        Its number, for the seeds.
    pictures : sequence of callable
        Pictures to put on the film.
    options : CleanOptions
        Options of the engine.
    """
    scores: list[Score] = []
    gains_db, spotless_shares = [], []
    for number, picture in enumerate(pictures):
        seed = FIRST_SEED + 20 * index + number
        frame = second_model(picture(*FRAME_PX), seed=seed, infrared=infrared)
        cleaned, judge = clean_frame(frame.rgb, frame.infrared, options), Judge(frame)
        score = judge.score(Answer(cleaned.rgb, cleaned.defect_mask, 0.0))
        scores.append(score)
        gains_db.append(score.frame_db - decibel(judge.error(frame.rgb)))
        spotless = second_model(picture(*FRAME_PX), seed=seed, spotless=True, infrared=infrared)
        spotless_shares.append(clean_frame(spotless.rgb, spotless.infrared, options).defect_mask.mean())
    return (
        *(float(np.mean([getattr(score, name) for score in scores])) for name in ("f1", "precision", "recall")),
        min(score.f1 for score in scores),
        float(np.mean(gains_db)),
        sum(score.worse for score in scores),
        100 * float(np.mean([score.harmed for score in scores])),
        100 * float(np.mean(spotless_shares)),
    )


if __name__ == "__main__":
    main()
