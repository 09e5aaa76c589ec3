"""Optics and sensor of the third scanner: point spread with wide tails, lamp, displacement, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.recipe import InfraredPass

Plane = npt.NDArray[np.float32]

# Full width at half maximum of the point spreads, pixels, and the exponent of their tails (Moffat 1969).
PICTURE_WIDTH_PX, INFRARED_WIDTH_PX = 1.5, 2.0
_TAILS = 2.8
# Share of full scale of clear film in red, green and blue, of stray light, and of the read noise.
_LEVELS = np.array((0.92, 0.95, 0.9), np.float32)
_STRAY = np.float32(0.004)
_NOISE, _READ_NOISE = np.float32(0.0035), np.float32(0.0004)
_INFRARED_STRAY = np.float32(0.035)
_DRIFT_PERIODS = (0.7, 2.3, 5.1)


def point_spread(width_px: float) -> Plane:
    """Return a kernel of Moffat's shape, (size, size), of a full width at half maximum; its sum is 1."""
    reach = max(3, int(np.ceil(2.2 * width_px)))
    steps = np.arange(-reach, reach + 1)
    core = width_px / (2 * np.sqrt(2 ** (1 / _TAILS) - 1))
    spread = (1 + (steps[:, None] ** 2 + steps**2) / core**2) ** -_TAILS
    whole: Plane = (spread / spread.sum()).astype(np.float32)
    return whole


def blurred(plane: Plane, width_px: float) -> Plane:
    """Return a plane, (rows, cols) or (rows, cols, n), after a point spread of a width in pixels."""
    return np.asarray(cv2.filter2D(plane, -1, point_spread(width_px), borderType=cv2.BORDER_REFLECT), np.float32)


def picture_light(passed: Plane) -> Plane:
    """Return what the sensor sees of a film, (rows, cols, 3), 0..1, from the light that it passes."""
    return (_STRAY + (1 - _STRAY) * blurred(passed, PICTURE_WIDTH_PX)) * _LEVELS


def infrared_light(passed: Plane, settings: InfraredPass, drift: Plane) -> Plane:
    """Return what the sensor sees in the infrared pass, (rows, cols).

    Parameters
    ----------
    passed : (rows, cols) ndarray of float32
        Infrared light that the film passes, 0..1.
    settings : InfraredPass
        The pass.
    drift : (rows,) ndarray of float32
        Displacement of each row besides the shift, pixels.
    """
    seen = _INFRARED_STRAY + (1 - _INFRARED_STRAY) * blurred(passed, np.hypot(INFRARED_WIDTH_PX, settings.soft_px))
    rows, cols = passed.shape
    if any(settings.shift_px) or drift.any():
        down = np.arange(rows, dtype=np.float32)[:, None] - np.float32(settings.shift_px[0]) - drift[:, None]
        across = np.arange(cols, dtype=np.float32)[None] - np.float32(settings.shift_px[1]) - drift[:, None] / 3
        from_cols, from_rows = (np.ascontiguousarray(np.broadcast_to(each, seen.shape)) for each in (across, down))
        seen = np.asarray(
            cv2.remap(seen, from_cols, from_rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.float32
        )
    return np.asarray(seen * _lamp(seen.shape, settings) * np.float32(settings.level), np.float32)


def row_drift(rows: int, reach_px: float, rng: np.random.Generator) -> Plane:
    """Return the displacement of each row, (rows,): slow waves of which the farthest reaches so many pixels."""
    along = np.linspace(0, 2 * np.pi, rows)
    waves = np.sum([np.sin(period * along + rng.uniform(0, 7)) / period for period in _DRIFT_PERIODS], 0)
    return np.asarray(reach_px * waves / np.abs(waves).max(), np.float32)


def noisy(light: Plane, share: float, noise: Plane) -> Plane:
    """Return light after shot and read noise: `share` is that of clear light, `noise` normal and of the same shape."""
    deviation = np.sqrt(np.float32(share) ** 2 * np.maximum(light, 0) + _READ_NOISE**2)
    return np.asarray(light + deviation * noise, np.float32)


def picture_noise() -> float:
    """Return the standard deviation of the noise in clear light, as a share of full scale."""
    return float(_NOISE)


def _lamp(shape: tuple[int, ...], settings: InfraredPass) -> Plane:
    down, across = (np.linspace(-1, 1, length, dtype=np.float32) for length in shape[:2])
    corner = (down[:, None] ** 2 + across**2) / 2
    return np.asarray(1 - settings.fall_off * (corner + (1 + across) / 4), np.float32)
