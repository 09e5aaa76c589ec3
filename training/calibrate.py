"""Fit the classifier of candidate regions: `python -m training.calibrate --photos DIR --artefacts DIR`.

Frames of every kind of film, dusty, hardly dusty and spotless, are simulated with all photographs (on the few that no
network was trained on, hardly any candidate is part of the picture) and with held-out outlines. They are looked at as
the engine does: with infrared alone, with network and infrared, and with the colours alone. Each time a logistic
regression learns which candidate regions are damage.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.film.recipe import Damage, Process
from filmscand.ir.decision.classifier import FILE, Basis, terms_of
from filmscand.ir.decision.defects import candidates_of
from filmscand.ir.decision.region_features import FEATURES, Evidence, measure_features
from filmscand.ir.detection.regions import Regions, none, region_means
from filmscand.ir.leakage.usability import blocking_caution, leakage_caution
from filmscand.ir.methods.colours import look_at_colours
from filmscand.ir.methods.infrared import InfraredFrame, look_at_both
from filmscand.ir.methods.measure import fit_frame, open_frame, subtract_leakage
from filmscand.ir.report import Caution, CleanOptions
from filmscand.ir.stopwatch import StopWatch
from training.mask_agreement import widened
from training.sheets.sources import Sources, load_sources

Doubles = npt.NDArray[np.float64]

SHAPE = (600, 900)
FIRST_SEED = 60_001
# Nothing can be learnt on film without a picture.
BLANK = frozenset({"unexposed", "fully_dark"})
# Damage of the frames, in turn.
DAMAGE = ("dusty", "few", "dusty", "spotless")
# Amount of dust, dirt and short hairs on a frame with little damage, of the usual 1.
FEW = 0.1
# Area from which a region counts no more than this one, pixels: the weight of a region is the root of its area.
MOST_PX = 2000
# Weight of a candidate that is no damage, beside one that is: a false alarm harms what was sound. At 1 five of 33 clean
# real scans were touched, at 1.5 two, and at 2 also two, with less found elsewhere.
FALSE_ALARM_WEIGHT = 1.5
# Penalty on the square of a weight. From 3 to 30, frames of another simulator are judged alike (0.961 to 0.958 of the
# area, by infrared alone); the less, the fewer regions are doubtful, and the more of the sure ones are wrong.
RIDGE = 10.0
# Rounds of Newton's method.
ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """Candidate regions of frames.

    Attributes
    ----------
    features : (regions, features) ndarray of float64
        See `filmscand.ir.decision.region_features`.
    damaged : (regions,) ndarray of float64
        Part of each region within 2 pixels of visible damage, 0..1.
    areas : (regions,) ndarray of float64
        Pixels.
    """

    features: Doubles
    damaged: Doubles
    areas: Doubles


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, fit, and write the weights."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parse(arguments)
    seen, held_out = (load_sources(options.photos, options.artefacts, held_out=held) for held in (False, True))
    sources = replace(held_out, photos=large_enough((*seen.photos, *held_out.photos)))
    samples: dict[Basis, list[Sample]] = {Basis(name): [] for name in options.bases}
    for number, (name, frame) in enumerate(calibration_frames(sources, options.frames)):
        for basis, sample in samples_of(frame, number, samples):
            samples[basis].append(sample)
        print(name, *(len(kept[-1].areas) for kept in samples.values() if kept), flush=True)
    command = shlex.join(["python", "-m", "training.calibrate", *arguments])
    text: dict[str, Any] = json.loads(options.output.read_text()) if options.output.exists() else {}
    for basis, kept in samples.items():
        text[basis] = {"command": command, **fitted(joined(kept))}
    options.output.write_text(json.dumps(text, indent=1) + "\n")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (*.jpg)")
    parser.add_argument("--artefacts", type=Path, required=True, help="folder with outlines.json and drawn/")
    parser.add_argument("--frames", type=int, default=210, help="number of frames")
    parser.add_argument(
        "--bases",
        nargs="+",
        choices=[str(basis) for basis in Basis],
        default=[str(basis) for basis in Basis],
        help="what to fit; the output keeps the weights of the others",
    )
    parser.add_argument("--output", type=Path, default=Path("ir/models") / FILE)
    return parser.parse_args(arguments)


def large_enough(photos: Sequence[npt.NDArray[Any]]) -> tuple[npt.NDArray[Any], ...]:
    """Return the photographs from which a frame can be cut: enlarged, they would show what no scan shows."""
    return tuple(
        photo for photo in photos if all(have >= want for have, want in zip(photo.shape[:2], SHAPE, strict=True))
    )


def calibration_frames(sources: Sources, count: int) -> Iterator[tuple[str, SimulatedFrame]]:
    """Simulate frames of all kinds in turn: with the damage of the kind, every second time with little or none.

    Parameters
    ----------
    sources : Sources
        Photographs and outlines.
    count : int
        Number of frames.

    Yields
    ------
    name : str
        Kind, damage and picture.
    frame : SimulatedFrame
    """
    for number in range(count):
        kind, name, damage = _damaged(number, sources)
        rng = np.random.default_rng(FIRST_SEED + number)
        frame = simulate_frame(_picture(rng, sources), replace(KINDS[kind], damage=damage), seed=FIRST_SEED + number)
        yield f"{kind} {name}", frame


def _damaged(number: int, sources: Sources) -> tuple[str, str, Damage]:
    """Return kind, name of the damage and damage of a frame; the damage changes from frame to frame and each round."""
    kinds = [kind for kind in KINDS if kind not in BLANK]
    kind, name = kinds[number % len(kinds)], DAMAGE[(number + number // len(kinds)) % len(DAMAGE)]
    if name == "spotless":
        return kind, name, KINDS["spotless"].damage
    usual = replace(KINDS[kind].damage, outlines=sources.outlines if number % 2 else ())
    if name == "few":
        usual = replace(usual, dust=FEW, dirt=FEW, short_hairs=FEW, long_hairs=0, scratches=0)
    return kind, name, usual


def _picture(rng: np.random.Generator, sources: Sources) -> npt.NDArray[Any]:
    """Draw a part of a photograph, reduced at random, or a drawn picture."""
    rows, cols = SHAPE
    choice = int(rng.integers(len(sources.photos) + 2))
    if choice >= len(sources.photos):
        draw = list(PICTURES.values())[int(rng.integers(len(PICTURES)))]
        return draw(rows, cols, int(rng.integers(2**31)))
    photo = sources.photos[choice]
    least = max(rows / photo.shape[0], cols / photo.shape[1])
    scale = rng.uniform(least, 1)
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (int(rng.integers(have - want + 1)) for have, want in zip(small.shape[:2], SHAPE, strict=True))
    part = small[top : top + rows, left : left + cols]
    return np.ascontiguousarray(part[:, ::-1] if rng.uniform() < 0.5 else part)


def samples_of(frame: SimulatedFrame, number: int, bases: Container[Basis]) -> Iterator[tuple[Basis, Sample]]:
    """Yield what the engine sees of a frame on each basis, if the network is asked about all candidates.

    Parameters
    ----------
    frame : SimulatedFrame
        The frame.
    number : int
        Every second frame is looked at in colours as a program saves it.
    bases : container of Basis
        What is wanted.
    """
    options = CleanOptions()
    watch = StopWatch()
    seen = infrared_frame(frame, watch) if Basis.BOTH in bases or Basis.INFRARED in bases else None
    if seen is not None:
        evidence, residual, _ = look_at_both(seen, options, watch, everything=True)
        alone = replace(evidence, probability=None)
        for basis, shown in ((Basis.BOTH, evidence), (Basis.INFRARED, alone)):
            if basis in bases:
                yield basis, _sample(frame, shown, residual)
    if Basis.COLOURS in bases:
        rgb = saved_by_program(frame, np.random.default_rng(number)) if number % 2 else frame.rgb
        yield Basis.COLOURS, _sample(frame, look_at_colours(rgb, options, watch)[0], none())


def infrared_frame(frame: SimulatedFrame, watch: StopWatch) -> InfraredFrame | None:
    """Return a frame as the engine sees it, or None where its infrared is of no use."""
    opened = open_frame(frame.rgb, frame.infrared, watch)
    if blocking_caution(opened.tiles, opened.photometry):
        return None
    fitted = fit_frame(opened, watch)
    if leakage_caution(fitted.leakage, opened.tiles) in (Caution.SILVER_FILM, Caution.INFRARED_UNUSABLE):
        return None
    return InfraredFrame(opened, *subtract_leakage(opened, fitted, watch))


def _sample(frame: SimulatedFrame, evidence: Evidence, residual: Regions) -> Sample:
    regions = candidates_of(evidence, residual)
    near = widened(frame.visible_mask & ~frame.holder_mask)
    damaged = region_means(near[regions.rows, regions.cols], regions)
    return Sample(measure_features(evidence, regions), damaged, np.diff(regions.starts).astype(np.float64))


def saved_by_program(frame: SimulatedFrame, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Return a scan as programs save it: negatives turned into positives, encoded, with 8 bits, as JPEG.

    Parameters
    ----------
    frame : SimulatedFrame
        The frame.
    rng : numpy.random.Generator
        Source of the JPEG's quality.

    Returns
    -------
    (rows, cols, 3) ndarray of uint16
        Counts.
    """
    light = frame.rgb.astype(np.float32) / np.float32(65535)
    if frame.recipe.stock.process is Process.NEGATIVE:
        dark, clear = np.quantile(light[::4, ::4].reshape(-1, 3), (0.005, 0.995), axis=0)
        light = np.clip((1 / np.maximum(light, 1e-4) - 1 / clear) / (1 / np.maximum(dark, 1e-4) - 1 / clear), 0, 1)
    gamma = 2.2 if frame.recipe.scanner.gamma == 1 else 1.0
    encoded = np.rint(255 * light ** (1 / gamma)).astype(np.uint8)
    done, jpeg = cv2.imencode(".jpg", encoded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 98))])
    assert done, "OpenCV encodes any picture of eight bits"
    decoded = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint16)
    return np.ascontiguousarray(decoded[..., ::-1]) * np.uint16(257)


def joined(samples: Sequence[Sample]) -> Sample:
    """Return several samples as one."""
    parts = ([getattr(sample, name) for sample in samples] for name in ("features", "damaged", "areas"))
    return Sample(*(np.concatenate(part) for part in parts))


def fitted(sample: Sample) -> dict[str, Any]:
    """Fit a logistic regression by Newton's method, with a ridge; regions that are half damage count for nothing.

    Parameters
    ----------
    sample : Sample
        Candidate regions of all frames.

    Returns
    -------
    dict
        What `filmscand.ir.decision.classifier.read_classifier` reads.
    """
    lowest, highest = np.quantile(sample.features, (0.005, 0.995), axis=0)
    values = np.clip(sample.features, lowest, highest)
    # A feature that is the same everywhere is 0 in each term, whatever its spread.
    spread = np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1.0)
    middle = np.where(np.ptp(values, axis=0) > 0, values.mean(axis=0), lowest)
    design = np.column_stack([np.ones(len(values)), terms_of((values - middle) / spread)])
    is_damage = (sample.damaged > 0.5).astype(np.float64)
    certainty = np.sqrt(np.minimum(sample.areas, MOST_PX)) * np.abs(2 * sample.damaged - 1)
    certainty *= np.where(is_damage > 0, 1.0, FALSE_ALARM_WEIGHT)
    certainty /= certainty.mean()
    ridge = RIDGE * np.diag([0.0, *np.ones(design.shape[1] - 1)])
    solution = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        odds = design @ solution
        expected = 1 / (1 + np.exp(-odds))
        gradient = design.T @ (certainty * (is_damage - expected)) - ridge @ solution
        curvature = (design * (certainty * expected * (1 - expected))[:, None]).T @ design + ridge
        solution += np.linalg.solve(curvature + 1e-9 * np.eye(len(solution)), gradient)
    columns = {"lowest": lowest, "highest": highest, "middle": middle, "spread": spread, "weights": solution[1:]}
    return {
        "features": list(FEATURES),
        "regions": len(values),
        "offset": float(solution[0]),
        **{name: [float(f"{x:.6g}") for x in column] for name, column in columns.items()},
    }


if __name__ == "__main__":
    main()
