"""Pairs of damaged and restored pictures in a folder: finds the files that belong together, and reads them.

EvaluationError
  PairError        one pair cannot be measured; the message names the file, what was expected and what was found
  NoPairsError     the folder holds no pair
  MeasureMissingError   a library for a measure is not installed
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from filmscand.daemon.core.errors import DaemonError
from filmscand.drivers.files.errors import TIFF_SUFFIXES as SUFFIXES
from filmscand.drivers.files.pairs import infrared_stem
from filmscand.drivers.files.planes import read_infrared_file
from filmscand.drivers.files.reader import read_capture

Counts = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

_PICTURES = SUFFIXES | {".png", ".jpg", ".jpeg"}
_DAMAGED, _RESTORED, _MASKS, _INFRARED = "damaged", "restored", "masks", "infrared"
_LAYOUTS = (
    f"{_DAMAGED}/NAME.* with {_RESTORED}/NAME.*, NAME_damaged.* with NAME_restored.*, or NAME.* with NAME_restored.*"
)


class EvaluationError(DaemonError):
    """Pairs cannot be measured."""


class PairError(EvaluationError):
    """One pair cannot be measured; the others can."""


class NoPairsError(EvaluationError):
    """The folder contains no pair."""


class MeasureMissingError(EvaluationError):
    """A library for a measure is not installed."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """The files of one pair.

    Attributes
    ----------
    name : str
        The part of the file names that is the same in all of them.
    damaged, restored : Path or None
        The damaged scan, and the restored picture; None if the file is missing.
    mask : Path or None
        The true defect mask; None: the difference of the two pictures is used.
    infrared : Path or None
        A separate file with the infrared plane of the damaged picture.
    expected : str
        Name that a missing partner would have, for the message.
    """

    name: str
    damaged: Path | None
    restored: Path | None
    mask: Path | None
    infrared: Path | None
    expected: str

    def require_both(self) -> tuple[Path, Path]:
        """Return the damaged and the restored file.

        Raises
        ------
        PairError
            One of them is missing.
        """
        if self.damaged is None or self.restored is None:
            present = self.damaged or self.restored
            raise PairError(f"{present}: expected {self.expected} to go with it, found none")
        return self.damaged, self.restored


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was read.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535. A grey picture has three equal channels; 8 bits are scaled to 16 (times 257).
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane, if the same file holds one.
    """

    rgb: Counts
    infrared: Counts | None = None


def find_pairs(folder: Path) -> list[PairFiles]:
    """Return the pairs of a folder, sorted by name; also those of which one file is missing.

    Parameters
    ----------
    folder : Path
        One of the layouts `damaged/NAME.*` with `restored/NAME.*` (and `masks/NAME.*`, `infrared/NAME.*`),
        `NAME_damaged.*` with `NAME_restored.*` (and `NAME_mask.*`, `NAME_ir.*`), or `NAME.*` with `NAME_restored.*`.

    Raises
    ------
    NoPairsError
        The folder contains no restored picture.
    PairError
        Two files have the same role in one pair.
    OSError
        The folder cannot be read.
    """
    if (folder / _DAMAGED).is_dir() or (folder / _RESTORED).is_dir():
        pairs = list(_in_folders(folder))
    else:
        pairs = list(_side_by_side(folder))
    if not any(pair.restored for pair in pairs):
        raise NoPairsError(f"{folder}: expected {_LAYOUTS}, found {len(pairs)} pictures and no restored one")
    return sorted(pairs, key=lambda pair: pair.name)


def _in_folders(folder: Path) -> Iterator[PairFiles]:
    damaged, inside = _split(_pictures(folder / _DAMAGED))
    restored, masks = _pictures(folder / _RESTORED), _pictures(folder / _MASKS)
    infrared = inside | _pictures(folder / _INFRARED)
    for name in damaged.keys() | restored.keys():
        missing = folder / (_RESTORED if name in damaged else _DAMAGED) / f"{name}.*"
        yield PairFiles(
            name, damaged.get(name), restored.get(name), masks.get(name), infrared.get(name), expected=str(missing)
        )


def _side_by_side(folder: Path) -> Iterator[PairFiles]:
    pictures, infrared = _split(_pictures(folder))
    roles: dict[str, dict[str, Path]] = {}
    for stem, path in pictures.items():
        name, role = _role(stem)
        earlier = roles.setdefault(name, {}).setdefault(role, path)
        if earlier is not path:
            raise PairError(f"{path}: expected one {role} picture of {name}, found {earlier.name} too")
    for name, files in roles.items():
        missing = f"{name}_restored.*" if "damaged" in files else f"{name}_damaged.* or {name}.*"
        plane = infrared.get(name) or infrared.get(f"{name}_damaged")
        yield PairFiles(name, files.get("damaged"), files.get("restored"), files.get("mask"), plane, missing)


def _role(stem: str) -> tuple[str, str]:
    for role in ("damaged", "restored", "mask"):
        if stem.lower().endswith(f"_{role}"):
            return stem[: -len(role) - 1], role
    return stem, "damaged"


def _split(pictures: dict[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Split pictures by stem into pictures, and infrared planes by the stem of their picture."""
    infrared = {}
    for stem, path in pictures.items():
        name = infrared_stem(f"{stem}.tif")
        if name is not None:
            infrared[name] = path
    return {stem: path for stem, path in pictures.items() if path not in infrared.values()}, infrared


def _pictures(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _PICTURES or not path.is_file():
            continue
        earlier = found.setdefault(path.stem, path)
        if earlier is not path:
            raise PairError(f"{path}: expected one picture of this name, found {earlier.name} too")
    return found


def partner_in(folder: Path, pair: PairFiles) -> tuple[Path, Path | None]:
    """Return the cleaned picture that another program made of a pair, and its mask if there is one.

    Parameters
    ----------
    folder : Path
        Folder of the other program's pictures: NAME.*, NAME_clean.*, NAME_cleaned.*, or the same with the name of the
        damaged file, as `filmscand clean` writes it. Masks are NAME_mask.*.
    pair : PairFiles
        The pair.

    Raises
    ------
    PairError
        The folder contains no such picture, or more than one.
    """
    damaged, _ = pair.require_both()
    stems = dict.fromkeys((pair.name, damaged.stem))
    names = [f"{stem}{ending}" for stem in stems for ending in ("_clean", "_cleaned", "")]
    pictures = _pictures(folder)
    found = [pictures[name] for name in names if name in pictures]
    if len(found) != 1:
        seen = ", ".join(path.name for path in found) or "none"
        raise PairError(f"{damaged}: expected one of {', '.join(names)} (.tif, .png, .jpg) in {folder}, found {seen}")
    return found[0], next((pictures[f"{stem}_mask"] for stem in stems if f"{stem}_mask" in pictures), None)


def read_picture(path: Path) -> Picture:
    """Read a colour or grey picture of 8 or 16 bits, with its infrared plane if the same file holds one.

    Raises
    ------
    PairError
        The file is not such a picture.
    DriverError
        A colour TIFF is not a film scan that can be read.
    OSError
        The file cannot be read.
    """
    if path.suffix.lower() in SUFFIXES and not _is_grey_tiff(path):
        capture = read_capture(path)
        return Picture(capture.rgb, capture.infrared)
    samples = _sixteen_bits(_samples(path), path)
    if samples.ndim == 2:
        samples = np.repeat(samples[..., None], 3, axis=-1)
    return Picture(np.ascontiguousarray(samples[..., :3]))


def read_infrared(path: Path, picture: Path, shape: tuple[int, int]) -> Counts:
    """Read an infrared plane from a separate file.

    Parameters
    ----------
    path : Path
        The infrared file.
    picture : Path
        The picture that it belongs to, for messages.
    shape : (int, int)
        Rows and columns of the picture; the plane must have the same.

    Raises
    ------
    PairError
        The plane has another size.
    DriverError
        A TIFF is not an infrared plane of this picture.
    OSError
        The file cannot be read.
    """
    if path.suffix.lower() in SUFFIXES:
        return read_infrared_file(path, picture, shape)[0]
    plane = _plane(path)
    require_same_size(path, plane, picture, shape)
    return plane


def read_mask(path: Path, picture: Path, shape: tuple[int, int]) -> Mask:
    """Read a mask: pixels brighter than half of the largest value in the file are damage.

    Parameters
    ----------
    path : Path
        The file of the mask, 8 or 16 bits or binary.
    picture : Path
        The picture that it belongs to, for messages.
    shape : (int, int)
        Rows and columns of the picture; the mask must have the same.

    Raises
    ------
    PairError
        The file is not a picture, or has another size.
    OSError
        The file cannot be read.
    """
    plane = _plane(path)
    require_same_size(path, plane, picture, shape)
    return np.asarray(plane > int(plane.max(initial=0)) // 2)


def require_same_size(path: Path, found: Counts, picture: Path, shape: tuple[int, ...]) -> None:
    """Raise PairError if a picture or plane does not have the `shape` that belongs to the damaged `picture`."""
    if found.shape != shape:
        raise PairError(
            f"{path}: expected {shape[1]} x {shape[0]} as {picture.name}, found {found.shape[1]} x {found.shape[0]}"
        )


def _plane(path: Path) -> Counts:
    samples = _sixteen_bits(_samples(path), path)
    return samples if samples.ndim == 2 else samples[..., :3].max(axis=-1)


def _is_grey_tiff(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as film:
            return len(film.pages) == 1 and film.pages.first.ndim == 2
    except tifffile.TiffFileError as error:
        raise PairError(f"{path}: expected a TIFF, found {error}") from error


def _samples(path: Path) -> npt.NDArray[Any]:
    suffix = path.suffix.lower()
    decode = imagecodecs.png_decode if suffix == ".png" else imagecodecs.jpeg8_decode
    try:
        samples = tifffile.imread(path) if suffix in SUFFIXES else decode(path.read_bytes())
    except (RuntimeError, ValueError) as error:  # both libraries raise these for bad content
        raise PairError(f"{path}: expected a picture, found {error}") from error
    found: npt.NDArray[Any] = np.asarray(samples)
    # A PNG with grey and alpha has two samples; only the first is the picture.
    return found[..., 0] if found.ndim == 3 and found.shape[2] < 3 else found


def _sixteen_bits(samples: npt.NDArray[Any], path: Path) -> Counts:
    if samples.dtype == np.bool_:
        return samples.astype(np.uint16) * np.uint16(65535)
    if samples.dtype == np.uint8:
        return samples.astype(np.uint16) * np.uint16(257)
    if samples.dtype != np.uint16 or samples.ndim not in (2, 3):
        raise PairError(f"{path}: expected 8 or 16 bits, found {samples.dtype} {samples.shape}")
    return samples
