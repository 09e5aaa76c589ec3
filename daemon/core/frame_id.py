"""The identity of a frame: collection, box, roll and number, and its folder in the archive."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.core.errors import FrameIdError

MAX_SLUG_LENGTH: Final = 64
MAX_NUMBER: Final = 9999
_SLUG = re.compile(rf"[a-z0-9_-]{{1,{MAX_SLUG_LENGTH}}}")
_NAME = re.compile(r"(?P<roll>[a-z0-9_-]+)_(?P<number>[0-9]{4})")
# NFKD does not decompose these letters: they are not a base letter with a diacritic.
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}
    | {"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ı": "i"}
)


def stem_of(roll: str, number: int) -> str:
    """Return the beginning of the names of all files of a frame: `<roll>_0007`."""
    return f"{roll}_{number:04d}"


@dataclass(frozen=True, slots=True, order=True)
class FrameId:
    """One frame of one roll.

    Attributes
    ----------
    collection, box, roll : str
        Slugs: 1 to 64 characters of `a-z 0-9 _ -`.
    number : int
        Number of the frame on the roll, 1..9999.

    Raises
    ------
    FrameIdError
        A part is not a slug, or the number is out of range.
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
        """Beginning of the names of all files of the frame: `<roll>_0007`."""
        return stem_of(self.roll, self.number)

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
        """Return the frame that a folder belongs to.

        Parameters
        ----------
        folder : Path
            Folder of a frame, relative to the archive: `collection/box/roll/data/<roll>_<0007>`.

        Raises
        ------
        FrameIdError
            The folder is not the folder of a frame.
        """
        parts = folder.parts
        name = _NAME.fullmatch(parts[-1]) if parts else None
        if len(parts) != 5 or parts[3] != "data" or name is None or name["roll"] != parts[2]:
            raise FrameIdError(f"{folder}: expected collection/box/roll/data/<roll>_<0007>")
        return cls(parts[0], parts[1], parts[2], int(name["number"]))

    @classmethod
    def from_name(cls, name: str) -> FrameId:
        """Return the frame of a name as it is printed: `collection/box/<roll>_<0007>`.

        Raises
        ------
        FrameIdError
            The text names no frame.
        """
        parts = name.strip("/").split("/")
        match = _NAME.fullmatch(parts[-1])
        if len(parts) != 3 or match is None:
            raise FrameIdError(f"expected COLLECTION/BOX/ROLL_0007, found {name}")
        return cls(parts[0], parts[1], match["roll"], int(match["number"]))

    def __str__(self) -> str:
        return f"{self.collection}/{self.box}/{self.stem}"


def require_slug(name: str, text: str) -> str:
    """Return `text` if it is a slug.

    Parameters
    ----------
    name : str
        What the text names ("roll"), for the message.
    text : str
        1 to 64 characters of `a-z 0-9 _ -`.

    Raises
    ------
    FrameIdError
        The text has other characters, is empty or is too long.
    """
    try:
        return checked_slug(text)
    except FrameIdError as error:
        raise FrameIdError(f"{name}: {error}") from None


def checked_slug(text: str) -> str:
    """Return `text` if it is a slug; see `require_slug`."""
    if not isinstance(text, str) or not _SLUG.fullmatch(text):
        raise FrameIdError(f"expected 1 to {MAX_SLUG_LENGTH} of a-z, 0-9, _ and -, found {text!r}")
    return text


def slug(text: str) -> str:
    """Return free text as a slug for the archive; never empty.

    Letters lose their diacritics (Unicode NFKD), and letters and digits of other scripts are transliterated. Every run
    of other characters than `a-z 0-9 _` becomes one `-`. Text of which nothing remains becomes `unnamed`.
    """
    whole = unicodedata.normalize("NFC", text).translate(_LETTERS)
    plain = "".join(_in_ascii(one) for one in whole).lower()
    cut = re.sub(r"[^a-z0-9_]+", "-", plain)[:MAX_SLUG_LENGTH].strip("-")
    return cut or "unnamed"


def slugs_of(name: str, key: str) -> Iterator[str]:
    """Yield the slugs that a name may get, best first: its own, then its own with a longer and longer suffix.

    Parameters
    ----------
    name : str
        The name as a person wrote it.
    key : str
        Equal for names that count as the same one (see `filmscand.drivers.files.pairs.name_key`); it decides the
        suffix, so that a name gets the same slugs at any time and on any machine.
    """
    own = slug(name)
    yield own
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    # 32 bits tell the few names apart that share a slug; the longer ones are for the case that even these are taken.
    for digits in (8, 16, 32):
        yield f"{own[: MAX_SLUG_LENGTH - 1 - digits].rstrip('-')}-{digest[:digits]}"


def _in_ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    # Punctuation and pictures are left out, as they always were: a roll keeps its name.
    if plain or unicodedata.category(character)[0] not in "LN":
        return plain
    # Few names have such letters, and its tables take a while to load.
    from anyascii import anyascii

    # anyascii writes soft signs and stops as quotes, which would cut a word in two.
    return "".join(one for one in anyascii(character) if one.isalnum())
