"""How well real scans are cleaned that nobody here made: `python -m bench.real --data DIR`.

`DIR/pairs` holds frames without infrared and the same restored by hand (NAME_damaged, NAME_restored, and NAME_truth,
bright where the damage is), `DIR/spotless` clean scans. `--ice DIR` names a folder with one scan with infrared and what
Nikon's Digital ICE made of it. All are 8-bit display values; they are widened to 16 bits.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.console import Console

from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.figures import save_figures
from bench.measures.metrics import Answer, Counts, decibel, is_worse, mean
from bench.peers.cleaners import detector_alone, median_and_specks
from filmscand.daemon.evaluation.metrics import squared_error
from filmscand.ir import CleanOptions, clean_frame
from training.mask_agreement import Mask, harmonic_mean, precision_and_recall

OURS, DETECTOR, MEDIAN = "filmscand", "detector alone", "median Dust & Scratches"
# A truth mask is a photograph of strokes, stored as JPEG: over this level it is damage (said by its makers).
TRUTH_LEVEL = 100
# From 8 bits to 16: white stays white.
WIDEN = np.uint16(257)
_ICE = {"scan": "input_rgb.png", "infrared": "input_ir.png", "cleaned": "nikonscan.png"}

Cleaner = Callable[[Counts, Counts | None], Answer]


@dataclass(frozen=True, slots=True)
class Pair:
    """A damaged frame, the same restored by hand, and where the damage is."""

    name: str
    damaged: Counts
    restored: Counts
    truth: Mask


def main(arguments: Sequence[str] | None = None) -> int:
    """Clean the scans, print the tables and save the figures; returns the exit status, 1 if there is no scan."""
    options = _arguments(arguments)
    cleaners = make_cleaners(options.sensitivity)
    tables = list(_tables(options, cleaners))
    if not tables:
        print(f"{options.data}: expected the folders pairs and spotless, found neither", file=sys.stderr)
        return 1
    console = Console(width=None if Console().is_terminal else 140)
    for table in tables:
        console.print(table.for_terminal())
    save_figures("real", tables)
    return 0


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.real", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with pairs/ and spotless/")
    parser.add_argument("--ice", type=Path, help="folder with a scan, its infrared, and the same by Digital ICE")
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--pictures", type=Path, help="folder for a PNG of each scan as filmscand cleaned it, and mask")
    return parser.parse_args(arguments)


def _tables(options: argparse.Namespace, cleaners: dict[str, Cleaner]) -> Iterator[FigureTable]:
    if (folder := options.data / "pairs").is_dir():
        yield pairs_table(list(read_pairs(folder)), cleaners, options.pictures)
    if (folder := options.data / "spotless").is_dir():
        yield spotless_table(_pictures(folder), cleaners, options.pictures)
    if options.ice is not None:
        yield ice_table(options.ice, cleaners)


def make_cleaners(sensitivity: float) -> dict[str, Cleaner]:
    """Return filmscand, its detector alone (which heals nothing), and the usual filter, by name."""
    return {
        OURS: partial(_cleaned, CleanOptions(sensitivity)),
        DETECTOR: partial(_detected, sensitivity),
        MEDIAN: _median,
    }


def _cleaned(options: CleanOptions, rgb: Counts, infrared: Counts | None) -> Answer:
    began = time.perf_counter()
    cleaned = clean_frame(rgb, infrared, options)
    return Answer(cleaned.rgb, cleaned.defect_mask, time.perf_counter() - began)


def _detected(sensitivity: float, rgb: Counts, _: Counts | None) -> Answer:
    return detector_alone(rgb, sensitivity)


def _median(rgb: Counts, _: Counts | None) -> Answer:
    began = time.perf_counter()
    median, mask = median_and_specks((rgb // WIDEN).astype(np.uint8))
    cleaned = rgb.copy()
    cleaned[mask] = median[mask] * WIDEN
    return Answer(cleaned, mask, time.perf_counter() - began)


def read_pairs(folder: Path) -> Iterator[Pair]:
    """Yield the pairs of a folder.

    Raises
    ------
    FileNotFoundError
        The folder has no pair, or a file of one is missing.
    ValueError
        The pictures of a pair differ in size.
    """
    paths = sorted(folder.glob("*_damaged.*"))
    if not paths:
        raise FileNotFoundError(f"{folder}: expected files NAME_damaged.jpg, found none")
    for path in paths:
        name = path.stem.removesuffix("_damaged")
        damaged, restored = (_read(folder / f"{name}_{part}{path.suffix}") for part in ("damaged", "restored"))
        if damaged.shape != restored.shape:
            raise ValueError(f"{folder}/{name}: the pictures of a pair differ in size")
        truth = _read_truth(folder / f"{name}_truth{path.suffix}", (damaged.shape[0], damaged.shape[1]))
        yield Pair(name, damaged, restored, truth)


def _read_truth(path: Path, shape: tuple[int, int]) -> Mask:
    """Read a truth mask; its makers stored one larger than its picture."""
    truth = Image.open(path).convert("L")
    rows, cols = shape
    if abs(truth.width / truth.height - cols / rows) > 1 / rows:
        raise ValueError(f"{path}: expected the proportions of {cols} x {rows} pixels, found {truth.size}")
    return np.asarray(truth.resize((cols, rows), Image.Resampling.BOX)) > TRUTH_LEVEL


def _read(path: Path) -> Counts:
    return np.asarray(Image.open(path).convert("RGB")).astype(np.uint16) * WIDEN


def pairs_table(pairs: Sequence[Pair], cleaners: dict[str, Cleaner], pictures: Path | None = None) -> FigureTable:
    """Return a row for each pair and cleaner.

    Parameters
    ----------
    pairs : sequence of Pair
        The pairs.
    cleaners : dict from str to callable
        Cleaners by name.
    pictures : Path, optional
        Folder for what filmscand made of them.
    """
    rows = []
    for pair in pairs:
        for name, clean in cleaners.items():
            answer = clean(pair.damaged, None)
            rows.append((pair.name, name, *_pair_row(pair, answer)))
            if name == OURS and pictures is not None:
                _save(pictures, pair.name, answer)
    return FigureTable(
        title="damaged frames, restored by hand; dB of display values against the restored frame",
        columns=columns(
            "frame", "cleaner", ("F1", 3), ("precision", 3), ("recall", 3), ("dB raw", 2), ("dB", 2), "better", ("s", 1)
        ),
        rows=tuple(rows),
    )


def _pair_row(pair: Pair, answer: Answer) -> tuple[Cell, ...]:
    precision, recall = precision_and_recall(answer.mask, pair.truth)
    before, after = (_decibel(rgb, pair.restored) for rgb in (pair.damaged, answer.rgb))
    healed = answer.rgb is not pair.damaged
    better = "yes" if is_worse(before, after) else "no"
    scores = (harmonic_mean(precision, recall), precision, recall, before)
    return (*scores, *((after, better) if healed else (None, "-")), answer.seconds)


def _decibel(rgb: Counts, truth: Counts) -> float:
    return decibel(squared_error(_display(rgb), _display(truth)))


def _display(rgb: Counts) -> npt.NDArray[np.float32]:
    return rgb.astype(np.float32) / np.float32(65535)


def spotless_table(scans: dict[str, Counts], cleaners: dict[str, Cleaner], pictures: Path | None = None) -> FigureTable:
    """Return a row for each cleaner: how many clean scans it touched, and how much of them.

    Parameters
    ----------
    scans : dict from str to (rows, cols, 3) ndarray of uint16
        Clean scans by name.
    cleaners : dict from str to callable
        Cleaners by name.
    pictures : Path, optional
        Folder for what filmscand made of those that it touched.
    """
    rows = []
    for cleaner, clean in cleaners.items():
        shares = {}
        for name, rgb in scans.items():
            answer = clean(rgb, None)
            shares[name] = float(answer.mask.mean())
            if cleaner == OURS and pictures is not None and shares[name]:
                _save(pictures, name, answer)
        worst = max(shares, key=shares.__getitem__)
        touched = sum(share > 0 for share in shares.values())
        rows.append((cleaner, touched, 100 * mean(shares.values()), 100 * shares[worst], worst if touched else "-"))
    return FigureTable(
        title=f"{len(scans)} clean scans, which nothing may touch",
        columns=columns("cleaner", "touched", ("masked %", 4), ("most masked %", 4), "of"),
        rows=tuple(rows),
    )


def _pictures(folder: Path) -> dict[str, Counts]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".png", ".jpg", ".tif"})
    if not paths:
        raise FileNotFoundError(f"{folder}: expected pictures, found none")
    return {path.stem: _read(path) for path in paths}


def ice_table(folder: Path, cleaners: dict[str, Cleaner]) -> FigureTable:
    """Return a row for each cleaner: how near it comes to what Digital ICE made of a scan with infrared.

    Parameters
    ----------
    folder : Path
        Folder with the scan, its infrared, and the same scan cleaned by Nikon's program.
    cleaners : dict from str to callable
        Cleaners by name.
    """
    scan, cleaned = (_read(folder / _ICE[part]) for part in ("scan", "cleaned"))
    infrared = np.asarray(Image.open(folder / _ICE["infrared"]).convert("L")).astype(np.uint16) * WIDEN
    rows = []
    for name, clean in cleaners.items():
        answer = clean(scan, infrared)
        after = None if answer.rgb is scan else _decibel(answer.rgb, cleaned)
        rows.append((name, _decibel(scan, cleaned), after, 100 * float(answer.mask.mean())))
    return FigureTable(
        title="a scan with infrared; dB against the same scan cleaned by Digital ICE",
        columns=columns("cleaner", ("dB raw", 2), ("dB", 2), ("masked %", 2)),
        rows=tuple(rows),
    )


def _save(folder: Path, name: str, answer: Answer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray((answer.rgb // WIDEN).astype(np.uint8)).save(folder / f"{name}_clean.png")
    Image.fromarray(answer.mask).save(folder / f"{name}_mask.png")


if __name__ == "__main__":
    sys.exit(main())
