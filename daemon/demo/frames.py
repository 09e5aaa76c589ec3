"""The frames of the demo: six slides in a magazine, and three scans of other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from filmscand.daemon.demo.photographs import MakePicture, photograph
from filmscand.daemon.demo.scan_files import WriteScan, write_pair, write_silverfast, write_vuescan
from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, night, portrait

ROWS, COLS = 1000, 1500
# Roll of the slides.
MAGAZINE: Final = "magazine"


@dataclass(frozen=True, slots=True)
class DemoFrame:
    """A frame to simulate: name, kind of film and damage, picture and seed."""

    name: str
    kind: str
    picture: MakePicture
    seed: int

    def simulate(self, *, bits: int = 16) -> SimulatedFrame:
        """Return the frame as a scanner with that bit depth sees it."""
        recipe = KINDS[self.kind]
        recipe = replace(recipe, scanner=replace(recipe.scanner, bits=bits))
        return simulate_frame(self.picture(ROWS, COLS), recipe, seed=self.seed)


@dataclass(frozen=True, slots=True)
class DropFolder:
    """A watch folder below `drop/`, which is also the name of its roll, and the kind of film in it."""

    name: str
    film: str = "slide"


@dataclass(frozen=True, slots=True)
class Drop:
    """A frame that arrives as a file: the function that writes it as a scanning program does, and the watch folder."""

    frame: DemoFrame
    write: WriteScan
    folder: DropFolder


_COFFEE, _ROCKET, _CAT = (photograph(name) for name in ("coffee", "rocket", "cat"))
_SLIDES, _NEGATIVES = DropFolder("slides"), DropFolder("negatives", "negative")
SLIDES: Final = (
    DemoFrame("leaky", "leaky_slide", _COFFEE, 71),
    DemoFrame("bright", "bright_slide", lambda rows, cols: portrait(rows, cols, 2), 74),
    DemoFrame("dark", "dark_slide", lambda rows, cols: girders(rows, cols, 3), 75),
    DemoFrame("mounted", "mounted", _ROCKET, 76),
    DemoFrame("kodachrome", "kodachrome", _CAT, 77),
    DemoFrame("spotless", "spotless", lambda rows, cols: night(rows, cols, 6), 78),
)
DROPS: Final = (
    Drop(DemoFrame("leaky-slide", "leaky_slide", _CAT, 79), write_vuescan, _SLIDES),
    Drop(
        DemoFrame("negative", "negative", lambda rows, cols: landscape(rows, cols, 5), 72), write_silverfast, _NEGATIVES
    ),
    Drop(DemoFrame("mounted-slide", "mounted", _ROCKET, 73), write_pair, _SLIDES),
)
# Frames that must be cleaned. Kodachrome may be left as it is, and a spotless slide needs no cleaning.
MUST_BE_CLEANED: Final = frozenset({"leaky", "bright", "mounted", *(drop.frame.name for drop in DROPS)})


def slides_as_files() -> tuple[Drop, ...]:
    """Return the slides of the magazine as scans of another program, for a machine without SANE."""
    return tuple(Drop(slide, write_vuescan, DropFolder(MAGAZINE)) for slide in SLIDES)


def folders_of(drops: Iterable[Drop]) -> tuple[DropFolder, ...]:
    """Return the watch folders of some files, each once."""
    return tuple(dict.fromkeys(drop.folder for drop in drops))


def simulate_all(scanner_bits: int) -> Iterator[tuple[DemoFrame, SimulatedFrame]]:
    """Yield all frames; a slide has the bit depth of the virtual scanner."""
    for slide in SLIDES:
        yield slide, slide.simulate(bits=scanner_bits)
    for drop in DROPS:
        yield drop.frame, drop.frame.simulate()
