"""Photographs as pictures to put on film: scaled to cover a frame, mirrored where they are too small for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

from training.sheets.sources import HELD_OUT_PHOTOS

_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}
# Largest factor of enlargement: beyond it a photograph has no detail left that could be taken for dust.
MOST_ENLARGED = 2.0

# In sRGB (uint8), or in linear light, 0..1 (float32); (rows, cols, 3).
Picture = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
# From rows and columns to the picture.
MakePicture = Callable[[int, int], Picture]


def folder_pictures(folder: Path) -> dict[str, MakePicture]:
    """Return a function for each photograph of a folder, by file stem, that makes a picture of it.

    Raises
    ------
    FileNotFoundError
        The folder has no photographs.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PHOTO_SUFFIXES)
    if not paths:
        raise FileNotFoundError(f"{folder}: expected photographs ({', '.join(sorted(_PHOTO_SUFFIXES))}), found none")
    return {path.stem: _photo(partial(_open, path)) for path in paths}


def _open(path: Path) -> Image.Image:
    return Image.open(path)


def held_out_pictures(folder: Path) -> dict[str, MakePicture]:
    """Return the pictures of a folder's held-out photographs, of all photographs if none is held out."""
    pictures = folder_pictures(folder)
    return {name: make for name, make in pictures.items() if name in HELD_OUT_PHOTOS} or pictures


def photograph(name: str, *, most_enlarged: float = MOST_ENLARGED) -> MakePicture:
    """Return a function that makes a picture of one of scikit-image's photographs.

    Parameters
    ----------
    name : str
        Its name in `skimage.data`.
    most_enlarged : float
        Largest factor of enlargement.
    """
    return _photo(lambda: Image.fromarray(getattr(skimage.data, name)()), most_enlarged)


def _photo(load: Callable[[], Image.Image], most_enlarged: float = MOST_ENLARGED) -> MakePicture:
    return lambda rows, cols: covering(load().convert("RGB"), rows, cols, most_enlarged=most_enlarged)


def covering(
    photo: Image.Image, rows: int, cols: int, *, most_enlarged: float = MOST_ENLARGED
) -> npt.NDArray[np.uint8]:
    """Return the middle of a photograph, scaled to cover a frame.

    Parameters
    ----------
    photo : PIL.Image.Image
        Photograph in RGB; turned by a quarter if it is upright and the frame is not, or the reverse.
    rows, cols : int
        Size of the frame.
    most_enlarged : float
        Largest factor of enlargement; a photograph that is still too small is mirrored at its edges.

    Returns
    -------
    (rows, cols, 3) ndarray of uint8
    """
    if (photo.height > photo.width) != (rows > cols):
        photo = photo.transpose(Image.Transpose.ROTATE_90)
    scale = min(max(rows / photo.height, cols / photo.width), most_enlarged)
    size = (round(photo.width * scale), round(photo.height * scale))
    scaled = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
    missing_rows, missing_cols = max(rows - scaled.shape[0], 0), max(cols - scaled.shape[1], 0)
    tiled = np.pad(scaled, ((0, missing_rows), (0, missing_cols), (0, 0)), "symmetric")
    top, left = (tiled.shape[0] - rows) // 2, (tiled.shape[1] - cols) // 2
    return tiled[top : top + rows, left : left + cols].copy()
