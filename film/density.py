"""Converts a picture into the dye densities of the film that shows it, with grain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.film.fields import Plane, stream
from filmscand.film.optics import gaussian_blur
from filmscand.film.recipe import FilmStock, Process

Picture = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.floating]
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


class PictureError(ValueError):
    """The array is not a picture; expected is (rows, cols, 3) of uint8, uint16, float32 or float64."""


def linear_picture(picture: Picture) -> Plane:
    """Convert a picture to linear light.

    Parameters
    ----------
    picture : ndarray, shape (rows, cols, 3)
        uint8 or uint16 in sRGB encoding, or float32 or float64, linear, 0..1.

    Returns
    -------
    ndarray of float32, shape (rows, cols, 3)
        Linear light, 0..1.

    Raises
    ------
    PictureError
        If the shape or dtype is another one.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise PictureError(f"picture: expected (rows, cols, 3), found {picture.shape}")
    linear: Plane
    if picture.dtype in (np.uint8, np.uint16):
        linear = _srgb_to_linear(2 ** (8 * picture.dtype.itemsize) - 1)[picture]
        return linear
    if picture.dtype in (np.float32, np.float64):
        linear = np.clip(picture, 0, 1).astype(np.float32)
        return linear
    raise PictureError(f"picture: expected uint8, uint16 or float32, found {picture.dtype}")


def _srgb_to_linear(levels: int) -> Plane:
    encoded = np.arange(levels + 1) / levels
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def dye_densities(linear: Plane, stock: FilmStock, seed: int) -> Plane:
    """Calculate the densities over the clear base that a film gets from a picture, grain included.

    With the exposed light E and the floor f = 10^-density_range, the density over the base is contrast * log10(E / f
    + 1) for a negative and contrast * log10((1 + f) / (E + f)) for a slide, and never below 0 before the grain is
    added.

    Parameters
    ----------
    linear : ndarray of float32, shape (rows, cols, 3)
        Linear light, 0..1.
    stock : FilmStock
        The film.
    seed : int
        Seed of the grain, >= 0.

    Returns
    -------
    ndarray of float32, shape (3, rows, cols)
        Density over the base of the red, green and blue channel; grain makes it slightly negative in clear film.
    """
    densities = np.empty((3, *linear.shape[:2]), np.float32)
    share = np.float32(1.5 * stock.dye_impurity)
    common = linear @ _LUMINANCE if stock.monochrome else linear.mean(-1)
    for channel in range(3):
        light = common if stock.monochrome else linear[..., channel] * (1 - share) + common * share
        densities[channel] = _image_density(light, stock)
        add_grain(densities[channel], stock, seed, "silver" if stock.monochrome else f"dye {channel}")
    return densities


def _image_density(light: Plane, stock: FilmStock) -> Plane:
    # The floor represents the camera's flare and the film's highest density.
    floor = np.float32(10.0**-stock.density_range)
    exposed = light * np.float32(2.0**stock.exposure_stops)
    if stock.process is Process.NEGATIVE:
        density: Plane = np.log10(exposed / floor + 1)
    else:
        density = np.log10((1 + floor) / (_shoulder(exposed, stock) + floor))
    density *= np.float32(stock.contrast)
    return np.maximum(density, 0, out=density)


def _shoulder(exposed: Plane, stock: FilmStock) -> Plane:
    """Compress the light of an overexposed slide smoothly towards the clear base instead of clipping it."""
    if stock.exposure_stops <= 0:
        return exposed
    compressed: Plane = exposed * np.sqrt(np.sqrt(2 / (1 + exposed**4)))
    return compressed


def add_grain(density: Plane, stock: FilmStock, seed: int, layer: str) -> None:
    """Add grain to one layer in place: Gaussian noise, blurred, in proportion to the square root of the density.

    Parameters
    ----------
    density : ndarray of float32, shape (rows, cols)
        Density over the base; changed in place.
    stock : FilmStock
        Strength and size of the grain.
    seed : int
        Seed of the grain, >= 0.
    layer : str
        Name of the layer; layers of the same name get the same grain.
    """
    if stock.grain_density == 0:
        return
    white = stream(seed, f"grain {layer}").standard_normal(density.shape, dtype=np.float32)
    grain = gaussian_blur(white, stock.grain_size_px)
    grain *= np.float32(stock.grain_density / _blurred_deviation(stock.grain_size_px))
    # Granularity is proportional to the square root of the density (Selwyn); 0.05 stands for the grain of the base fog.
    grain *= np.sqrt(np.minimum(density, np.float32(2)) + np.float32(0.05))
    density += grain


def _blurred_deviation(sigma_px: float) -> float:
    if sigma_px <= 0:
        return 1.0
    offsets = np.arange(-8, 9)
    taps = np.exp(-0.5 * (offsets / sigma_px) ** 2)
    taps /= taps.sum()
    return float((taps**2).sum())
