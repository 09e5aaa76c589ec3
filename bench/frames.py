"""The frames of the quality bench: every kind of film, with pictures and seeds that no test uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.film.recipe import FrameRecipe

FIRST_SEED = 90_001
_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}
_SKIMAGE_PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")
# Enlarged further, a photograph has no detail left that could be taken for dust.
MOST_ENLARGED = 2.0

# Film that infrared cannot or need not clean: judged by what it is spared, not by what is healed.
BEYOND_INFRARED = frozenset({"silver", "spotless", "unexposed", "fully_dark"})
DYE_FILMS = frozenset(KINDS) - BEYOND_INFRARED - {"kodachrome"}

Picture = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
MakePicture = Callable[[int, int], Picture]


@dataclass(frozen=True, slots=True)
class Case:
    """One frame of the suite, not made yet."""

    kind: str
    picture_name: str
    make_picture: MakePicture
    seed: int

    @property
    def recipe(self) -> FrameRecipe:
        """The kind's film, scanner and damage."""
        return KINDS[self.kind]

    def simulate(self, rows: int, cols: int) -> SimulatedFrame:
        """Return the frame."""
        return simulate_frame(self.make_picture(rows, cols), self.recipe, seed=self.seed)


def suite(kinds: Iterable[str], photos: Path | None = None, *, rounds: int = 1) -> Iterator[Case]:
    """Yield `rounds` cases of each kind, each round with another picture and seed.

    Parameters
    ----------
    kinds : iterable of str
        Names from `filmscand.film.kinds.KINDS`.
    photos : Path, optional
        Folder of photographs; default scikit-image's. The procedural pictures are always among them.
    """
    pictures = list(_pictures(photos).items())
    wanted = set(kinds)
    for round_number in range(rounds):
        for index, kind in enumerate(KINDS):
            if kind not in wanted:
                continue
            name, make = pictures[(index + 7 * round_number) % len(pictures)]
            yield Case(kind, name, make, FIRST_SEED + 1000 * round_number + index)


def _pictures(photos: Path | None) -> dict[str, MakePicture]:
    photographs = _skimage_pictures() if photos is None else folder_pictures(photos)
    drawn: dict[str, MakePicture] = {name: _drawn(name) for name in ("girders", "night", "lettering", "portrait")}
    # Spread among the photographs, so that a few kinds alone do not meet drawn pictures only.
    mixed: dict[str, MakePicture] = {}
    waiting = list(drawn.items())
    for index, (name, make) in enumerate(photographs.items()):
        mixed[name] = make
        if index % 3 == 2 and waiting:
            mixed.update([waiting.pop(0)])
    return {**mixed, **dict(waiting)}


def _drawn(name: str) -> MakePicture:
    return lambda rows, cols: PICTURES[name](rows, cols, FIRST_SEED)


def folder_pictures(folder: Path) -> dict[str, MakePicture]:
    """Return how to make a picture from each photograph of a folder, by its name."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _PHOTO_SUFFIXES)
    if not paths:
        raise FileNotFoundError(f"{folder}: expected photographs ({', '.join(sorted(_PHOTO_SUFFIXES))}), found none")
    return {path.stem: _photo(lambda path=path: Image.open(path)) for path in paths}


def _skimage_pictures() -> dict[str, MakePicture]:
    return {name: photograph(name) for name in _SKIMAGE_PHOTOS}


def photograph(name: str, *, most_enlarged: float = MOST_ENLARGED) -> MakePicture:
    """Return how to make a picture from one of scikit-image's photographs."""
    return _photo(lambda: Image.fromarray(getattr(skimage.data, name)()), most_enlarged)


def _photo(load: Callable[[], Image.Image], most_enlarged: float = MOST_ENLARGED) -> MakePicture:
    return lambda rows, cols: covering(load().convert("RGB"), rows, cols, most_enlarged=most_enlarged)


def covering(
    photo: Image.Image, rows: int, cols: int, *, most_enlarged: float = MOST_ENLARGED
) -> npt.NDArray[np.uint8]:
    """Return a photograph scaled to cover rows x cols, mirrored at its edges where it is too small for that."""
    if (photo.height > photo.width) != (rows > cols):
        photo = photo.transpose(Image.Transpose.ROTATE_90)
    scale = min(max(rows / photo.height, cols / photo.width), most_enlarged)
    size = (round(photo.width * scale), round(photo.height * scale))
    scaled = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
    missing_rows, missing_cols = max(rows - scaled.shape[0], 0), max(cols - scaled.shape[1], 0)
    tiled = np.pad(scaled, ((0, missing_rows), (0, missing_cols), (0, 0)), "symmetric")
    top, left = (tiled.shape[0] - rows) // 2, (tiled.shape[1] - cols) // 2
    return tiled[top : top + rows, left : left + cols].copy()
