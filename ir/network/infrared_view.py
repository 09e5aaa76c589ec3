"""What the infrared of a frame shows, as the detector gets it beside the colours: how strange, how dense, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection import _region_kernels as kernels
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.noise import Noise
from filmscand.ir.leakage.residual import Residual

Array = npt.NDArray[np.float32]

# Planes that the detector gets.
PLANES = 3


@dataclass(frozen=True, slots=True)
class InfraredView:
    """Infrared with the picture taken out, beside what clean film looks like in it.

    Attributes
    ----------
    residual, base, noise
        See their modules.
    holder_blocks : ndarray of bool
        Blocks of 8 pixels that are no film.
    defect_gain : float
        Density of a grey defect for one of the residual (see `filmscand.ir.leakage.model.Leakage`).
    """

    residual: Residual
    base: Base
    noise: Noise
    holder_blocks: npt.NDArray[np.bool_]
    defect_gain: float

    def planes(self, corner: tuple[int, int], size: tuple[int, int]) -> Array:
        """Return what the detector gets of a part of the frame.

        Parameters
        ----------
        corner, size : tuple of int
            First row and column; rows and columns.

        Returns
        -------
        (3, rows, cols) ndarray of float32
            What each pixel lacks of clean film's infrared: in deviations of the noise that film of its contrast has
            there, smoothed over 3 by 3; in nepers, as a grey defect would have it in the picture; and 1 where the
            infrared saw the film, 0 where it is clipped or the holder's (the others are 0 there too).
        """
        rows, cols = (
            min(length, end - at) for at, length, end in zip(corner, size, self.residual.values.shape, strict=True)
        )
        out = np.empty((PLANES, rows, cols), np.float32)
        kernels.view_planes(
            self.residual.values,
            self.residual.grades,
            (self.base.block_px, self.base.level, self.noise.factor),
            self.base.columns(self.residual.values.shape[1]),
            self.noise.deviation[0],
            np.float32(self.defect_gain),
            self.holder_blocks,
            corner,
            out,
        )
        return out
