"""Photographs that come with the program, as pictures to put on film."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

_FOLDER: Final = files("filmscand.daemon.demo") / "photographs"

# In sRGB (uint8), or in linear light, 0..1 (float32); (rows, cols, 3).
Picture = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
# From rows and columns to the picture.
MakePicture = Callable[[int, int], Picture]


def photograph(name: str) -> MakePicture:
    """Return a function that makes a picture of one of the photographs, scaled and cut to fill a frame.

    Parameters
    ----------
    name : str
        Stem of its file in `daemon/demo/photographs/`.
    """
    return lambda rows, cols: _filling(name, rows, cols)


def _filling(name: str, rows: int, cols: int) -> npt.NDArray[np.uint8]:
    with (_FOLDER / f"{name}.jpg").open("rb") as file, Image.open(file) as photo:
        return np.asarray(ImageOps.fit(photo.convert("RGB"), (cols, rows), Image.Resampling.LANCZOS))
