"""The finders of the blind bench: filmscand, its detector alone, and common filters that need no infrared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from bench.blind.frames import BlindFrame, Group
from bench.measures.metrics import Counts
from bench.peers.cleaners import detected_mask, dust_and_scratches
from filmscand.film.scanner import display_curve
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.network.model_file import Model, load_detector
from training.mask_agreement import Mask

OURS, DETECTOR, RECIPE, MEDIAN = "filmscand", "detector alone", "2023 recipe U-Net", "median Dust & Scratches"
# Diameter of the structuring element, pixels.
TOP_HAT_PX = 15
# Thresholds in display values. The tables show the best one over the whole bench, which no user would know.
TOP_HAT_LEVELS = (0.03, 0.05, 0.08, 0.12)
# Limits of the recipe's network: a probability of a half.
RECIPE_SEED = RECIPE_GROW = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a finder for one frame.

    Attributes
    ----------
    mask : (rows, cols) ndarray of bool
        Defect mask.
    rgb : (rows, cols, 3) ndarray of uint16 or None
        The healed frame, None where the finder heals nothing.
    seconds : float
        Wall time.
    warnings : tuple of str
        Warnings in filmscand's report.
    """

    mask: Mask
    rgb: Counts | None
    seconds: float
    warnings: tuple[str, ...] = ()


Finder = Callable[[BlindFrame, Group], Found]


def make_finders(model: Path | None, recipe: Path | None, sensitivity: float, threads: int) -> dict[str, Finder]:
    """Return all finders by name, filmscand first.

    Parameters
    ----------
    model : Path or None
        Another detector than the installed one.
    recipe : Path or None
        Network of the 2023 recipe, exported by `training.recipe`; None leaves it out.
    sensitivity : float
        Sensitivity of filmscand and of its detector alone, 0..1.
    threads : int
        Threads of the networks when they run alone.
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
    """Return the name of the top-hat filter with a threshold."""
    return f"top-hat over {100 * level:.0f} %"


def _cleaned(options: CleanOptions, blind: BlindFrame, group: Group) -> Found:
    began = time.perf_counter()
    infrared = blind.frame.infrared if group is Group.KODACHROME else None
    cleaned = clean_frame(blind.frame.rgb, infrared, options)
    seconds = time.perf_counter() - began
    return Found(cleaned.defect_mask, cleaned.rgb, seconds, tuple(str(caution) for caution in cleaned.report.warnings))


def _detected(model: Model, limits: tuple[float, float], blind: BlindFrame, _: Group) -> Found:
    began = time.perf_counter()
    return Found(detected_mask(blind.frame.rgb, model, limits), None, time.perf_counter() - began)


def _median(blind: BlindFrame, _: Group) -> Found:
    answer = dust_and_scratches(blind.frame)
    return Found(answer.mask, answer.rgb, answer.seconds)


def _top_hat(level: float, blind: BlindFrame, _: Group) -> Found:
    """Threshold black-hat and top-hat: the difference from the closed and from the opened picture."""
    began = time.perf_counter()
    shown = display_curve(blind.frame.recipe.scanner)[blind.frame.rgb].mean(-1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (TOP_HAT_PX, TOP_HAT_PX))
    dark, bright = (cv2.morphologyEx(shown, method, disc) for method in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT))
    return Found(np.asarray(np.maximum(dark, bright) > level), None, time.perf_counter() - began)
