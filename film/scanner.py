"""Converts light on the sensor into counts, with the same noise for the damaged and the clean plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane, stream
from filmscand.film.recipe import Scanner

# Smallest relative change of the light that counts as damage: a tenth of the noise of a quiet scan. It ends the tails
# of the blur.
_TAIL_SHARE = np.float32(5e-4)
# Smallest relative change of the light that is visible in a picture, see `PlanePair.visible`.
VISIBLE_SHARE = np.float32(0.03)
# Exponent with which linear counts are encoded for a display.
_DISPLAY_GAMMA = 2.2


@dataclass(frozen=True, slots=True)
class Sensor:
    """Noise of one pass.

    Parameters
    ----------
    full_well_electrons : float
        Electrons at full scale; they determine the shot noise.
    read_noise : float
        Standard deviation of the read noise, as a share of full scale.
    """

    full_well_electrons: float
    read_noise: float


class PlanePair(NamedTuple):
    """One plane with and without its damage, and where the damage changed it.

    Parameters
    ----------
    damaged, clean : ndarray of uint16, shape (rows, cols)
        Counts with the same noise, 0..65535; equal wherever `touched` is False.
    touched : ndarray of bool, shape (rows, cols)
        Where damage changed the light at all.
    visible : ndarray of bool, shape (rows, cols)
        Where damage changed the light by more than 3 % and by more than one standard deviation of the scanner's noise.
    """

    damaged: npt.NDArray[np.uint16]
    clean: npt.NDArray[np.uint16]
    touched: npt.NDArray[np.bool_]
    visible: npt.NDArray[np.bool_]


def read_out(damaged: Plane, clean: Plane, sensor: Sensor, scanner: Scanner, noise: np.random.Generator) -> PlanePair:
    """Convert the light of one plane into counts.

    The standard deviation of the noise is sqrt(light / full_well_electrons + read_noise^2).

    Parameters
    ----------
    damaged, clean : ndarray of float32, shape (rows, cols)
        Light on the sensor as a share of full scale; `damaged` is overwritten.
    sensor : Sensor
        Noise of this pass.
    scanner : Scanner
        Black level, depth and encoding.
    noise : numpy.random.Generator
        Stream of this plane's noise.
    """
    change = np.abs(damaged - clean)
    touched = change > _TAIL_SHARE * clean
    np.copyto(damaged, clean, where=~touched)
    deviation = np.sqrt(clean / np.float32(sensor.full_well_electrons) + np.float32(sensor.read_noise**2))
    visible = touched & (change > VISIBLE_SHARE * clean) & (change > deviation)
    del change
    deviation *= noise.standard_normal(clean.shape, dtype=np.float32)
    damaged += deviation
    return PlanePair(_quantised(damaged, scanner), _quantised(clean + deviation, scanner), touched, visible)


def noise_stream(seed: int, plane: str) -> np.random.Generator:
    """Return the random stream of one plane's noise."""
    return stream(seed, f"noise {plane}")


def _quantised(light: Plane, scanner: Scanner) -> npt.NDArray[np.uint16]:
    signal = light * np.float32(1 - scanner.black_level)
    signal += np.float32(scanner.black_level)
    np.clip(signal, 0, 1, out=signal)
    if scanner.gamma != 1:
        np.power(signal, np.float32(1 / scanner.gamma), out=signal)
    signal *= np.float32(2**scanner.bits - 1)
    counts: npt.NDArray[np.uint16] = np.rint(signal, out=signal).astype(np.uint16)
    if scanner.fill_sixteen_bits and scanner.bits < 16:
        counts <<= np.uint16(16 - scanner.bits)
    return counts


def white_level(scanner: Scanner) -> int:
    """Return the highest count of a scanner."""
    return 65535 if scanner.fill_sixteen_bits else 2**scanner.bits - 1


def display_curve(scanner: Scanner) -> npt.NDArray[np.float32]:
    """Return the display value of each count, (65536,), 0..1: linear counts are encoded with gamma 2.2."""
    share = np.minimum(np.arange(65536) / white_level(scanner), 1.0)
    gamma = _DISPLAY_GAMMA if scanner.gamma == 1 else 1.0
    return (share ** (1 / gamma)).astype(np.float32)
