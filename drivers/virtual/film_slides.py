"""Fills a magazine with simulated slides or with film files."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from filmscand.drivers.files.pairs import find_infrared_partner
from filmscand.drivers.files.planes import is_infrared_file
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.virtual.magazine import STILL, Drift, Loader, Magazine, Slide, drift_of
from filmscand.drivers.virtual.models import MODELS, Delivery
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, lettering, night, portrait
from filmscand.film.recipe import FrameRecipe

# Kinds of slides of the default magazine.
SIX_KINDS = ("leaky_slide", "bright_slide", "dark_slide", "mounted", "kodachrome", "spotless")
SUBJECTS = (landscape, portrait, girders, landscape, lettering, night)


def film_magazine(
    model: str, kinds: Sequence[str], shape_px: tuple[int, int], *, slides: int | None = None, seed: int = 1
) -> Magazine:
    """Fill a magazine with simulated slides.

    For a scanner that reads infrared in the same pass, the infrared lies exactly on the picture. For a scanner with a
    second pass it is shifted and drifts: as the kind says, or as `drift_of` says if the kind has no shift of its own.

    Parameters
    ----------
    model : str
        The scanner's model, a name in `MODELS`.
    kinds : sequence of str
        Names in `filmscand.film.kinds.KINDS`; the magazine repeats them in this order.
    shape_px : (int, int)
        Rows and columns of the slides at the scanner's highest resolution.
    slides : int or None
        Number of slides; None makes one of each kind.
    seed : int
        Seed of the first slide, >= 0; the following slides count on.

    Raises
    ------
    ValueError
        If a kind or the model is unknown.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ValueError(f"kinds of slides: expected some of {', '.join(KINDS)}, found {', '.join(unknown) or 'none'}")
    if model not in MODELS:
        raise ValueError(f"model: expected one of {', '.join(MODELS)}, found {model!r}")
    second_pass = MODELS[model].delivery in (Delivery.SECOND_SOURCE, Delivery.SECOND_MODE)
    kinds_in_order = islice(cycle(kinds), len(kinds) if slides is None else slides)
    loaders = [_film_loader(kind, number, shape_px, seed, second_pass) for number, kind in enumerate(kinds_in_order)]
    return Magazine(shape_px, loaders)


def file_magazine(pictures: Sequence[Path]) -> Magazine:
    """Fill a magazine with film files that contain infrared or have an infrared file beside them.

    Parameters
    ----------
    pictures : sequence of Path
        The film files, one per slide. All but the first are read when the slide is scanned.

    Raises
    ------
    ValueError
        If there is no file, or the first one has no infrared.
    DriverError
        If the first file is not a film file.
    """
    if not pictures:
        raise ValueError("a magazine needs at least one slide")
    # The same file may fill several places of the magazine; consecutive places share one reading.
    read = functools.lru_cache(maxsize=1)(_read_slide)
    return Magazine(read(pictures[0]).infrared.shape, [functools.partial(read, picture) for picture in pictures])


def _film_loader(kind: str, number: int, shape_px: tuple[int, int], seed: int, second_pass: bool) -> Loader:
    recipe = _with_drift(KINDS[kind], drift_of(number + 1) if second_pass else STILL)
    return functools.partial(_simulate, number, shape_px, recipe, seed + number)


def _with_drift(recipe: FrameRecipe, drift: Drift) -> FrameRecipe:
    optics = recipe.infrared
    has_own_shift = optics.shift_rows_px or optics.shift_cols_px or optics.drift_px or optics.scale != 1.0
    if drift != STILL and has_own_shift:
        return recipe
    drifting = dataclasses.replace(
        optics,
        shift_rows_px=drift.rows_px,
        shift_cols_px=drift.cols_px,
        drift_px=drift.wander_px,
        scale=1.0,
    )
    return dataclasses.replace(recipe, infrared=drifting)


def _simulate(number: int, shape_px: tuple[int, int], recipe: FrameRecipe, seed: int) -> Slide:
    picture = SUBJECTS[number % len(SUBJECTS)](*shape_px, seed)
    frame = simulate_frame(picture, recipe, seed=seed)
    return Slide(frame.rgb, frame.infrared, STILL)


def _read_slide(picture: Path) -> Slide:
    capture = read_capture(picture, find_infrared_partner(picture, is_infrared_file))
    if capture.infrared is None:
        raise ValueError(f"{picture}: expected a film file with infrared, found none in it or beside it")
    return Slide(capture.rgb, capture.infrared)
