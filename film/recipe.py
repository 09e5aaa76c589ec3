"""The parameters of a simulated frame: film, leakage, infrared optics, scanner, damage and mount."""

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
    """Kind of dirt or damage on the film."""

    DUST = "dust"
    DIRT = "dirt"
    SHORT_HAIR = "short hair"
    LONG_HAIR = "long hair"
    SCRATCH = "scratch"
    STRIPPED_SCRATCH = "stripped scratch"
    FINGERPRINT = "fingerprint"


class MountStyle(StrEnum):
    """What surrounds the film in the scan."""

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
        Density of the clear base, per channel; the orange mask of a negative absorbs most in blue.
    density_range : float
        Density between the base and the deepest black of a slide; log10 of the scene's range for a negative.
    contrast : float
        Slope of density over log10 of the light: 1 reproduces the picture on a slide; negatives have about 0.65.
    exposure_stops : float
        Exposure correction in stops; -30 leaves the film unexposed.
    monochrome : bool
        Whether the film has one silver image instead of three dyes.
    dye_impurity : float
        Share of each channel's light that the dyes of the other two layers determine, 0..0.3; it keeps saturated
        colours from becoming black in a channel.
    grain_density : float
        Standard deviation of the grain at density 1 over the base, in density, at the resolution of the scan.
    grain_size_px : float
        Standard deviation of the Gaussian that blurs the grain, in pixels.
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
    """How the picture's dyes absorb infrared, in density over the base; see `infrared_plane.leaked_density`.

    Parameters
    ----------
    slopes_rgb : tuple of float
        Infrared density per red, green and blue density.
    curvature_per_density : float
        Infrared density per square of the red density; a negative value lets it saturate in dense film.
    cross_per_density : float
        Infrared density per product of red and green density; the leakage then depends on the colour, as on Kodachrome.
    regional_share : float
        Largest relative change of the leakage over the frame, 0..1.
    """

    slopes_rgb: tuple[float, float, float] = (0.04, 0.004, 0.002)
    curvature_per_density: float = 0.0
    cross_per_density: float = 0.0
    regional_share: float = 0.0


@dataclass(frozen=True, slots=True)
class InfraredOptics:
    """The infrared pass: lamp, focus, registration and noise.

    The point (row, col) of the picture lies in the infrared plane at its position scaled about the centre of the frame,
    plus the shift, plus the drift of that row.

    Parameters
    ----------
    clear_level : float
        Share of full scale that clear film reaches; values above 1 clip.
    base_transmittance : float
        Infrared transmittance of clear film, 0..1.
    stray_share : float
        Share of the clear light that reaches the sensor even behind an opaque object, 0..1.
    vignette : float
        Share of the light that is lost in the corners, 0..1.
    unevenness : float
        Largest relative change of the lamp over the frame besides the vignette, 0..1.
    blur_px : float
        Standard deviation of the focus blur, in pixels (the picture has `Scanner.blur_px`).
    shift_rows_px, shift_cols_px : float
        Shift of the infrared plane relative to the picture.
    scale : float
        Size of the infrared plane relative to the picture.
    drift_px : float
        Largest deviation of the smooth random walk of the rows.
    contrast : float
        Ratio of a defect's infrared density to its density in the picture.
    contrast_scatter : float
        Standard deviation of the natural logarithm of that ratio from defect to defect.
    full_well_electrons : float
        Electrons at full scale; they determine the shot noise.
    read_noise : float
        Standard deviation of the read noise, as a share of full scale.
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
    """The pass of the picture, and how both planes become counts.

    Parameters
    ----------
    resolution_dpi : float
        Samples per inch; the sizes and numbers of defects follow it.
    exposure_rgb : tuple of float
        Share of full scale that an empty gate reaches, per channel.
    blur_px : float
        Standard deviation of the point spread, in pixels.
    full_well_electrons : float
        Electrons at full scale; they determine the shot noise.
    read_noise : float
        Standard deviation of the read noise, as a share of full scale.
    black_level : float
        Counts without light in both planes, as a share of full scale.
    bits : int
        Depth of the converter, 8..16.
    fill_sixteen_bits : bool
        Whether counts are shifted left to fill 16 bits; otherwise they stay 0..2**bits - 1.
    gamma : float
        1 for linear counts; other values encode both planes with the exponent 1/gamma.
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
    """The outline of a real defect, drawn by hand.

    Parameters
    ----------
    kind : DefectKind
        What it is.
    points_px : ndarray of float, shape (n, 2)
        Corners of the polygon, rows and columns, in pixels at 3600 dpi; its position does not matter.
    """

    kind: DefectKind
    points_px: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Damage:
    """The amount of each kind of damage on the film; 1 is that of a dusty frame from a drawer.

    Parameters
    ----------
    dust, dirt, short_hairs, long_hairs, scratches, stripped_scratches : float
        Multiples of the numbers that were measured on real frames (`filmscand.film.damage.STATISTICS`), >= 0.
    fingerprints : int
        Number of fingerprints.
    median_density : float
        Median optical density at the core of a defect.
    density_spread : float
        Standard deviation of the natural logarithm of that density.
    channel_scatter : float
        Standard deviation of a channel's absorption relative to the mean of the three channels.
    infrared_only_share : float
        Share of dust and dirt that was present only during the infrared pass, 0..1.
    clustering : float
        Standard deviation of the natural logarithm of the local number of defects.
    outlines : sequence of Outline
        Real outlines; they replace the procedural shapes of their kinds.
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
    """The mount or holder around the film.

    Parameters
    ----------
    style : MountStyle
        None, a slide mount with rounded corners, or a strip holder that shows rebate and sprocket holes.
    border_share : float
        Width of the opaque border as a share of the shorter side, 0..0.4.
    corner_share : float
        Radius of the corners of the opening as a share of the shorter side.
    turn_degrees : float
        Rotation, counter-clockwise.
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
    """All parameters of a frame except its picture and its seed."""

    stock: FilmStock = field(default_factory=FilmStock)
    leakage: Leakage = field(default_factory=Leakage)
    infrared: InfraredOptics = field(default_factory=InfraredOptics)
    scanner: Scanner = field(default_factory=Scanner)
    damage: Damage = field(default_factory=Damage)
    mount: Mount = field(default_factory=Mount)
