"""What a frame of the third simulator is made of: film, dirt, infrared pass, scan, and what is asked of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Process(StrEnum):
    """What makes the picture on the film."""

    SLIDE = "slide"
    NEGATIVE = "negative"
    SILVER = "silver"


class Coding(StrEnum):
    """What the file of a scan holds."""

    LINEAR = "linear light"
    SRGB = "light, encoded as sRGB"
    INVERTED = "a positive made from the negative, encoded as sRGB"


class Match(StrEnum):
    """Which infrared plane a frame comes with."""

    OWN = "its own"
    NONE = "none"
    OTHER = "that of another frame"
    MIRRORED = "its own, mirrored"


class Group(StrEnum):
    """What is asked of a kind."""

    DYE = "dye"
    KODACHROME = "Kodachrome"
    SILVER = "silver"
    COLOURS = "colours only"
    MISFIT = "infrared does not fit"
    SPOTLESS = "spotless"


class Scene(StrEnum):
    """Which pictures a kind takes."""

    PHOTOGRAPHS = "photographs"
    LETTERING = "lettering"
    ROAD = "lane markings"
    GIRDERS = "girders and window frames"
    WIRES = "wires"
    THIN_LINES = "thin lines on plain ground"
    LIGHTS = "stars and highlights"


@dataclass(frozen=True, slots=True)
class Film:
    """A film and its exposure.

    Parameters
    ----------
    process : Process
        What makes the picture.
    leak : tuple of float
        Infrared density of a unit of cyan, magenta and yellow dye, before it saturates.
    cross_leak : float
        Infrared density of a unit of cyan times a unit of magenta: the leak depends on the colour.
    stops : float
        Exposure, in stops.
    grain : float
        Standard deviation of the grain where the dye has unit density.
    """

    process: Process = Process.SLIDE
    leak: tuple[float, float, float] = (0.05, 0.012, 0.004)
    cross_leak: float = 0.0
    stops: float = 0.0
    grain: float = 0.022


@dataclass(frozen=True, slots=True)
class Dirt:
    """What lies on the film: numbers for each megapixel, and its strength.

    Parameters
    ----------
    specks, hairs, fibres, scratches, bright, stripped, losses : float
        Mean number for each megapixel. Scratches absorb, bright ones scatter light into the picture, stripped ones have
        lost dye; losses are flakes of emulsion that came off.
    prints, moulds, hazes : int
        Number on the frame of fingerprints, mould colonies and soft veils.
    strength : float
        Factor of the densities.
    faintest, strongest : float
        Limits of a mark's density at its core.
    stray : float
        Number for each megapixel of specks that lay on the film during the infrared pass only.
    tinted : bool
        Whether dirt takes blue two to four times as strongly as green, and red half as strongly (measured on encoded
        scans of negatives).
    """

    specks: float = 75.0
    hairs: float = 5.0
    fibres: float = 5.0
    scratches: float = 2.0
    bright: float = 0.0
    stripped: float = 0.0
    losses: float = 0.0
    prints: int = 0
    moulds: int = 0
    hazes: int = 0
    strength: float = 1.0
    faintest: float = 0.02
    strongest: float = 2.2
    stray: float = 0.0
    tinted: bool = False


@dataclass(frozen=True, slots=True)
class InfraredPass:
    """The scan of the infrared.

    Parameters
    ----------
    match : Match
        Which plane the frame comes with.
    contrast : float
        Factor of the dirt's infrared density.
    soft_px : float
        Additional blur, full width at half maximum, pixels.
    shift_px : tuple of float
        Rows and columns by which the plane is displaced.
    drift_px : float
        Largest displacement of single rows besides.
    level : float
        Share of full scale that clear film reaches; above 1 it clips.
    fall_off : float
        Share of the lamp's light that is lost in a corner, and half of that from side to side.
    noise : float
        Standard deviation of the noise in clear light.
    """

    match: Match = Match.OWN
    contrast: float = 1.0
    soft_px: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    drift_px: float = 0.0
    level: float = 0.8
    fall_off: float = 0.06
    noise: float = 0.005


@dataclass(frozen=True, slots=True)
class Scan:
    """The scan of the picture, and what a program made of it.

    Parameters
    ----------
    coding : Coding
        What the file holds.
    bits : int
        Depth; 8 bits are widened to fill 16, 12 bits are not.
    jpeg_quality : int
        0: the file is no JPEG.
    sharpened : float
        Amount of an unsharp mask on the encoded values.
    reduced : float
        Factor by which the frame was made smaller.
    mounted : bool
        Whether a slide mount shows at the borders.
    """

    coding: Coding = Coding.LINEAR
    bits: int = 16
    jpeg_quality: int = 0
    sharpened: float = 0.0
    reduced: float = 1.0
    mounted: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of frame.

    Parameters
    ----------
    name : str
        What sets it apart.
    group : Group
        What is asked of it.
    scene : Scene
        Its pictures.
    film : Film
        Its film.
    dirt : Dirt or None
        What lies on it; None: nothing.
    infrared : InfraredPass
        Its infrared.
    scan : Scan
        Its scan.
    """

    name: str
    group: Group = Group.DYE
    scene: Scene = Scene.PHOTOGRAPHS
    film: Film = Film()
    dirt: Dirt | None = Dirt()
    infrared: InfraredPass = InfraredPass()
    scan: Scan = Scan()
