"""The name of a frame, and where in the archive it lies."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.core.errors import FrameIdError

MAX_SLUG_LENGTH: Final = 64
MAX_NUMBER: Final = 9999
_SLUG = re.compile(rf"[a-z0-9_-]{{1,{MAX_SLUG_LENGTH}}}")
_NAME = re.compile(r"(?P<roll>[a-z0-9_-]+)_(?P<number>[0-9]{4})")
# NFKD leaves these letters whole, for they are no base letter with a mark.
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}
    | {"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i"}
)


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """One frame of one roll.

    Attributes
    ----------
    collection, box, roll : str
        Slugs: 1 to 64 of `a-z 0-9 _ -`.
    number : int
        Frame number on the roll, 1..9999.

    Raises
    ------
    FrameIdError
        A part cannot stand in the archive.
    """

    collection: str
    box: str
    roll: str
    number: int

    def __post_init__(self) -> None:
        for part in ("collection", "box", "roll"):
            require_slug(part, getattr(self, part))
        if isinstance(self.number, bool) or not 1 <= self.number <= MAX_NUMBER:
            raise FrameIdError(f"number: expected 1..{MAX_NUMBER}, found {self.number}")

    @property
    def stem(self) -> str:
        """What the names of the frame's files begin with: `<roll>_0007`."""
        return f"{self.roll}_{self.number:04d}"

    @property
    def roll_folder(self) -> Path:
        """Folder of the roll, relative to the archive."""
        return Path(self.collection, self.box, self.roll)

    @property
    def folder(self) -> Path:
        """Folder of the frame, relative to the archive."""
        return self.roll_folder / "data" / self.stem

    @classmethod
    def from_folder(cls, folder: Path) -> FrameId:
        """Return the frame whose `folder` (relative to the archive) this is.

        Raises
        ------
        FrameIdError
            The folder is no frame's.
        """
        parts = folder.parts
        name = _NAME.fullmatch(parts[-1]) if parts else None
        if len(parts) != 5 or parts[3] != "data" or name is None or name["roll"] != parts[2]:
            raise FrameIdError(f"{folder}: expected collection/box/roll/data/<roll>_<0007>")
        return cls(parts[0], parts[1], parts[2], int(name["number"]))

    def __str__(self) -> str:
        return f"{self.collection}/{self.box}/{self.stem}"


def require_slug(name: str, text: str) -> str:
    """Return `text` where it can stand in the archive.

    Raises
    ------
    FrameIdError
        It has other characters than `a-z 0-9 _ -`, is empty or too long.
    """
    try:
        return checked_slug(text)
    except FrameIdError as error:
        raise FrameIdError(f"{name}: {error}") from None


def checked_slug(text: str) -> str:
    """Return `text` where it can stand in the archive; see `require_slug`."""
    if not isinstance(text, str) or not _SLUG.fullmatch(text):
        raise FrameIdError(f"expected 1 to {MAX_SLUG_LENGTH} of a-z, 0-9, _ and -, found {text!r}")
    return text


def slug(text: str) -> str:
    """Return free text as a name for the archive; never empty.

    Letters lose their marks (NFKD), everything else that is no letter or digit becomes one `-`.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode().lower()
    cut = re.sub(r"[^a-z0-9_]+", "-", plain)[:MAX_SLUG_LENGTH].strip("-")
    return cut or "unnamed"
