"""A frame of the third simulator: the same film scanned with and without its dirt, with the same noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from bench.third.coding import (
    as_counts,
    decoded,
    display_curve_of,
    find_levels,
    processed,
    processed_infrared,
)
from bench.third.dirt import DirtPlanes, draw_dirt, with_rims
from bench.third.dyes import DyeImage, develop
from bench.third.optics import infrared_light, noisy, picture_light, picture_noise, row_drift
from bench.third.recipe import Coding, Dirt, InfraredPass, Kind, Match, Process, Scan

Plane = npt.NDArray[np.float32]
Counts = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

# Relative change of the light from which a pixel of a mark counts as seen.
SEEN_SHARE = 0.03
# Pixels over which the noise around a pixel is measured, and by which the optics widen a mark.
_NOISE_WINDOW_PX, _RIM_PX = 15, 3
_MOUNT_SHARE, _MOUNT_RADIUS_SHARE = 0.035, 0.03
_MOUNT_LIGHT = np.float32(3e-4)
_NO_DIRT = Dirt(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ThirdFrame:
    """A frame and the truth about it.

    Attributes
    ----------
    rgb, clean_rgb : (rows, cols, 3) ndarray of uint16
        Counts with and without the dirt.
    infrared : (rows, cols) ndarray of uint16 or None
        Counts of the infrared plane that comes with the frame.
    visible_mask : (rows, cols) ndarray of bool
        Where dirt changes the light of any channel by over 3 % and by more than a standard deviation of the noise.
    any_mask : (rows, cols) ndarray of bool
        Where any count of the picture differs from the clean one.
    labels : (rows, cols) ndarray of int32
        Number of the mark on each pixel, from 1; 0 for none.
    curve : (65536,) ndarray of float32
        Display value of each count, 0..1.
    kind : Kind
        What it was made from.
    """

    rgb: Counts
    clean_rgb: Counts
    infrared: Counts | None
    visible_mask: Mask
    any_mask: Mask
    labels: npt.NDArray[np.int32]
    curve: Plane
    kind: Kind


def simulate_third(picture: npt.NDArray[np.uint8], kind: Kind, *, seed: int) -> ThirdFrame:
    """Return a frame that shows a picture.

    Parameters
    ----------
    picture : (rows, cols, 3) ndarray of uint8
        In sRGB.
    kind : Kind
        Film, dirt, infrared and scan.
    seed : int
        Seed of all chance: the same picture, kind and seed give the same frame.
    """
    film_rng, dirt_rng, picture_rng, infrared_rng, other_rng = np.random.default_rng(seed).spawn(5)
    image = develop(decoded(picture.astype(np.float32) / np.float32(255)), kind.film, film_rng)
    shape = picture.shape[0], picture.shape[1]
    dirt = draw_dirt(kind.dirt or _NO_DIRT, shape, dirt_rng)
    aperture = _aperture(shape) if kind.scan.mounted else None
    clean, dirty = _passed(image, None, aperture, kind), _passed(image, dirt, aperture, kind)
    rgb, clean_rgb, visible = _scanned(clean[..., :3], dirty[..., :3], kind, picture_rng)
    seen = dirty[..., 3]
    if kind.infrared.match is Match.OTHER:
        seen = _passed(_other_image(image), draw_dirt(kind.dirt or _NO_DIRT, shape, other_rng), aperture, kind)[..., 3]
    return ThirdFrame(
        rgb=rgb,
        clean_rgb=clean_rgb,
        infrared=_infrared(seen, kind, infrared_rng),
        visible_mask=visible,
        any_mask=(rgb != clean_rgb).any(-1),
        labels=_labels(dirt, kind.scan),
        curve=display_curve_of(kind.scan),
        kind=kind,
    )


def _passed(image: DyeImage, dirt: DirtPlanes | None, aperture: Plane | None, kind: Kind) -> Plane:
    """Return the light that film, dirt and mount pass, (rows, cols, 4)."""
    if dirt is None:
        light = 10 ** -image.densities()
    else:
        density = dirt.density.copy()
        density[..., 3] *= np.float32(kind.infrared.contrast)
        light = 10 ** -(image.without(dirt.lost).densities() + density) + dirt.glow
    if aperture is not None:
        light = light * (_MOUNT_LIGHT + (1 - _MOUNT_LIGHT) * aperture[..., None])
    return np.asarray(light, np.float32)


def _other_image(image: DyeImage) -> DyeImage:
    """Return the film of another frame: this one turned by half, moved and larger, so that nothing fits."""
    turned = np.roll(image.amounts[::-1, ::-1], image.amounts.shape[1] // 5, 1)
    return DyeImage(np.ascontiguousarray(turned), image.film)


def _scanned(clean: Plane, dirty: Plane, kind: Kind, rng: np.random.Generator) -> tuple[Counts, Counts, Mask]:
    """Return counts with and without dirt, and where the dirt is visible."""
    lights = [_exposed(picture_light(light), kind) for light in (dirty, clean)]
    levels = find_levels(lights[1]) if kind.scan.coding is Coding.INVERTED else None
    noise = rng.standard_normal(clean.shape, np.float32)
    process = partial(processed, scan=kind.scan, levels=levels)
    values = [process(noisy(light, picture_noise(), noise)) for light in lights]
    dirty_counts, clean_counts = (as_counts(each, kind.scan) for each in values)
    ideal_dirty, ideal_clean = (_light(process(light), kind.scan) for light in lights)
    difference = display_curve_of(kind.scan)[clean_counts]
    noise_around = _deviation(_light_of_display(difference, kind.scan) - ideal_clean)
    change = np.abs(ideal_dirty - ideal_clean)
    visible = (change > np.maximum(SEEN_SHARE * np.maximum(ideal_clean, 1e-4), noise_around)).any(-1)
    return dirty_counts, clean_counts, visible


def _exposed(light: Plane, kind: Kind) -> Plane:
    """Return a negative's light with its bands evened out, as scanning programs expose the orange mask."""
    if kind.film.process is not Process.NEGATIVE:
        return light
    return light * np.array((1.3, 2.9, 4.8), np.float32)


def _light(values: Plane, scan: Scan) -> Plane:
    return values.clip(0, 1) if scan.coding is Coding.LINEAR else decoded(values.clip(0, 1))


def _light_of_display(display: Plane, scan: Scan) -> Plane:
    return display ** np.float32(2.2) if scan.coding is Coding.LINEAR else decoded(display)


def _deviation(difference: Plane) -> Plane:
    window = (_NOISE_WINDOW_PX, _NOISE_WINDOW_PX)
    return np.sqrt(cv2.boxFilter(difference**2, -1, window, borderType=cv2.BORDER_REFLECT))


def _infrared(passed: Plane, kind: Kind, rng: np.random.Generator) -> Counts | None:
    settings: InfraredPass = kind.infrared
    if settings.match is Match.NONE:
        return None
    light = infrared_light(passed, settings, row_drift(passed.shape[0], settings.drift_px, rng))
    light = noisy(light, settings.noise, rng.standard_normal(light.shape, np.float32))
    counts = as_counts(processed_infrared(light.clip(0, 1), kind.scan), kind.scan)
    return np.ascontiguousarray(counts[:, ::-1]) if settings.match is Match.MIRRORED else counts


def _labels(dirt: DirtPlanes, scan: Scan) -> npt.NDArray[np.int32]:
    labels = with_rims(dirt.labels, _RIM_PX)
    if scan.reduced == 1:
        return labels
    size = round(labels.shape[1] * scan.reduced), round(labels.shape[0] * scan.reduced)
    return cv2.resize(labels.astype(np.float32), size, interpolation=cv2.INTER_NEAREST).astype(np.int32)


def _aperture(shape: tuple[int, int]) -> Plane:
    """Return the share of each pixel that a slide mount leaves open: a rectangle with round corners."""
    margin, radius = (round(share * min(shape)) for share in (_MOUNT_SHARE, _MOUNT_RADIUS_SHARE))
    opened = np.zeros(shape, np.float32)
    opened[margin + radius : -margin - radius, margin + radius : -margin - radius] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    return np.asarray(cv2.GaussianBlur(cv2.dilate(opened, disc), (0, 0), 1.2), np.float32)
