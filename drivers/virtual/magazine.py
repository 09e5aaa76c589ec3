"""Slides in a virtual magazine, and how a second infrared pass shifts against the picture."""

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
    """How a second pass lies on the first: carriages do not come home exactly, and slip while they run.

    The defaults of `drift_of` follow what the pyopticfilm project reported of repeated passes of one OpticFilm.
    """

    rows_px: float = 0.0
    cols_px: float = 0.0
    wander_px: float = 0.0

    def row_positions(self, first: int, last: int, rows: int) -> npt.NDArray[np.float64]:
        """Give the row of the slide that lies under each row of the second pass."""
        row = np.arange(first, last, dtype=np.float64)
        wandered = row + self.rows_px + self.wander_px * np.sin(2.0 * np.pi * row / max(rows, 1))
        return np.clip(wandered, 0.0, rows - 1.0)


STILL = Drift()


@dataclass(frozen=True, slots=True)
class Slide:
    """What the scanner would see of one slide at its highest resolution.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The picture.
    infrared : (rows, cols) ndarray of uint16
        The infrared plane, exactly on the picture.
    drift : Drift or None
        How a second pass would shift it; None: as `drift_of` deals it out.
    """

    rgb: Plane16
    infrared: Plane16
    drift: Drift | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.shape[:2] != self.infrared.shape:
            raise ValueError(
                f"a slide is (rows, cols, 3) and (rows, cols), not {self.rgb.shape}, {self.infrared.shape}"
            )
        if self.rgb.dtype != np.uint16 or self.infrared.dtype != np.uint16:
            raise ValueError(f"a slide is of uint16 counts, not of {self.rgb.dtype} and {self.infrared.dtype}")


def drift_of(number: int) -> Drift:
    """Deal out the drift of slide `number`: never the same twice, always the same again."""
    generator = np.random.default_rng([6566, number])
    return Drift(
        rows_px=float(generator.uniform(-2.64, 1.78)),
        cols_px=float(generator.uniform(0.01, 0.04)),
        wander_px=float(generator.uniform(0.2, 0.6)),
    )


class Magazine:
    """Slides of one size, loaded when they come into the gate.

    Parameters
    ----------
    shape_px : (rows, cols)
        Size of every slide at the scanner's highest resolution.
    loaders : sequence of callables
        One for each slide, in order.
    """

    def __init__(self, shape_px: tuple[int, int], loaders: Sequence[Loader]) -> None:
        self.shape_px = shape_px
        self._loaders = list(loaders)
        self._load = functools.lru_cache(maxsize=1)(self._load_now)

    @classmethod
    def of(cls, slides: Sequence[Slide]) -> Magazine:
        """Fill a magazine with slides that are in memory."""
        if not slides:
            raise ValueError("a magazine needs at least one slide")
        return cls(slides[0].infrared.shape, [functools.partial(_identity, slide) for slide in slides])

    def __len__(self) -> int:
        return len(self._loaders)

    def slide(self, number: int) -> Slide:
        """Give slide `number`, from 1; beyond the last one the gate is empty: bare light.

        Raises
        ------
        ValueError
            If the slide is not of the magazine's size.
        """
        return self._load(number)

    def drift(self, number: int) -> Drift:
        """Give the drift of a second pass over slide `number`."""
        drift = self.slide(number).drift
        return drift_of(number) if drift is None else drift

    def _load_now(self, number: int) -> Slide:
        if not 1 <= number <= len(self._loaders):
            light = np.full(self.shape_px, 65535, np.uint16)
            return Slide(np.repeat(light[..., None], 3, axis=2), light, STILL)
        slide = self._loaders[number - 1]()
        if slide.infrared.shape != self.shape_px:
            raise ValueError(f"slide {number} is {slide.infrared.shape}, the magazine holds {self.shape_px}")
        return slide


def _identity(slide: Slide) -> Slide:
    return slide
