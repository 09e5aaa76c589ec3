"""Scanners for sheets: focus, noise, flare, sharpening, bit depth, encoding and inversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane

# Relative change of the light from which damage is visible, and up to which a pixel counts as sound.
VISIBLE_SHARE, TOUCHED_SHARE = 0.03, 0.006
# Share of the negatives that the scanning program turns into positives.
INVERTED_SHARE = 0.45
# Share of the other scans that the program encodes for display, by usual and by any settings, and the share of those
# whose encoding is sRGB, which is linear in the deepest shadows.
ENCODED_SHARE, ENCODED_BY_ANY, SRGB_SHARE = 0.25, 0.4, 0.5
# sRGB (IEC 61966-2-1): linear below this light with this slope, else 1.055 x^(1/2.4) - 0.055.
_SRGB_TOE, _SRGB_SLOPE = np.float32(0.0031308), np.float32(12.92)
# Stands for that curve where an exponent is expected.
SRGB = 0.0
Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """Settings of one scan.

    Parameters
    ----------
    blur_px : float
        Standard deviation of the point spread, pixels.
    full_well_electrons : float
        Electrons at full scale; they set the shot noise.
    read_noise : float
        Standard deviation of the read noise over full scale.
    flare : float
        Share of the light that is spread evenly, 0..1.
    sharpening, sharpening_px : float
        Strength (0 for none) and radius of unsharp masking.
    gamma : float
        Exponent of the encoding; 1 for linear counts, `SRGB` for that curve.
    black : float
        Light that becomes black, over full scale; encoding programs cut off the deepest shadows.
    bits : int
        Bit depth of the counts.
    jpeg_quality : int
        Quality of JPEG compression, 0 for none.
    exposure : float
        Level of clear film over full scale.
    inverted : bool
        Whether the counts of a negative are a positive; its dust is white then.
    """

    blur_px: float
    full_well_electrons: float
    read_noise: float
    flare: float
    sharpening: float
    sharpening_px: float
    gamma: float
    black: float
    bits: int
    jpeg_quality: int
    exposure: float
    inverted: bool


def usual_settings(rng: np.random.Generator, negative: bool) -> ScanSettings:
    """Draw the settings of a good film scanner without sharpening or compression; `negative` allows inversion."""
    inverted = negative and rng.uniform() < INVERTED_SHARE
    encoded = inverted or rng.uniform() < ENCODED_SHARE
    return ScanSettings(
        blur_px=rng.uniform(0.5, 0.9),
        full_well_electrons=10 ** rng.uniform(4.6, 5.0),
        read_noise=10 ** rng.uniform(-3.8, -3.4),
        flare=0.0,
        sharpening=0.0,
        sharpening_px=1.0,
        gamma=_gamma(rng, 2.2) if encoded else 1.0,
        black=0.0,
        bits=int(rng.choice([16, 16, 16, 14, 12, 8] if encoded else [16, 16, 16, 14, 12])),
        jpeg_quality=0,
        exposure=rng.uniform(0.7, 1.15),
        inverted=inverted,
    )


def any_settings(rng: np.random.Generator, negative: bool) -> ScanSettings:
    """Draw the settings of any scanner: soft, noisy, sharpened, encoded, compressed; `negative` allows inversion."""
    inverted = negative and rng.uniform() < INVERTED_SHARE
    encoded = inverted or rng.uniform() < ENCODED_BY_ANY
    return ScanSettings(
        # Reduced scans are the sharpest.
        blur_px=rng.uniform(0.3, 1.15),
        full_well_electrons=10 ** rng.uniform(4.2, 5.2),
        read_noise=10 ** rng.uniform(-4.2, -3.2),
        flare=rng.uniform(0, 0.01) * (rng.uniform() < 0.4),
        sharpening=rng.uniform(0.2, 1.6) * (rng.uniform() < 0.25),
        sharpening_px=rng.uniform(0.6, 1.6),
        gamma=_gamma(rng, rng.uniform(1.7, 2.4)) if encoded else 1.0,
        black=rng.uniform(0, 0.006) * (encoded and not inverted and rng.uniform() < 0.5),
        bits=int(rng.choice([16, 16, 16, 14, 12, 8])) if encoded else int(rng.choice([16, 16, 14, 12])),
        jpeg_quality=int(rng.integers(70, 98)) * (encoded and rng.uniform() < 0.4),
        exposure=rng.uniform(0.4, 1.15),
        inverted=inverted,
    )


def _gamma(rng: np.random.Generator, power: float) -> float:
    return SRGB if rng.uniform() < SRGB_SHARE else power


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scanned sheet.

    Parameters
    ----------
    rgb : ndarray of uint16, shape (rows, cols, 3)
        Counts with the damage.
    change, noise : ndarray of float32, shape (rows, cols, 3)
        Change of the light by damage, and standard deviation of the scanner's noise, both over the clean light.
    """

    rgb: npt.NDArray[np.uint16]
    change: Plane
    noise: Plane


def scan(rng: np.random.Generator, damaged: Plane, clean: Plane, settings: ScanSettings) -> Scanned:
    """Scan a damaged film and compare its light with that of the clean film.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    damaged, clean : ndarray of float32, shape (rows, cols, 3)
        Transmitted light; 1 for clear film.
    settings : ScanSettings
        The scanner.
    """
    seen, truth = (
        cv2.GaussianBlur(light, (0, 0), settings.blur_px) * np.float32(settings.exposure * (1 - settings.flare))
        + np.float32(settings.exposure * settings.flare)
        for light in (damaged, clean)
    )
    deviation = np.sqrt(truth / np.float32(settings.full_well_electrons) + np.float32(settings.read_noise**2))
    change = np.abs(np.minimum(seen, 1) - np.minimum(truth, 1)) / (truth + np.float32(1e-6))
    noise = deviation / (truth + np.float32(1e-6))
    seen += deviation * rng.standard_normal(seen.shape, dtype=np.float32)
    shown = _positive(seen, rng) if settings.inverted else np.clip(seen, 0, 1)
    return Scanned(_counts(shown, settings), change, noise)


def infrared_counts(light: Plane, settings: ScanSettings) -> Counts:
    """Return the counts of an infrared plane, in the encoding and bit depth of the picture.

    Parameters
    ----------
    light : ndarray of float32, shape (rows, cols)
        Part of full scale, 0..1, linear.
    settings : ScanSettings
        The scan of the picture.
    """
    levels = np.float32(2**settings.bits - 1)
    return _full_scale(np.rint(encoded(light, settings.gamma) * levels), settings.bits)


def encoded(light: Plane, gamma: float) -> Plane:
    """Return light, 0..1, encoded: to the power 1 / `gamma`, or by the sRGB curve for `SRGB`."""
    if gamma == 1:
        return light
    if gamma != SRGB:
        return np.asarray(light ** np.float32(1 / gamma), np.float32)
    curve = np.float32(1.055) * np.maximum(light, _SRGB_TOE) ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= _SRGB_TOE, light * _SRGB_SLOPE, curve)


def _full_scale(levels: npt.NDArray[Any], bits: int) -> Counts:
    """Return levels of a bit depth as counts that fill 16 bits."""
    counts: Counts = levels.astype(np.uint16) << np.uint16(16 - bits)
    return counts


def _positive(light: Plane, rng: np.random.Generator) -> Plane:
    """Invert a negative channel by channel as scanning programs do: white and black are set by the picture."""
    density = -np.log10(np.maximum(light, np.float32(1e-4)))
    low, high = np.quantile(density[::4, ::4].reshape(-1, 3), [0.01, 0.995], axis=0).astype(np.float32)
    share = (density - low) / np.maximum(high - low, np.float32(0.15))
    headroom = np.float32(rng.uniform(0.02, 0.4))
    positive: Plane = np.clip((share + np.float32(0.02)) / (1 + headroom), 0, 1)
    return positive ** np.float32(rng.uniform(1.2, 2.6))


def _counts(light: Plane, settings: ScanSettings) -> Counts:
    if settings.black:
        light = np.maximum(light - np.float32(settings.black), 0) / np.float32(1 - settings.black)
    shown = encoded(light, settings.gamma)
    if settings.sharpening:
        soft = cv2.GaussianBlur(shown, (0, 0), settings.sharpening_px)
        shown = shown + np.float32(settings.sharpening) * (shown - soft)
    if settings.jpeg_quality:
        eight = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        _, data = cv2.imencode(".jpg", eight, [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])
        decoded: Counts = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint16)
        return decoded * np.uint16(257)
    levels = np.float32(2**settings.bits - 1)
    return _full_scale(np.rint(np.clip(shown, 0, 1) * levels), settings.bits)
