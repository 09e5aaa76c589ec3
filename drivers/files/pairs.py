"""Finds the infrared file of a picture by the file names alone."""

from __future__ import annotations

import re
from pathlib import Path

from filmscand.drivers.files.errors import SUFFIXES, AmbiguousLayoutError

_SUFFIXED = re.compile(r"(?P<stem>.+?)[ ._-](?:ir|infrared)", re.IGNORECASE)
_PREFIXED = re.compile(r"(?:ir|infrared)[ ._-](?P<stem>.+)", re.IGNORECASE)


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


def find_infrared_partner(picture: Path) -> Path | None:
    """Find the infrared file beside a picture.

    Names are compared without regard to case. If several files fit, the picture's own case has priority, then the
    picture's own extension.

    Parameters
    ----------
    picture : Path
        The picture; it need not exist.

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
    stems = {picture.stem.casefold(), picture.name.casefold()}
    partners = [
        other
        for other in sorted(picture.parent.iterdir())
        if other.name != picture.name
        and (stem := infrared_stem(other.name)) is not None
        and stem.casefold() in stems
        and other.is_file()
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
    same_case = infrared_stem(partner.name) in (picture.stem, picture.name)
    return same_case, partner.suffix == picture.suffix
