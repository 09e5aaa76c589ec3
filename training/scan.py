"""Scanners of every kind for the synthesizer: focus, noise, sharpening, depth, encoding and inversion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane

# What damage must change of the light before it is seen in a picture, and what it may without being damage.
VISIBLE_SHARE, TOUCHED_SHARE = 0.03, 0.006
INVERTED_SHARE = 0.45
_LN10 = math.log(10)


@dataclass(frozen=True, slots=True)
class Pass:
    """How one sheet is scanned.

    Parameters
    ----------
    blur_px : float
        Standard deviation of the point spread.
    full_well_electrons, read_noise : float
        Shot noise, and read noise as a part of full scale.
    flare : float
        Part of the light that is everywhere.
    sharpening, sharpening_px : float
        Strength and radius of unsharp masking; 0 for none.
    gamma : float
        1 for linear counts.
    bits : int
        Depth of the counts.
    jpeg_quality : int
        0 for none.
    exposure : float
        Part of full scale that clear film reaches.
    inverted : bool
        Whether a negative is shown as a positive: its dust is white.
    """

    blur_px: float
    full_well_electrons: float
    read_noise: float
    flare: float
    sharpening: float
    sharpening_px: float
    gamma: float
    bits: int
    jpeg_quality: int
    exposure: float
    inverted: bool


def usual_pass(rng: np.random.Generator, negative: bool) -> Pass:
    """Draw a film scanner in order, which gives what it measured, or a negative turned into a positive."""
    inverted = negative and rng.uniform() < INVERTED_SHARE
    encoded = inverted or rng.uniform() < 0.15
    return Pass(
        blur_px=rng.uniform(0.5, 0.9),
        full_well_electrons=10 ** rng.uniform(4.6, 5.0),
        read_noise=10 ** rng.uniform(-3.8, -3.4),
        flare=0.0,
        sharpening=0.0,
        sharpening_px=1.0,
        gamma=2.2 if encoded else 1.0,
        bits=int(rng.choice([16, 16, 16, 14, 12, 8] if encoded else [16, 16, 16, 14, 12])),
        jpeg_quality=0,
        exposure=rng.uniform(0.7, 1.15),
        inverted=inverted,
    )


def any_pass(rng: np.random.Generator, negative: bool) -> Pass:
    """Draw any scanner and any settings: soft, noisy, sharpened, encoded, compressed."""
    inverted = negative and rng.uniform() < INVERTED_SHARE
    encoded = inverted or rng.uniform() < 0.25
    return Pass(
        blur_px=rng.uniform(0.35, 1.15),
        full_well_electrons=10 ** rng.uniform(4.2, 5.2),
        read_noise=10 ** rng.uniform(-4.2, -3.2),
        flare=rng.uniform(0, 0.01) * (rng.uniform() < 0.4),
        sharpening=rng.uniform(0.2, 1.6) * (rng.uniform() < 0.2),
        sharpening_px=rng.uniform(0.6, 1.6),
        gamma=rng.uniform(1.7, 2.4) if encoded else 1.0,
        bits=int(rng.choice([16, 16, 16, 14, 12, 8])) if encoded else int(rng.choice([16, 16, 14, 12])),
        jpeg_quality=int(rng.integers(80, 98)) * (encoded and rng.uniform() < 0.3),
        exposure=rng.uniform(0.4, 1.15),
        inverted=inverted,
    )


@dataclass(frozen=True, slots=True)
class Scanned:
    """One sheet as counts.

    Parameters
    ----------
    rgb : ndarray of uint16, shape (rows, cols, 3)
        Counts with the damage.
    change, noise : ndarray of float32, shape (rows, cols, 3)
        What the damage changed of the light, and the scanner's noise, both relative to the clean light.
    """

    rgb: npt.NDArray[np.uint16]
    change: Plane
    noise: Plane


def scan(rng: np.random.Generator, damaged: Plane, clean: Plane, how: Pass) -> Scanned:
    """Scan the light that passes a damaged film, and measure against the clean one what the damage did.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    damaged, clean : ndarray of float32, shape (rows, cols, 3)
        Light, 1 for clear film.
    how : Pass
        The scanner.
    """
    seen, truth = (
        cv2.GaussianBlur(light, (0, 0), how.blur_px) * np.float32(how.exposure * (1 - how.flare))
        + np.float32(how.exposure * how.flare)
        for light in (damaged, clean)
    )
    deviation = np.sqrt(truth / np.float32(how.full_well_electrons) + np.float32(how.read_noise**2))
    change = np.abs(np.minimum(seen, 1) - np.minimum(truth, 1)) / (truth + np.float32(1e-6))
    noise = deviation / (truth + np.float32(1e-6))
    seen += deviation * rng.standard_normal(seen.shape, dtype=np.float32)
    shown = _positive(seen, rng) if how.inverted else np.clip(seen, 0, 1)
    return Scanned(_counts(shown, how), change, noise)


def scanned_beside(light: Plane, how: Pass) -> npt.NDArray[np.uint16]:
    """Return the counts of a plane that comes beside the picture, with its encoding and depth."""
    levels = np.float32(2**how.bits - 1)
    return np.rint(light ** np.float32(1 / how.gamma) * levels).astype(np.uint16) << np.uint16(16 - how.bits)


def _positive(light: Plane, rng: np.random.Generator) -> Plane:
    """Invert a negative channel by channel, as scanning programs do: white and black set by the picture."""
    density = -np.log10(np.maximum(light, np.float32(1e-4)))
    low, high = np.quantile(density[::4, ::4].reshape(-1, 3), [0.01, 0.995], axis=0).astype(np.float32)
    share = (density - low) / np.maximum(high - low, np.float32(0.15))
    headroom = np.float32(rng.uniform(0.02, 0.4))
    encoded = np.clip((share + np.float32(0.02)) / (1 + headroom), 0, 1)
    return encoded ** np.float32(rng.uniform(1.2, 2.6))


def _counts(light: Plane, how: Pass) -> npt.NDArray[np.uint16]:
    shown = light ** np.float32(1 / how.gamma) if how.gamma != 1 else light
    if how.sharpening:
        shown = shown + np.float32(how.sharpening) * (shown - cv2.GaussianBlur(shown, (0, 0), how.sharpening_px))
    if how.jpeg_quality:
        eight = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        _, data = cv2.imencode(".jpg", eight, [cv2.IMWRITE_JPEG_QUALITY, how.jpeg_quality])
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint16) * np.uint16(257)
    levels = np.float32(2**how.bits - 1)
    counts = np.rint(np.clip(shown, 0, 1) * levels).astype(np.uint16)
    return counts << np.uint16(16 - how.bits)
