"""How well frames of a second film, damage and infrared are cleaned: `python -m bench.second`.

Nothing of it was there when the engine was made: what is much worse here than on `bench.quality` was fitted to `film/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.blind_damage import second_model
from bench.blind_frames import held_out_pictures
from bench.frames import MakePicture, photograph
from bench.metrics import Answer, Judge, decibel
from bench.second_infrared import SecondInfrared
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
    """Run the frames and print a row for each make of infrared."""
    parser = argparse.ArgumentParser(prog="python -m bench.second", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photographs; those that training holds out are taken")
    parser.add_argument("--makes", nargs="+", choices=MAKES, default=list(MAKES), metavar="MAKE")
    parser.add_argument("--detector", choices=("auto", "off"), default="auto")
    asked = parser.parse_args()
    table = Table(title="a second film, damage and infrared: means over the pictures")
    for name in ("infrared", "F1", "precision", "recall", "weakest F1", "dB gained", "worse", "harmed %", "spotless %"):
        table.add_column(name)
    for index, name in enumerate(MAKES):
        if name in asked.makes:
            table.add_row(name, *_row(MAKES[name], index, asked.photos, CleanOptions(detector=asked.detector)))
    Console(width=None if Console().is_terminal else 120).print(table)


def _pictures(folder: Path | None) -> dict[str, MakePicture]:
    pictures = {name: photograph(name) for name in ("coffee", "astronaut")}
    return pictures if folder is None else pictures | held_out_pictures(folder)


def _row(how: SecondInfrared, index: int, folder: Path | None, options: CleanOptions) -> Iterator[str]:
    found, gains, spotless = [], [], []
    for number, picture in enumerate(_pictures(folder).values()):
        seed = FIRST_SEED + 20 * index + number
        frame = second_model(picture(*FRAME_PX), seed=seed, infrared=how)
        cleaned, judge = clean_frame(frame.rgb, frame.infrared, options), Judge(frame)
        score = judge.score(Answer(cleaned.rgb, cleaned.defect_mask, 0.0))
        found.append(score)
        gains.append(score.frame_db - decibel(judge.error(frame.rgb)))
        bare = second_model(picture(*FRAME_PX), seed=seed, spotless=True, infrared=how)
        spotless.append(clean_frame(bare.rgb, bare.infrared, options).defect_mask.mean())
    for name in ("f1", "precision", "recall"):
        yield f"{np.mean([getattr(each, name) for each in found]):.3f}"
    yield f"{min(each.f1 for each in found):.3f}"
    yield f"{np.mean(gains):+.1f}"
    yield str(sum(each.worse for each in found))
    yield f"{100 * np.mean([each.harmed for each in found]):.3f}"
    yield f"{100 * np.mean(spotless):.4f}"


if __name__ == "__main__":
    main()
