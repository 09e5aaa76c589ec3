"""The detector's infrared input: how far a pixel stands out of the noise, how dense it is, and where that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.detection import _region_kernels as kernels
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.noise import Noise
from filmscand.ir.leakage.residual import Residual

Array = npt.NDArray[np.float32]

# Planes of the infrared input, and the largest value in them.
PLANES = 3
VIEW_LIMIT = kernels.VIEW_LIMIT


@dataclass(frozen=True, slots=True)
class InfraredView:
    """Infrared without the picture's leakage, and the clean film that it is compared with.

    Attributes
    ----------
    residual : Residual
        Infrared density without the leakage.
    base : Base
        Residual of clean film, block by block.
    noise : Noise
        Noise of clean film's residual.
    holder_blocks : (rows / 8, cols / 8) ndarray of bool
        Blocks of 8 by 8 pixels that are not film.
    defect_gain : float
        Density of a grey defect per density of its residual (see `filmscand.ir.leakage.model.Leakage`).
    """

    residual: Residual
    base: Base
    noise: Noise
    holder_blocks: npt.NDArray[np.bool_]
    defect_gain: float

    def planes(self, corner: tuple[int, int], size: tuple[int, int]) -> Array:
        """Return the infrared input for a part of the frame.

        Parameters
        ----------
        corner : tuple of int
            First row and first column of the part.
        size : tuple of int
            Rows and columns of the part; what lies beyond the frame is cut off.

        Returns
        -------
        (3, rows, cols) ndarray of float32
            How much darker than clean film each pixel is: first in standard deviations of the noise at its contrast,
            smoothed over 3 by 3 pixels; second in nepers, as dense as a grey defect would be in the picture. Third, 1
            where the infrared sees film, and 0 where it is clipped or shows the holder (all three are 0 there). Values
            beyond +-`VIEW_LIMIT` are cut to it; training's sheets come from here too, so the network knows no others.
        """
        rows, cols = (
            min(length, end - start)
            for start, length, end in zip(corner, size, self.residual.values.shape, strict=True)
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
