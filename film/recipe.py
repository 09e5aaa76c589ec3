"""What a simulated frame is made of: film, leakage, infrared optics, scanner, damage and mount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Process(StrEnum):
    """How the film was developed."""

    SLIDE = "slide"
    NEGATIVE = "negative"


class DefectKind(StrEnum):
    """What lies on, or is cut into, the film."""

    DUST = "dust"
    DIRT = "dirt"
    SHORT_HAIR = "short hair"
    LONG_HAIR = "long hair"
    SCRATCH = "scratch"
    STRIPPED_SCRATCH = "stripped scratch"
    FINGERPRINT = "fingerprint"


class MountStyle(StrEnum):
    """What frames the film in the scan."""

    NONE = "none"
    SLIDE = "slide"
    SPROCKETS = "sprockets"


@dataclass(frozen=True, slots=True)
class FilmStock:
    """A film and how it was exposed.

    Parameters
    ----------
    process : Process
        Slide (density falls with light) or negative (density rises with light).
    dmin_rgb : tuple of float
        Density of the clear base, per channel; a negative's orange mask is its rising order.
    density_range : float
        Density between the base and the deepest black of a slide; log10 of the scene range of a negative.
    contrast : float
        Slope of density over log10 of the light (1 keeps a slide's picture; about 0.65 on negatives).
    exposure_stops : float
        Light added (+) or taken (-) before the film is exposed; -30 leaves the film unexposed.
    monochrome : bool
        One silver image instead of three dyes.
    dye_impurity : float
        Part of each channel's light that the other two layers' dyes decide, 0..0.3; it keeps colours from pure black.
    grain_density : float
        Standard deviation of the grain at density 1 over the base, in density, at the scan's resolution.
    grain_size_px : float
        Standard deviation of the Gaussian that correlates the grain.
    """

    process: Process = Process.SLIDE
    dmin_rgb: tuple[float, float, float] = (0.10, 0.11, 0.12)
    density_range: float = 3.0
    contrast: float = 1.0
    exposure_stops: float = 0.0
    monochrome: bool = False
    dye_impurity: float = 0.04
    grain_density: float = 0.028
    grain_size_px: float = 0.7


@dataclass(frozen=True, slots=True)
class Leakage:
    """How the picture's dyes absorb infrared, in density over the base.

    Parameters
    ----------
    slopes_rgb : tuple of float
        Infrared density for one unit of red, green and blue density.
    curvature_per_density : float
        Infrared density for red density squared; negative gives the cyan shoulder of saturation.
    cross_per_density : float
        Infrared density for the product of red and green density; the leak then depends on the colour, as Kodachrome's.
    regional_share : float
        Largest relative change of the leak over the frame, 0..1.
    """

    slopes_rgb: tuple[float, float, float] = (0.04, 0.004, 0.002)
    curvature_per_density: float = 0.0
    cross_per_density: float = 0.0
    regional_share: float = 0.0


@dataclass(frozen=True, slots=True)
class InfraredOptics:
    """The infrared pass: lamp, focus, registration and noise.

    A point of the picture at (row, col) lies in the infrared plane at (row, col) plus the shift, plus the drift of that
    row, after scaling about the middle of the frame.

    Parameters
    ----------
    clear_level : float
        Part of full scale that clear film reaches; over 1 clips.
    base_transmittance : float
        Infrared transmittance of clear film, 0..1.
    stray_share : float
        Part of the clear light that reaches the sensor through anything opaque.
    vignette : float
        Light lost in the corners, 0..1.
    unevenness : float
        Largest relative change of the lamp over the frame beside the vignette, 0..1.
    blur_px : float
        Standard deviation of the focus blur, in pixels (the picture's own is `Scanner.blur_px`).
    shift_rows_px, shift_cols_px : float
        Where the infrared plane lies relative to the picture.
    scale : float
        Size of the infrared plane relative to the picture.
    drift_px : float
        Largest departure of the rows' smooth random walk.
    contrast : float
        Optical density of a defect in infrared for its density in the picture.
    contrast_scatter : float
        Standard deviation of the natural logarithm of that contrast from defect to defect.
    full_well_electrons : float
        Electrons at full scale, which set the shot noise.
    read_noise : float
        Standard deviation as a part of full scale.
    """

    clear_level: float = 0.86
    base_transmittance: float = 0.95
    stray_share: float = 0.05
    vignette: float = 0.05
    unevenness: float = 0.0
    blur_px: float = 0.85
    shift_rows_px: float = 0.0
    shift_cols_px: float = 0.0
    scale: float = 1.0
    drift_px: float = 0.0
    contrast: float = 0.9
    contrast_scatter: float = 0.06
    full_well_electrons: float = 30_000.0
    read_noise: float = 0.0006


@dataclass(frozen=True, slots=True)
class Scanner:
    """The picture's pass and how both planes become counts.

    Parameters
    ----------
    resolution_dpi : float
        Samples an inch; scales the sizes and the number of defects.
    exposure_rgb : tuple of float
        Part of full scale that an empty gate reaches, per channel.
    blur_px : float
        Standard deviation of the point spread, in pixels.
    full_well_electrons : float
        Electrons at full scale, which set the shot noise.
    read_noise : float
        Standard deviation as a part of full scale.
    black_level : float
        Counts of darkness as a part of full scale, in both planes.
    bits : int
        Depth of the converter, 8..16.
    fill_sixteen_bits : bool
        Shift the counts left so that they fill 16 bits; otherwise they stay 0..2**bits - 1.
    gamma : float
        1 for linear counts; otherwise both planes are encoded with 1/gamma.
    """

    resolution_dpi: float = 3600.0
    exposure_rgb: tuple[float, float, float] = (1.15, 1.15, 1.15)
    blur_px: float = 0.7
    full_well_electrons: float = 60_000.0
    read_noise: float = 0.0003
    black_level: float = 0.001
    bits: int = 16
    fill_sixteen_bits: bool = True
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class Outline:
    """The drawn edge of a real defect.

    Parameters
    ----------
    kind : DefectKind
        What it is.
    points_px : ndarray of float, shape (n, 2)
        Polygon in rows and columns at 3600 dpi; its place does not matter.
    """

    kind: DefectKind
    points_px: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Damage:
    """How much of each kind of damage the film carries; 1 is the amount of a dusty frame out of a drawer.

    Parameters
    ----------
    dust, dirt, short_hairs, long_hairs, scratches, stripped_scratches : float
        Multiples of the numbers measured on real frames (`filmscand.film.damage.STATISTICS`).
    fingerprints : int
        Number of them.
    median_density : float
        Median optical density at a defect's core.
    density_spread : float
        Standard deviation of the natural logarithm of that density.
    channel_scatter : float
        Standard deviation of a channel's absorption relative to the mean of the three.
    infrared_only_share : float
        Part of dust and dirt that was there in the infrared pass alone, 0..1.
    clustering : float
        Standard deviation of the natural logarithm of the local density of defects.
    outlines : sequence of Outline
        Real edges to use for their kinds in place of procedural ones.
    """

    dust: float = 1.0
    dirt: float = 1.0
    short_hairs: float = 1.0
    long_hairs: float = 1.0
    scratches: float = 1.0
    stripped_scratches: float = 0.0
    fingerprints: int = 0
    median_density: float = 0.22
    density_spread: float = 0.95
    channel_scatter: float = 0.05
    infrared_only_share: float = 0.0
    clustering: float = 0.8
    outlines: Sequence[Outline] = ()


@dataclass(frozen=True, slots=True)
class Mount:
    """What frames the film.

    Parameters
    ----------
    style : MountStyle
        None, a slide mount with rounded corners, or a strip holder that shows rebate and sprocket holes.
    border_share : float
        Width of the opaque border as a part of the shorter side, 0..0.4.
    corner_share : float
        Radius of the opening's corners as a part of the shorter side.
    turn_degrees : float
        How far it is turned, counter-clockwise as shown.
    edge_blur_px : float
        Standard deviation of the out-of-focus edge, in pixels.
    """

    style: MountStyle = MountStyle.NONE
    border_share: float = 0.05
    corner_share: float = 0.04
    turn_degrees: float = 0.0
    edge_blur_px: float = 2.0


@dataclass(frozen=True, slots=True)
class FrameRecipe:
    """Everything about a frame but its picture and its seed."""

    stock: FilmStock = field(default_factory=FilmStock)
    leakage: Leakage = field(default_factory=Leakage)
    infrared: InfraredOptics = field(default_factory=InfraredOptics)
    scanner: Scanner = field(default_factory=Scanner)
    damage: Damage = field(default_factory=Damage)
    mount: Mount = field(default_factory=Mount)
