"""Slides in a virtual magazine, and the displacement of a second infrared pass against the picture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Plane16 = npt.NDArray[np.uint16]
Loader = Callable[[], "Slide"]


@dataclass(frozen=True, slots=True)
class Drift:
    """Displacement of a second pass: carriages do not return to exactly the same place, and slip while they move.

    Row r of a second pass of n rows shows row r + rows_px + wander_px sin(2 pi r / n) of the slide.

    Attributes
    ----------
    rows_px, cols_px : float
        Constant shift, in pixels at the highest resolution.
    wander_px : float
        Amplitude of the shift that varies along the rows.
    """

    rows_px: float = 0.0
    cols_px: float = 0.0
    wander_px: float = 0.0

    def row_positions(self, rows: int) -> npt.NDArray[np.float64]:
        """Return the row of the slide under each of the `rows` rows of the second pass, clipped to the slide."""
        row = np.arange(rows, dtype=np.float64)
        shifted = row + self.rows_px + self.wander_px * np.sin(2.0 * np.pi * row / max(rows, 1))
        return np.clip(shifted, 0.0, rows - 1.0)


# No displacement.
STILL = Drift()


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide at the scanner's highest resolution.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts of the infrared plane, exactly on the picture.
    drift : Drift or None
        Displacement of a second pass; None takes `drift_of`.

    Raises
    ------
    ValueError
        If a shape or dtype is another one.
    """

    rgb: Plane16
    infrared: Plane16
    drift: Drift | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.shape[:2] != self.infrared.shape:
            found = f"found {self.rgb.shape} and {self.infrared.shape}"
            raise ValueError(f"slide: expected shapes (rows, cols, 3) and (rows, cols), {found}")
        if self.rgb.dtype != np.uint16 or self.infrared.dtype != np.uint16:
            raise ValueError(f"slide: expected uint16 counts, found {self.rgb.dtype} and {self.infrared.dtype}")


def drift_of(number: int) -> Drift:
    """Return the drift of slide `number`: different for each slide, and the same in each run.

    The ranges follow what the pyopticfilm project reported of repeated passes of one OpticFilm.
    """
    generator = np.random.default_rng([6566, number])
    return Drift(
        rows_px=float(generator.uniform(-2.64, 1.78)),
        cols_px=float(generator.uniform(0.01, 0.04)),
        wander_px=float(generator.uniform(0.2, 0.6)),
    )


class Magazine:
    """Slides of one size, loaded when they enter the gate.

    Parameters
    ----------
    shape_px : (int, int)
        Rows and columns of every slide at the scanner's highest resolution.
    loaders : sequence of callables
        One for each slide, in order; it returns the slide.
    """

    def __init__(self, shape_px: tuple[int, int], loaders: Sequence[Loader]) -> None:
        self.shape_px = shape_px
        self._loaders = list(loaders)
        self._load = functools.lru_cache(maxsize=1)(self._load_now)

    @classmethod
    def of(cls, slides: Sequence[Slide]) -> Magazine:
        """Fill a magazine with slides that are in memory.

        Raises
        ------
        ValueError
            If there is no slide.
        """
        if not slides:
            raise ValueError("a magazine needs at least one slide")
        return cls(slides[0].infrared.shape, [functools.partial(_identity, slide) for slide in slides])

    def __len__(self) -> int:
        return len(self._loaders)

    def slide(self, number: int) -> Slide:
        """Return slide `number`, from 1; any other number gives the empty gate, where light passes unhindered.

        Raises
        ------
        ValueError
            If the slide does not have the magazine's size.
        """
        return self._load(number)

    def drift(self, number: int) -> Drift:
        """Return the drift of a second pass over slide `number`."""
        drift = self.slide(number).drift
        return drift_of(number) if drift is None else drift

    def _load_now(self, number: int) -> Slide:
        if not 1 <= number <= len(self._loaders):
            light = np.full(self.shape_px, 65535, np.uint16)
            return Slide(np.repeat(light[..., None], 3, axis=2), light, STILL)
        slide = self._loaders[number - 1]()
        if slide.infrared.shape != self.shape_px:
            raise ValueError(f"slide {number}: expected {self.shape_px} pixels, found {slide.infrared.shape}")
        return slide


def _identity(slide: Slide) -> Slide:
    return slide
