"""The suite of the quality bench: frames of every kind of film, with pictures and seeds that no test uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.frames.photographs import MakePicture, folder_pictures, photograph
from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.film.recipe import FrameRecipe

FIRST_SEED = 90_001
_SKIMAGE_PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")

# Kinds that infrared cannot clean or that need no cleaning: judged by the harm they are spared.
BEYOND_INFRARED = frozenset({"silver", "spotless", "unexposed", "fully_dark"})
DYE_FILMS = frozenset(KINDS) - BEYOND_INFRARED - {"kodachrome"}


@dataclass(frozen=True, slots=True)
class Case:
    """One frame of the suite, not simulated yet.

    Parameters
    ----------
    kind : str
        Name from `filmscand.film.kinds.KINDS`.
    picture_name : str
        Name of the picture.
    make_picture : callable
        From rows and columns to the picture.
    seed : int
        Seed of the frame.
    """

    kind: str
    picture_name: str
    make_picture: MakePicture
    seed: int

    @property
    def recipe(self) -> FrameRecipe:
        """Film, scanner and damage of the kind."""
        return KINDS[self.kind]

    def simulate(self, rows: int, cols: int) -> SimulatedFrame:
        """Return the simulated frame, rows x cols."""
        return simulate_frame(self.make_picture(rows, cols), self.recipe, seed=self.seed)


def suite(kinds: Iterable[str], photos: Path | None = None, *, rounds: int = 1) -> Iterator[Case]:
    """Yield `rounds` cases of each kind, each round with another picture and seed.

    Parameters
    ----------
    kinds : iterable of str
        Names from `filmscand.film.kinds.KINDS`.
    photos : Path, optional
        Folder of photographs; default scikit-image's. Drawn pictures are always added.
    rounds : int
        Number of cases of each kind.
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
    # Drawn pictures are spread among the photographs, so that a few kinds alone do not get drawn pictures only.
    mixed: dict[str, MakePicture] = {}
    waiting = list(drawn.items())
    for index, (name, make) in enumerate(photographs.items()):
        mixed[name] = make
        if index % 3 == 2 and waiting:
            mixed.update([waiting.pop(0)])
    return {**mixed, **dict(waiting)}


def _drawn(name: str) -> MakePicture:
    return lambda rows, cols: PICTURES[name](rows, cols, FIRST_SEED)


def _skimage_pictures() -> dict[str, MakePicture]:
    return {name: photograph(name) for name in _SKIMAGE_PHOTOS}
