"""Who looks for dust in the blind bench: filmscand, its detector alone, and what people use without infrared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from bench.blind.frames import BlindFrame, Group
from bench.measures.metrics import Counts, Mask, display_curve
from bench.peers.cleaners import dust_and_scratches
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.network.detector import find_probability, find_regions
from filmscand.ir.network.model_file import Model, load_detector

OURS, DETECTOR, RECIPE, MEDIAN = "filmscand", "detector alone", "2023 recipe U-Net", "median Dust & Scratches"
TOP_HAT_PX = 15
# The best of these over the whole bench is what the tables show: a kinder judge than any user.
TOP_HAT_LEVELS = (0.03, 0.05, 0.08, 0.12)
# A network that says a probability is asked for a half.
RECIPE_SEED = RECIPE_GROW = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """What one of them made of a frame, and what it says of it; `rgb` is None where nothing was healed."""

    mask: Mask
    rgb: Counts | None
    seconds: float
    says: tuple[str, ...] = ()


Finder = Callable[[BlindFrame, Group], Found]


def make_finders(model: Path | None, recipe: Path | None, sensitivity: float, threads: int) -> dict[str, Finder]:
    """Return all of them by name, filmscand first.

    Parameters
    ----------
    model : Path or None
        Another detector than the one that comes along.
    recipe : Path or None
        The network of the 2023 recipe, as `training.recipe` exports it; None leaves it out.
    sensitivity : float
        0..1.
    threads : int
        Of the networks.
    """
    detector = load_detector(None if model is None else str(model), threads=threads)
    limits = detector.card.limits(sensitivity)
    options = CleanOptions(sensitivity) if model is None else CleanOptions(sensitivity, detector_model=str(model))
    finders: dict[str, Finder] = {
        OURS: partial(_cleaned, options),
        DETECTOR: partial(_detected, detector, limits),
    }
    if recipe is not None:
        finders[RECIPE] = partial(_detected, load_detector(str(recipe), threads=threads), (RECIPE_SEED, RECIPE_GROW))
    finders[MEDIAN] = _median
    for level in TOP_HAT_LEVELS:
        finders[top_hat_name(level)] = partial(_top_hat, level)
    return finders


def top_hat_name(level: float) -> str:
    """Return what the top-hat of a level is called."""
    return f"top-hat over {100 * level:.0f} %"


def _cleaned(options: CleanOptions, blind: BlindFrame, group: Group) -> Found:
    began = time.perf_counter()
    infrared = blind.frame.infrared if group is Group.KODACHROME else None
    cleaned = clean_frame(blind.frame.rgb, infrared, options)
    seconds = time.perf_counter() - began
    return Found(cleaned.defect_mask, cleaned.rgb, seconds, tuple(str(caution) for caution in cleaned.report.warnings))


def _detected(model: Model, limits: tuple[float, float], blind: BlindFrame, _: Group) -> Found:
    began = time.perf_counter()
    regions = find_regions(find_probability(blind.frame.rgb, model), *limits)
    mask = np.zeros(blind.frame.rgb.shape[:2], np.bool_)
    mask[regions.rows, regions.cols] = True
    return Found(mask, None, time.perf_counter() - began)


def _median(blind: BlindFrame, _: Group) -> Found:
    answer = dust_and_scratches(blind.frame)
    return Found(answer.mask, answer.rgb, answer.seconds)


def _top_hat(level: float, blind: BlindFrame, _: Group) -> Found:
    """Mark what is darker, or brighter, than the same picture without anything as narrow as dust."""
    began = time.perf_counter()
    shown = display_curve(blind.frame.recipe.scanner)[blind.frame.rgb].mean(-1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (TOP_HAT_PX, TOP_HAT_PX))
    dark, bright = (cv2.morphologyEx(shown, how, disc) for how in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    return Found(np.maximum(dark, bright) > level, None, time.perf_counter() - began)
