"""Which file holds the infrared of a picture, told by their names alone."""

from __future__ import annotations

import re
from pathlib import Path

from filmscand.drivers.files.errors import SUFFIXES, AmbiguousLayoutError

_SUFFIXED = re.compile(r"(?P<stem>.+?)[ ._-](?:ir|infrared)", re.IGNORECASE)
_PREFIXED = re.compile(r"(?:ir|infrared)[ ._-](?P<stem>.+)", re.IGNORECASE)


def infrared_stem(name: str) -> str | None:
    """Give the picture's name, without extension, to which an infrared file's name points.

    Parameters
    ----------
    name : str
        A file name: NAME_ir.tif, NAME-IR.tiff, NAME.ir.tif, NAME_infrared.tif, ir_NAME.tif in any case.

    Returns
    -------
    str or None
        "roll1_0007_IR.tif" gives "roll1_0007"; None where the name is no infrared name or the extension is not a
        film file's.
    """
    path = Path(name)
    if path.suffix.lower() not in SUFFIXES:
        return None
    match = _SUFFIXED.fullmatch(path.stem) or _PREFIXED.fullmatch(path.stem)
    return match["stem"] if match else None


def find_infrared_partner(picture: Path) -> Path | None:
    """Find the infrared file beside a picture.

    Names are compared without case; among several that fit, the one in the picture's own case and with its own
    extension is taken.

    Parameters
    ----------
    picture : Path
        The picture; it need not exist.

    Returns
    -------
    Path or None
        The partner in the same folder, None where there is none.

    Raises
    ------
    AmbiguousLayoutError
        Two files fit equally well.
    OSError
        The folder cannot be read.
    """
    wanted = {picture.stem.casefold(), picture.name.casefold()}
    partners = [
        other
        for other in sorted(picture.parent.iterdir())
        if other.name != picture.name
        and (stem := infrared_stem(other.name)) is not None
        and stem.casefold() in wanted
        and other.is_file()
    ]
    if not partners:
        return None
    likeness = [_likeness(picture, partner) for partner in partners]
    best = [partner for partner, alike in zip(partners, likeness, strict=True) if alike == max(likeness)]
    if len(best) > 1:
        names = " and ".join(partner.name for partner in best)
        raise AmbiguousLayoutError(picture, expected="one infrared file beside it", found=names)
    return best[0]


def _likeness(picture: Path, partner: Path) -> tuple[bool, bool]:
    same_case = infrared_stem(partner.name) in (picture.stem, picture.name)
    return same_case, partner.suffix == picture.suffix
