"""The probability that a candidate region is a defect: a logistic regression on a few features and their products.

Its weights come with the engine in `models/decision.json`; `python -m training.calibrate` fits them on simulated film.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.region_features import FEATURES
from filmscand.ir.errors import ModelError

Doubles = npt.NDArray[np.float64]

FILE = "decision.json"
# Log odds by which the limit falls from sensitivity 0.5 to 1, and rises to 0: from 99 % to 1 %.
LOG_ODDS_SPAN = 4.6


class Basis(StrEnum):
    """What regions are judged by; each has weights of its own."""

    BOTH = "both"
    INFRARED = "infrared"
    COLOURS = "colours"


@dataclass(frozen=True, slots=True)
class Classifier:
    """Weights of a logistic regression.

    Products of two features let the meaning of one depend on another: a deviation of eight standard deviations is dust
    on a frame that hardly leaks, and picture on one that leaks strongly.

    Attributes
    ----------
    lowest, highest : (features,) ndarray of float64
        Range of each feature on the frames it was fitted on; beyond it nothing is extrapolated.
    middle, spread : (features,) ndarray of float64
        What counts as 0 and as 1 of each feature: mean and standard deviation within that range, or 0 and 1 in a fit
        without products; a spread is never 0.
    weights : (terms,) ndarray of float64
        Change of the log odds per unit of each term (see `terms_of`).
    offset : float
        Log odds where all features count as 0.
    """

    lowest: Doubles
    highest: Doubles
    middle: Doubles
    spread: Doubles
    weights: Doubles
    offset: float

    def probability(self, features: Doubles) -> Doubles:
        """Return the probability that each region is a defect, (regions,), from its features, (regions, features)."""
        standard = (np.clip(features, self.lowest, self.highest) - self.middle) / self.spread
        odds = terms_of(standard) @ self.weights + self.offset
        return np.asarray(1 / (1 + np.exp(-odds)))


def terms_of(standard: Doubles) -> Doubles:
    """Return the terms of the regression: the features, then the products of each with itself and those behind it.

    Parameters
    ----------
    standard : (regions, features) ndarray of float64
        Features in standard deviations from their mean.

    Returns
    -------
    (regions, features (features + 3) / 2) ndarray of float64
    """
    first, second = np.triu_indices(standard.shape[1])
    return np.concatenate([standard, standard[:, first] * standard[:, second]], axis=1)


def least_probability(sensitivity: float) -> float:
    """Return the probability from which a region is a defect: 0.99 at sensitivity 0, 0.5 at 0.5, 0.01 at 1."""
    return float(1 / (1 + np.exp(2 * LOG_ODDS_SPAN * (sensitivity - 0.5))))


@cache
def shipped_classifier(basis: Basis) -> Classifier:
    """Return the classifier that comes with the engine, for what the regions are judged by.

    Raises
    ------
    ModelError
        The file is damaged, or made for other features.
    """
    path = files("filmscand.ir") / "models" / FILE
    try:
        return read_classifier(path.read_text(), basis)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: expected the weights of {len(FEATURES)} features ({error})") from error


def read_classifier(text: str, basis: Basis) -> Classifier:
    """Read the weights of one basis from the JSON that `training.calibrate` writes.

    Raises
    ------
    ValueError, KeyError, TypeError
        This is not such a text, or it was made for other features.
    """
    part = json.loads(text)[basis]
    if tuple(part["features"]) != FEATURES:
        raise ValueError(f"made for the features {', '.join(part['features'])}")
    lowest, highest, middle, spread, weights = (
        np.array(part[name], np.float64) for name in ("lowest", "highest", "middle", "spread", "weights")
    )
    return Classifier(lowest, highest, middle, spread, weights, float(part["offset"]))
