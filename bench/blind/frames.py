"""The frames of the blind bench: pictures, outlines and a second film model that no training has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.frames.drawn_pictures import (
    Lights,
    drawn,
    foliage,
    motorcycle,
    night_lamps,
    rocks,
    star_field,
    texture,
    wires,
)
from bench.frames.photographs import MakePicture, held_out_pictures, photograph
from bench.frames.second_film import second_model
from filmscand.film import pictures as film_pictures
from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.recipe import Damage, FilmStock, FrameRecipe, Outline

FIRST_SEED = 95_001
_HARD = {"rocks", "gravel", "dark slide, rocks", "lettering", "girders", "wires", "foliage"}
_FEW_DAMAGE = Damage(dust=0.1, dirt=0.1, short_hairs=0.1, long_hairs=0, scratches=0)
_NO_DAMAGE = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)


class Group(StrEnum):
    """Groups of frames; the results are averaged over each.

    HARD: dusty pictures in which a person has to search for dust. FEW: 3 to 20 specks and no more.
    """

    COLOUR = "colour"
    HARD = "hard"
    FEW = "few"
    SILVER = "silver"
    KODACHROME = "kodachrome"
    SPOTLESS = "spotless"


@dataclass(frozen=True, slots=True)
class BlindFrame:
    """A frame with its truth.

    Attributes
    ----------
    frame : SimulatedFrame
        Planes and truth.
    lights : (rows, cols) ndarray of int32 or None
        Number of the star or lamp on each pixel, 0 for none; None where the picture has no known lights.
    """

    frame: SimulatedFrame
    lights: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class BlindCase:
    """One frame of the blind bench, not simulated yet.

    Attributes
    ----------
    name : str
        Its film and its picture.
    group : Group
        Group that it is counted in.
    make : callable
        From rows and columns to the frame.
    """

    name: str
    group: Group
    make: Callable[[int, int], BlindFrame]


@dataclass(frozen=True, slots=True)
class _Film:
    """A recipe of a frame, and whether the scanning program has turned it into a positive."""

    recipe: FrameRecipe
    inverted: bool = False


def blind_cases(photos: Path | None = None, outlines: Sequence[Outline] = ()) -> list[BlindCase]:
    """Return the frames of the bench, some sixty, each with its own seed.

    Parameters
    ----------
    photos : Path, optional
        Folder of photographs; each adds a dusty and a spotless frame. If the folder has photographs that training holds
        out, only those are used.
    outlines : sequence of Outline
        Outlines of real defects that were held out of training; every second dusty frame has them.
    """
    cases = [*_dusty(outlines), *_lit(), *_second_model(), *_few(), *_spotless()]
    if photos is not None:
        cases += _of_photos(photos, outlines)
    return cases


def _dusty(outlines: Sequence[Outline]) -> Iterator[BlindCase]:
    """Yield dusty frames of every kind of film; every second one has real outlines if there are any."""
    for index, (name, picture, film) in enumerate(_dusty_films()):
        dusty = replace(film.recipe, damage=replace(film.recipe.damage, outlines=outlines if index % 2 else ()))
        yield BlindCase(name, _group(name), _simulated(picture, replace(film, recipe=dusty), FIRST_SEED + index))


def _dusty_films() -> list[tuple[str, MakePicture, _Film]]:
    plain = KINDS["leaky_slide"]
    silver, rocky = KINDS["silver"], (rocks, FIRST_SEED + 3)
    grainy = replace(silver, stock=replace(silver.stock, grain_density=0.07, grain_size_px=0.9))
    return [
        ("bright smooth sky", _film(film_pictures.smooth_sky), _Film(KINDS["bright_slide"])),
        ("bright coffee", photograph("coffee"), _Film(KINDS["bright_slide"])),
        ("heavy dirt, rocket", photograph("rocket"), _Film(KINDS["heavy_dirt"])),
        ("heavy dirt, portrait", _film(film_pictures.portrait), _Film(KINDS["heavy_dirt"])),
        ("rocks", drawn(*rocky), _Film(plain)),
        ("gravel", texture("gravel", (1, 0.9, 0.8)), _Film(plain)),
        ("landscape", _film(film_pictures.landscape), _Film(plain)),
        ("mounted chelsea", photograph("chelsea"), _Film(KINDS["mounted"])),
        ("mounted askew, brick", texture("brick", (1, 0.75, 0.6)), _Film(KINDS["mounted_turned"])),
        ("negative coffee", photograph("coffee"), _Film(KINDS["negative"])),
        ("negative portrait", _film(film_pictures.portrait), _Film(KINDS["negative"])),
        ("dark slide, astronaut", photograph("astronaut"), _Film(KINDS["dark_slide"])),
        ("dark slide, rocks", drawn(rocks, FIRST_SEED + 4), _Film(KINDS["dark_slide"])),
        ("faint dust, rocket", photograph("rocket"), _Film(KINDS["faint_dust"])),
        ("faint dust, sky", _film(film_pictures.smooth_sky), _Film(KINDS["faint_dust"])),
        ("white dust, coffee", photograph("coffee"), _Film(KINDS["negative"], inverted=True)),
        ("white dust, landscape", _film(film_pictures.landscape), _Film(KINDS["negative"], inverted=True)),
        ("lettering", _film(film_pictures.lettering), _Film(plain)),
        ("girders", _film(film_pictures.girders), _Film(plain)),
        ("wires", drawn(wires, FIRST_SEED), _Film(plain)),
        ("foliage", drawn(foliage, FIRST_SEED), _Film(plain)),
        ("motorcycle", motorcycle, _Film(plain)),
        ("eight bits, retina", photograph("retina"), _Film(KINDS["eight_bit"])),
        ("gamma-encoded, astronaut", photograph("astronaut"), _Film(KINDS["gamma_encoded"])),
        ("kodachrome astronaut", photograph("astronaut"), _Film(KINDS["kodachrome"])),
        ("kodachrome chelsea", photograph("chelsea"), _Film(KINDS["kodachrome"])),
        ("kodachrome rocks", drawn(rocks, FIRST_SEED + 5), _Film(KINDS["kodachrome"])),
        ("silver camera", photograph("camera"), _Film(silver)),
        ("silver motorcycle", motorcycle, _Film(silver)),
        ("silver, coarse grain, astronaut", photograph("astronaut"), _Film(grainy)),
        ("silver, inverted, chelsea", photograph("chelsea"), _Film(silver, inverted=True)),
    ]


def _lit() -> Iterator[BlindCase]:
    dusty = KINDS["leaky_slide"]
    # A night sky is exposed for its dark parts.
    bare = replace(dusty, damage=_NO_DAMAGE, stock=FilmStock(exposure_stops=0.5))
    for index, make in enumerate((star_field, night_lamps)):
        name = ("star field", "night lamps")[index]
        yield BlindCase(name, Group.COLOUR, _lit_frame(make, dusty, FIRST_SEED + 60 + index))
        yield BlindCase(f"spotless {name}", Group.SPOTLESS, _lit_frame(make, bare, FIRST_SEED + 62 + index))


def _second_model() -> Iterator[BlindCase]:
    frames = [
        ("coffee", Group.COLOUR, photograph("coffee")),
        ("astronaut", Group.COLOUR, photograph("astronaut")),
        ("grass", Group.HARD, texture("grass", (0.7, 1, 0.4))),
        ("girders", Group.HARD, _film(film_pictures.girders)),
    ]
    for index, (name, group, picture) in enumerate(frames):
        yield BlindCase(f"second model, {name}", group, _of_second(picture, FIRST_SEED + 70 + index))


def _few() -> Iterator[BlindCase]:
    frames: list[tuple[str, MakePicture, str]] = [
        ("sky", _film(film_pictures.smooth_sky), "bright_slide"),
        ("landscape", _film(film_pictures.landscape), "leaky_slide"),
        ("portrait", _film(film_pictures.portrait), "negative"),
        ("coffee", photograph("coffee"), "bright_slide"),
        ("chelsea", photograph("chelsea"), "leaky_slide"),
        ("retina", photograph("retina"), "negative"),
        ("astronaut", photograph("astronaut"), "dark_slide"),
        ("rocks", drawn(rocks, FIRST_SEED + 7), "dark_slide"),
        ("silver camera", photograph("camera"), "silver"),
        ("silver portrait", _film(film_pictures.portrait), "silver"),
    ]
    for index, (name, picture, kind) in enumerate(frames):
        film = _Film(replace(KINDS[kind], damage=_FEW_DAMAGE))
        yield BlindCase(f"few specks, {name}", Group.FEW, _simulated(picture, film, FIRST_SEED + 120 + index))


def _spotless() -> Iterator[BlindCase]:
    plain = replace(KINDS["leaky_slide"], damage=_NO_DAMAGE)
    silver = replace(KINDS["silver"], damage=_NO_DAMAGE)
    grainy = replace(plain, stock=FilmStock(grain_density=0.06, grain_size_px=0.9))
    frames: list[tuple[str, MakePicture, _Film]] = [
        ("chelsea", photograph("chelsea"), _Film(plain)),
        ("rocks", drawn(rocks, FIRST_SEED + 6), _Film(plain)),
        ("gravel", texture("gravel", (1, 0.9, 0.8)), _Film(plain)),
        ("lettering", _film(film_pictures.lettering), _Film(plain)),
        ("wires", drawn(wires, FIRST_SEED + 1), _Film(plain)),
        ("foliage", drawn(foliage, FIRST_SEED + 1), _Film(plain)),
        ("grass", texture("grass", (0.7, 1, 0.4)), _Film(plain)),
        ("coarse grain, sky", _film(film_pictures.smooth_sky), _Film(grainy)),
        ("hubble", photograph("hubble_deep_field"), _Film(plain)),
        ("portrait", _film(film_pictures.portrait), _Film(plain)),
        ("silver camera", photograph("camera"), _Film(silver)),
        (
            "negative, inverted, rocket",
            photograph("rocket"),
            _Film(replace(KINDS["negative"], damage=_NO_DAMAGE), True),
        ),
    ]
    for index, (name, picture, film) in enumerate(frames):
        yield BlindCase(f"spotless {name}", Group.SPOTLESS, _simulated(picture, film, FIRST_SEED + 80 + index))
    motor = _of_second(motorcycle, FIRST_SEED + 95, spotless=True)
    yield BlindCase("spotless second model, motorcycle", Group.SPOTLESS, motor)


def _of_photos(folder: Path, outlines: Sequence[Outline]) -> Iterator[BlindCase]:
    dusty, kinds = KINDS["leaky_slide"], ("leaky_slide", "negative", "dark_slide", "heavy_dirt")
    bare = replace(dusty, damage=_NO_DAMAGE)
    for index, (name, picture) in enumerate(held_out_pictures(folder).items()):
        recipe = KINDS[kinds[index % len(kinds)]]
        damaged = replace(recipe, damage=replace(recipe.damage, outlines=outlines if index % 2 else ()))
        yield BlindCase(name, Group.COLOUR, _simulated(picture, _Film(damaged), FIRST_SEED + 200 + index))
        yield BlindCase(f"spotless {name}", Group.SPOTLESS, _simulated(picture, _Film(bare), FIRST_SEED + 400 + index))


def _group(name: str) -> Group:
    if name in _HARD:
        return Group.HARD
    return next((group for group in (Group.SILVER, Group.KODACHROME) if name.startswith(str(group))), Group.COLOUR)


def _film(make: Callable[[int, int, int], npt.NDArray[np.float32]]) -> MakePicture:
    return drawn(make, FIRST_SEED)


def _simulated(picture: MakePicture, film: _Film, seed: int) -> Callable[[int, int], BlindFrame]:
    def make(rows: int, cols: int) -> BlindFrame:
        frame = simulate_frame(picture(rows, cols), film.recipe, seed=seed)
        return BlindFrame(inverted(frame) if film.inverted else frame)

    return make


def _lit_frame(
    lights: Callable[[int, int, int], Lights], recipe: FrameRecipe, seed: int
) -> Callable[[int, int], BlindFrame]:
    def make(rows: int, cols: int) -> BlindFrame:
        made = lights(rows, cols, seed)
        return BlindFrame(simulate_frame(made.picture, recipe, seed=seed), made.labels)

    return make


def _of_second(picture: MakePicture, seed: int, *, spotless: bool = False) -> Callable[[int, int], BlindFrame]:
    return lambda rows, cols: BlindFrame(second_model(picture(rows, cols), seed=seed, spotless=spotless))


def inverted(frame: SimulatedFrame) -> SimulatedFrame:
    """Return a negative as scanning programs save it: a positive with gamma 2.2, whose dust is white."""
    clear = np.percentile(frame.clean_rgb[::4, ::4], 99.5, axis=(0, 1))
    dense = np.percentile(frame.clean_rgb[::4, ::4], 0.5, axis=(0, 1))
    tables = [_positive(float(low), float(high)) for low, high in zip(dense, clear, strict=True)]
    rgb, clean_rgb = (
        np.stack([table[plane[..., channel]] for channel, table in enumerate(tables)], -1)
        for plane in (frame.rgb, frame.clean_rgb)
    )
    scanner = replace(frame.recipe.scanner, gamma=2.2)
    return replace(frame, rgb=rgb, clean_rgb=clean_rgb, recipe=replace(frame.recipe, scanner=scanner))


def _positive(dense: float, clear: float) -> npt.NDArray[np.uint16]:
    """Return the new count of each count of a channel, (65536,): `dense` becomes white, `clear` black."""
    counts = np.maximum(np.arange(65536, dtype=np.float64), 1)
    dense = max(dense, 1.0)
    share = np.log(clear / counts) / np.log(max(clear / dense, 1.5))
    table: npt.NDArray[np.uint16] = np.rint(65535 * (0.02 + 0.9 * np.clip(share, -0.02, 1.08))).astype(np.uint16)
    return table
