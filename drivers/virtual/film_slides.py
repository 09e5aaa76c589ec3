"""Fills a magazine: with slides that are simulated from film's physics, or from film files."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from filmscand.drivers.files.pairs import find_infrared_partner
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.virtual.magazine import STILL, Drift, Loader, Magazine, Slide, drift_of
from filmscand.drivers.virtual.models import MODELS, Delivery
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, lettering, night, portrait
from filmscand.film.recipe import FrameRecipe

SIX_KINDS = ("leaky_slide", "bright_slide", "dark_slide", "mounted", "kodachrome", "spotless")
SUBJECTS = (landscape, portrait, girders, landscape, lettering, night)


def film_magazine(
    model: str, kinds: Sequence[str], shape_px: tuple[int, int], *, slides: int | None = None, seed: int = 1
) -> Magazine:
    """Fill a magazine with simulated slides.

    A scanner that reads infrared in the same pass gets it exactly on the picture, one with a second pass gets it
    shifted and drifting: as the kind says, or as `drift_of` deals it out where the kind says nothing.

    Parameters
    ----------
    model : str
        The scanner's model.
    kinds : sequence of str
        Names of `filmscand.film.kinds.KINDS`, taken in turn.
    shape_px : (rows, cols)
        Size of the slides at the scanner's highest resolution.
    slides : int or None
        How many; None: one of each kind.
    seed : int
        Seed of the first slide, >= 0; the next ones count on.

    Raises
    ------
    ValueError
        If there is no such kind or model.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ValueError(f"kinds of slides are {', '.join(KINDS)}; not {unknown or 'none at all'}")
    if model not in MODELS:
        raise ValueError(f"models are {', '.join(MODELS)}; not {model!r}")
    second_pass = MODELS[model].delivery in (Delivery.SECOND_SOURCE, Delivery.SECOND_MODE)
    chosen = islice(cycle(kinds), len(kinds) if slides is None else slides)
    loaders = [_film_loader(kind, number, shape_px, seed, second_pass) for number, kind in enumerate(chosen)]
    return Magazine(shape_px, loaders)


def file_magazine(pictures: Sequence[Path]) -> Magazine:
    """Fill a magazine with film files that hold infrared, or have it in a file beside them.

    Raises
    ------
    ValueError
        If there is no file, or one without infrared, or of another size than the first.
    DriverError
        If a file is no film file.
    """
    if not pictures:
        raise ValueError("a magazine needs at least one slide")
    # One file may fill many places of the magazine; it is read when the slide before is another one.
    read = functools.lru_cache(maxsize=1)(_read_slide)
    return Magazine(read(pictures[0]).infrared.shape, [functools.partial(read, picture) for picture in pictures])


def _film_loader(kind: str, number: int, shape_px: tuple[int, int], seed: int, second_pass: bool) -> Loader:
    recipe = _placed(KINDS[kind], drift_of(number + 1) if second_pass else STILL)
    return functools.partial(_simulate, number, shape_px, recipe, seed + number)


def _placed(recipe: FrameRecipe, drift: Drift) -> FrameRecipe:
    optics = recipe.infrared
    shifted = optics.shift_rows_px or optics.shift_cols_px or optics.drift_px or optics.scale != 1.0
    if drift != STILL and shifted:
        return recipe
    placed = dataclasses.replace(
        optics,
        shift_rows_px=drift.rows_px,
        shift_cols_px=drift.cols_px,
        drift_px=drift.wander_px,
        scale=1.0,
    )
    return dataclasses.replace(recipe, infrared=placed)


def _simulate(number: int, shape_px: tuple[int, int], recipe: FrameRecipe, seed: int) -> Slide:
    picture = SUBJECTS[number % len(SUBJECTS)](*shape_px, seed)
    frame = simulate_frame(picture, recipe, seed=seed)
    return Slide(frame.rgb, frame.infrared, STILL)


def _read_slide(picture: Path) -> Slide:
    capture = read_capture(picture, find_infrared_partner(picture))
    if capture.infrared is None:
        raise ValueError(f"{picture}: a slide for the virtual scanner needs infrared, and there is none")
    return Slide(capture.rgb, capture.infrared)
