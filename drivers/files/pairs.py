"""Finds the infrared file of a picture by the file names.

A name only says which file may be an infrared's; what the file holds decides (`planes.is_infrared_file`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from filmscand.drivers.files.errors import SUFFIXES, AmbiguousLayoutError

_SUFFIXED = re.compile(r"(?P<stem>.+?)[ ._-](?:ir|infrared)", re.IGNORECASE)
_PREFIXED = re.compile(r"(?:ir|infrared)[ ._-](?P<stem>.+)", re.IGNORECASE)


def name_key(name: str) -> str:
    """Return the key of a file or folder name: names that a person takes for the same one have the same key.

    Systems write one name in different ways: macOS as base letters with separate accents (Unicode NFD), others as
    whole letters (NFC), and Windows and macOS do not tell upper from lower case.
    """
    # Folding the case of a whole letter may take it apart again (U+0130), and accents may fold themselves (U+0345).
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def infrared_stem(name: str) -> str | None:
    """Return the name of the picture, without extension, that belongs to an infrared file.

    Parameters
    ----------
    name : str
        A file name such as NAME_ir.tif, NAME-IR.tiff, NAME.ir.tif, NAME_infrared.tif or ir_NAME.tif, in any case.

    Returns
    -------
    str or None
        "roll1_0007_IR.tif" gives "roll1_0007"; None if the name is not that of an infrared file, or the extension not
        that of a film file.
    """
    path = Path(name)
    if path.suffix.lower() not in SUFFIXES:
        return None
    match = _SUFFIXED.fullmatch(path.stem) or _PREFIXED.fullmatch(path.stem)
    return match["stem"] if match else None


def find_infrared_partner(picture: Path, is_infrared: Callable[[Path], bool] | None = None) -> Path | None:
    """Find the infrared file beside a picture.

    Names are compared by `name_key`. If several files fit, the picture's own case has priority, then the
    picture's own extension.

    Parameters
    ----------
    picture : Path
        The picture; it need not exist.
    is_infrared : callable, optional
        Returns whether a file with a fitting name can be an infrared by what it holds; default: every one can.

    Returns
    -------
    Path or None
        The partner in the same folder; None if there is none.

    Raises
    ------
    AmbiguousLayoutError
        If two files fit equally well.
    OSError
        If the folder cannot be read.
    """
    stems = {name_key(picture.stem), name_key(picture.name)}
    partners = [
        other
        for other in sorted(picture.parent.iterdir())
        if other.name != picture.name
        and (stem := infrared_stem(other.name)) is not None
        and name_key(stem) in stems
        and other.is_file()
        and (is_infrared is None or is_infrared(other))
    ]
    if not partners:
        return None
    ranks = [_rank(picture, partner) for partner in partners]
    best = [partner for partner, rank in zip(partners, ranks, strict=True) if rank == max(ranks)]
    if len(best) > 1:
        names = " and ".join(partner.name for partner in best)
        raise AmbiguousLayoutError(picture, expected="one infrared file beside it", found=names)
    return best[0]


def _rank(picture: Path, partner: Path) -> tuple[bool, bool]:
    stem = unicodedata.normalize("NFC", infrared_stem(partner.name) or "")
    same_case = stem in {unicodedata.normalize("NFC", name) for name in (picture.stem, picture.name)}
    return same_case, partner.suffix == picture.suffix
