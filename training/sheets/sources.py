"""Sources of sheets: photographs, real outlines of damage, drawn artefacts, and which of them training never sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.recipe import DefectKind, Outline

HELD_OUT_PHOTOS = ("canyon-wren", "lake-sherburne", "oakland-zoo-otters", "singaporean-cityscape")
HELD_OUT_SCANS = ("6", "10")
# One drawn artefact in five is held out.
HELD_OUT_DRAWN_STEP = 5
# Two of the six scans have two thirds of the others' resolution.
_SCAN_SCALE = {"8": 1.5, "10": 1.5}
_FEWEST_POINTS = 3

Picture = npt.NDArray[np.uint8]
Opacity = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn artefact.

    Parameters
    ----------
    kind : str
        Its kind, the first word of its file name.
    opacity : (rows, cols) ndarray of float32
        Opacity, 0..1.
    """

    kind: str
    opacity: Opacity


@dataclass(frozen=True, slots=True)
class Sources:
    """Photographs and artefacts to draw sheets from. Without any, scenes and damage are simulated.

    Parameters
    ----------
    photos : sequence of ndarray of uint8, shape (rows, cols, 3)
        Photographs in sRGB.
    outlines : sequence of Outline
        Outlines of real defects: rows and columns, pixels at 3600 dpi.
    drawn : sequence of Drawn
        Drawn artefacts.
    """

    photos: Sequence[Picture] = field(default_factory=tuple)
    outlines: Sequence[Outline] = field(default_factory=tuple)
    drawn: Sequence[Drawn] = field(default_factory=tuple)


def load_sources(photos: Path | None, artefacts: Path | None, *, held_out: bool) -> Sources:
    """Load the sources to train with, or those that are held out.

    Parameters
    ----------
    photos : Path or None
        Folder of JPEG photographs.
    artefacts : Path or None
        Folder with `outlines.json` and `drawn/*.png` (Ivanova, Williamson, Henderson 2023: FilmDamageSimulator).
    held_out : bool
        True for the held-out sources, False for those to train with.

    Raises
    ------
    FileNotFoundError
        The first folder has no photographs, or the second no `outlines.json`.
    """
    pictures = () if photos is None else tuple(map(_read_photo, photo_paths(photos, held_out=held_out)))
    if artefacts is None:
        return Sources(pictures)
    return Sources(pictures, load_outlines(artefacts, held_out=held_out), _load_drawn(artefacts, held_out))


def photo_paths(folder: Path, *, held_out: bool) -> list[Path]:
    """Return the photographs of a folder to train with, or those that are held out.

    Parameters
    ----------
    folder : Path
        Folder of JPEG photographs.
    held_out : bool
        True for those named in `HELD_OUT_PHOTOS`, False for all others.

    Raises
    ------
    FileNotFoundError
        The folder has no photographs at all.
    """
    paths = sorted(folder.glob("*.jpg"))
    if not paths:
        raise FileNotFoundError(f"{folder}: expected photographs (*.jpg), found none")
    return [path for path in paths if (path.stem in HELD_OUT_PHOTOS) == held_out]


def _read_photo(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError(f"{path}: expected a photograph that can be read")
    return np.ascontiguousarray(picture[..., ::-1], np.uint8)


def load_outlines(artefacts: Path, *, held_out: bool) -> tuple[Outline, ...]:
    """Load outlines of real damage from `outlines.json`: those of four scans, or those of the two held-out scans."""
    entries = json.loads((artefacts / "outlines.json").read_text())
    return tuple(
        Outline(DefectKind(entry["kind"]), _points_px(entry))
        for entry in entries
        if (entry["scan"] in HELD_OUT_SCANS) == held_out and len(entry["points"]) >= _FEWEST_POINTS
    )


def _points_px(entry: dict[str, Any]) -> npt.NDArray[np.float64]:
    return np.array(entry["points"], np.float64)[:, ::-1] * _SCAN_SCALE.get(entry["scan"], 1.0)


def _load_drawn(artefacts: Path, held_out: bool) -> tuple[Drawn, ...]:
    paths = sorted((artefacts / "drawn").glob("*.png"))
    selection = [path for i, path in enumerate(paths) if (i % HELD_OUT_DRAWN_STEP == 0) == held_out]
    return tuple(Drawn(path.stem.split("-")[0], _read_opacity(path)) for path in selection)


def _read_opacity(path: Path) -> Opacity:
    plane = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return np.asarray(plane, np.float32) / np.float32(255)
