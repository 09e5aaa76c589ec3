"""The picture that a scanner's program has written: found, read, and compared with what was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from filmscand.drivers.base import Capture
from filmscand.drivers.files.errors import TIFF_SUFFIXES, FileTruncatedError, FilmFileError
from filmscand.drivers.files.pairs import find_infrared_partner, infrared_stem
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.scanner.errors import ScannerIoError, ShortFrameError

# Difference between the size that was asked for and that of the picture, which programs cause by rounding: pixels, and
# a share of the side.
_ROUNDED_PX: Final = 16
_ROUNDED_SHARE: Final = 0.01


def output_bytes(folder: Path) -> int:
    """Return how many bytes have been written to the files of a folder."""
    total = 0
    for file in folder.iterdir():
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            # A temporary file that the program has just renamed.
            continue
    return total


def read_output(folder: Path, output: Path, program: str) -> Capture:
    """Read the picture that a program has written, with its infrared: inside, or in a second file NAME_ir.tif.

    Parameters
    ----------
    folder : Path
        The folder that the program wrote to.
    output : Path
        The file that it was told to write; else the only picture of the folder is taken.
    program : str
        Its name, for the messages.

    Raises
    ------
    ShortFrameError
        If there is no picture, or part of it is missing.
    ScannerIoError
        If the files are not one picture of film.
    """
    try:
        picture = output if output.exists() else _only_picture(folder, program)
        infrared = find_infrared_partner(picture)
        # A fourth sample of a scanner is infrared; nothing that scans film writes transparency.
        return read_capture(picture, infrared, fourth_sample_is_infrared=True)
    except FileTruncatedError as error:
        raise ShortFrameError(f"{program} wrote part of a picture: {error.found}") from error
    except FilmFileError as error:
        raise ScannerIoError(f"{program} wrote {error.found}, expected {error.expected}") from error


def check_size(capture: Capture, expected: tuple[float, float], program: str) -> None:
    """Compare the size of a picture with the area that was asked for.

    Parameters
    ----------
    capture : Capture
        The frame.
    expected : (float, float)
        Rows and columns of the area.
    program : str
        Its name, for the messages.

    Raises
    ------
    ShortFrameError
        If the picture is smaller.
    ScannerIoError
        If it is larger.
    """
    found = capture.rgb.shape[:2]
    short = [wanted - side for wanted, side in zip(expected, found, strict=True)]
    rounded = [max(_ROUNDED_PX, _ROUNDED_SHARE * wanted) for wanted in expected]
    message = f"{program} wrote {found[0]} rows of {found[1]} pixels, expected {expected[0]:.0f} of {expected[1]:.0f}"
    if any(missing > limit for missing, limit in zip(short, rounded, strict=True)):
        raise ShortFrameError(message)
    if any(-missing > limit for missing, limit in zip(short, rounded, strict=True)):
        raise ScannerIoError(message)


def _only_picture(folder: Path, program: str) -> Path:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in TIFF_SUFFIXES)
    pictures = [file for file in files if infrared_stem(file.name) is None]
    if not pictures:
        raise ShortFrameError(f"{program} ended without an error, and wrote no picture")
    if len(pictures) > 1:
        names = ", ".join(file.name for file in pictures)
        raise ScannerIoError(f"{program} wrote {names}, expected one picture, and NAME_ir.tif for its infrared")
    return pictures[0]
