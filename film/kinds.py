"""Named kinds of frames: the films, scanners and damage that a station meets."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from filmscand.film.recipe import (
    Damage,
    FilmStock,
    FrameRecipe,
    InfraredOptics,
    Leakage,
    Mount,
    MountStyle,
    Process,
    Scanner,
)

_LEAKY = Leakage((0.12, 0.012, 0.006))
_NO_DAMAGE = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)
_MASKED = FilmStock(Process.NEGATIVE, (0.20, 0.55, 0.80), density_range=2.2, contrast=0.60, grain_density=0.035)

_SLIDE = FrameRecipe()
_LEAKY_SLIDE = replace(_SLIDE, leakage=_LEAKY)
_NEGATIVE = FrameRecipe(
    stock=_MASKED, leakage=Leakage((0.05, 0.008, 0.003)), scanner=Scanner(exposure_rgb=(1.4, 2.6, 4.0))
)
_KODACHROME = FrameRecipe(
    stock=FilmStock(dmin_rgb=(0.15, 0.16, 0.17), density_range=3.2, grain_density=0.016),
    leakage=Leakage((0.55, 0.10, 0.04), curvature_per_density=-0.06, cross_per_density=0.03, regional_share=0.04),
)
# Silver absorbs infrared as it absorbs light. It passes slightly more only because it scatters long waves less.
_SILVER = FrameRecipe(
    stock=FilmStock(
        Process.NEGATIVE, (0.25, 0.25, 0.25), density_range=2.4, contrast=0.75, monochrome=True, grain_density=0.045
    ),
    leakage=Leakage((0.32, 0.32, 0.32)),
    scanner=Scanner(exposure_rgb=(1.6, 1.6, 1.6)),
)


def _leaky_infrared(infrared: InfraredOptics) -> FrameRecipe:
    return replace(_LEAKY_SLIDE, infrared=infrared)


def _leaky_damage(damage: Damage) -> FrameRecipe:
    return replace(_LEAKY_SLIDE, damage=damage)


def _leaky_scanner(scanner: Scanner) -> FrameRecipe:
    return replace(_LEAKY_SLIDE, scanner=scanner)


KINDS: Final[dict[str, FrameRecipe]] = {
    "clear_slide": _SLIDE,
    "leaky_slide": _LEAKY_SLIDE,
    "strong_leak": replace(_SLIDE, leakage=Leakage((0.25, 0.03, 0.015))),
    "curved_leak": replace(_SLIDE, leakage=Leakage((0.20, 0.02, 0.01), curvature_per_density=-0.03)),
    "bright_slide": replace(_LEAKY_SLIDE, stock=FilmStock(exposure_stops=1.3)),
    "grainy_slide": replace(_LEAKY_SLIDE, stock=FilmStock(grain_density=0.06, grain_size_px=0.9)),
    "dark_slide": replace(_LEAKY_SLIDE, stock=FilmStock(exposure_stops=-2.2)),
    "negative": _NEGATIVE,
    "negative_dense": replace(_NEGATIVE, stock=replace(_MASKED, exposure_stops=2.0)),
    "mounted": replace(_LEAKY_SLIDE, mount=Mount(MountStyle.SLIDE)),
    "mounted_turned": replace(_LEAKY_SLIDE, mount=Mount(MountStyle.SLIDE, turn_degrees=1.4, edge_blur_px=3.0)),
    "sprocket_holder": replace(_NEGATIVE, mount=Mount(MountStyle.SPROCKETS, border_share=0.03)),
    "weak_infrared": replace(
        _NEGATIVE,
        infrared=InfraredOptics(contrast=0.18, contrast_scatter=0.45, blur_px=1.6, read_noise=0.0004),
    ),
    "two_pass_shift": _leaky_infrared(InfraredOptics(shift_rows_px=5.3, shift_cols_px=-1.2, blur_px=1.0)),
    "two_pass_drift": _leaky_infrared(InfraredOptics(shift_rows_px=-3.6, shift_cols_px=0.7, drift_px=3.0)),
    "scale_error": _leaky_infrared(InfraredOptics(scale=1.003, shift_cols_px=0.4)),
    "infrared_blur": _leaky_infrared(InfraredOptics(blur_px=2.0)),
    "uneven_lamp": _leaky_infrared(InfraredOptics(vignette=0.2, unevenness=0.15)),
    "regional_leak": replace(_SLIDE, leakage=replace(_LEAKY, regional_share=0.5)),
    "faint_dust": _leaky_damage(Damage(median_density=0.05, density_spread=0.4)),
    "heavy_dirt": _leaky_damage(Damage(dust=4, dirt=5, short_hairs=3, long_hairs=2, median_density=0.4)),
    "long_hairs": _leaky_damage(Damage(dust=0.4, dirt=0.4, long_hairs=6, median_density=0.4)),
    "scratches": _leaky_damage(Damage(dust=0.5, dirt=0.5, scratches=10)),
    "stripped_scratches": _leaky_damage(Damage(dust=0.5, dirt=0.5, scratches=2, stripped_scratches=8)),
    "infrared_only_dust": _leaky_damage(Damage(infrared_only_share=0.5)),
    "fingerprint": _leaky_damage(Damage(dust=0.5, dirt=0.5, fingerprints=2)),
    "clipped_infrared": _leaky_infrared(InfraredOptics(clear_level=1.4)),
    "twelve_bit": _leaky_scanner(Scanner(bits=12)),
    "fourteen_bit_unshifted": _leaky_scanner(Scanner(bits=14, fill_sixteen_bits=False)),
    "eight_bit": _leaky_scanner(Scanner(bits=8)),
    "gamma_encoded": _leaky_scanner(Scanner(gamma=2.2)),
    "black_level": _leaky_scanner(Scanner(black_level=0.012)),
    "kodachrome": _KODACHROME,
    "silver": _SILVER,
    "spotless": _leaky_damage(_NO_DAMAGE),
    "unexposed": replace(_NEGATIVE, stock=replace(_MASKED, exposure_stops=-30.0)),
    "fully_dark": replace(_LEAKY_SLIDE, stock=FilmStock(exposure_stops=-30.0)),
}
