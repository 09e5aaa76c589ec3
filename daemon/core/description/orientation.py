"""Which way up a picture is shown: first mirrored left to right, then turned clockwise.

The eight orientations are a group. For a picture with R rows and C columns, a place (row, col) moves to

mirrored   (row, C - col)
turn 90    (col, R - row)      turn 180   (R - row, C - col)      turn 270   (C - col, row)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

Turn = Literal[0, 90, 180, 270]
TURNS: Final[tuple[Turn, ...]] = (0, 90, 180, 270)
_MIRRORED: Final = "m"
# Words of all orientations, for addresses: `90`, `90m`.
WORD_PATTERN: Final = f"^({'|'.join(map(str, TURNS))}){_MIRRORED}?$"


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a picture is shown.

    Attributes
    ----------
    turn : int
        Degrees clockwise, 0, 90, 180 or 270; after mirroring.
    mirrored : bool
        Whether left and right are exchanged first.
    """

    turn: Turn = 0
    mirrored: bool = False

    @classmethod
    def from_word(cls, word: str) -> Orientation:
        """Return the orientation of a word like `90` or `90m`; see `WORD_PATTERN`."""
        return cls(_turn(int(word.removesuffix(_MIRRORED))), word.endswith(_MIRRORED))

    @property
    def word(self) -> str:
        """The orientation in an address."""
        return f"{self.turn}{_MIRRORED if self.mirrored else ''}"

    @property
    def swaps_sides(self) -> bool:
        """Whether rows become columns."""
        return self.turn in (90, 270)

    @property
    def inverse(self) -> Orientation:
        """The orientation that leads back."""
        return self if self.mirrored else Orientation(_turn(-self.turn))

    def then(self, later: Orientation) -> Orientation:
        """Return this orientation followed by another one."""
        # Mirroring a turned picture is turning the mirrored one the other way.
        own = -self.turn if later.mirrored else self.turn
        return Orientation(_turn(own + later.turn), self.mirrored != later.mirrored)

    def shape(self, rows: int, cols: int) -> tuple[int, int]:
        """Return rows and columns of a picture when it is shown like this."""
        return (cols, rows) if self.swaps_sides else (rows, cols)

    def moved(self, row: int, col: int, rows: int, cols: int) -> tuple[int, int]:
        """Return where a place (row, col) of a picture with `rows` rows and `cols` columns is shown."""
        col = cols - col if self.mirrored else col
        return {0: (row, col), 90: (col, rows - row), 180: (rows - row, cols - col), 270: (cols - col, row)}[self.turn]


UPRIGHT: Final = Orientation()


def _turn(degrees: int) -> Turn:
    return cast(Turn, degrees % 360)
