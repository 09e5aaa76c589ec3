"""Decides which sRGB value each count gets in an access image and in an exported picture.

How counts become light
    A profile that is not that of linear light, 8 bits, or `linear` False: counts are encoded for viewing. The curve
    that decodes them is that of the profile, else that of sRGB. A profile of linear light, or `linear` True: counts are
    proportional to light.
    Nothing is known: a positive is linear if the median of its counts is below 16 % of full scale, a negative if its
    counts span 0.7 decades or more. Encoded, such a positive would be a night, and such a negative a scene of more
    brightness than films hold. Measured on 18 photographs as four kinds of slides and five of negatives, and on 39
    scans: 4 % of the encoded positives count as linear; 40 % of the linear ones count as encoded, the brightest, which
    are still good to look at; all negatives are told apart. A scene of little contrast is not: its negative counts as
    encoded.
How light becomes a picture
    Encoded positive: counts stay as they are. An embedded colour profile is converted to sRGB.
    Linear positive: (light - black) / (white - black), encoded as sRGB. Black and white are the 0.1 and 99.7
    percentiles of the film, the same for all three channels, so that colours do not shift.
    Negative: T = light / base, where the base is the 99.5 percentile of each channel (the film base with its orange
    mask); scene = T ** (-1 / 0.6), where 0.6 is the contrast of the negative; (scene - 1) / (white - 1), encoded as
    sRGB, where white is the scene at the 0.5 percentile of each channel.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from filmscand.daemon.archive.frames.encode import srgb_profile
from filmscand.daemon.core.film_kind import FilmKind

# Slope of density on log exposure of a negative.
NEGATIVE_CONTRAST: Final = 0.6
# See the module's docstring: part of full scale, and decades.
_LINEAR_MEDIAN: Final = 0.16
_LINEAR_DECADES: Final = 0.7
# sRGB value, 0..1, of the count at half of full scale from which on a profile is one of linear light: a power of 1.4
# gives 0.65, linear light 0.735, sRGB 0.5.
_LINEAR_HALF: Final = 0.65
# Holder lets less than this part of the film's infrared through, and less than this part of its light. Silver film
# and Kodachrome stop infrared too, but no negative is so dense in the picture.
_HOLDER_INFRARED: Final = 0.25
_HOLDER_LIGHT: Final = 0.01

Tones = npt.NDArray[np.float64]
Light = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PictureProperties:
    """What the counts of a picture mean.

    Attributes
    ----------
    linear : bool or None
        Whether counts are proportional to light; None if unknown.
    film : FilmKind
        Kind of film; negatives are inverted.
    icc_profile : bytes or None
        Embedded colour profile.
    bits : int
        Bits that the source delivered; linear light is never stored in 8.
    """

    linear: bool | None = None
    film: FilmKind = FilmKind.UNKNOWN
    icc_profile: bytes | None = None
    bits: int = 16


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of a frame without its rim.

    Attributes
    ----------
    rgb : (samples, 3) ndarray of uint16
        Counts, 0..65535.
    infrared : (samples,) ndarray of uint16 or None
        Counts of the infrared at the same places.
    """

    rgb: npt.NDArray[np.uint16]
    infrared: npt.NDArray[np.uint16] | None = None


def tones_of(samples: Samples, properties: PictureProperties) -> tuple[Tones, bool]:
    """Return the value of each count; the module's docstring states the equations.

    Returns
    -------
    (3, 65536) ndarray of float64
        Value of each count of red, green and blue, 0..1.
    bool
        Whether the values are sRGB already; False where the picture's colour profile has yet to be converted.
    """
    curve = _profile_curve(properties.icc_profile)
    linear = _is_linear(samples, properties, curve)
    if not linear and not properties.film.is_negative:
        return np.stack([np.arange(65536) / 65535] * 3), False
    light = np.arange(65536) / 65535 if linear else _decoded(curve)
    film = light[_film(samples, light)]
    return _negative_tones(film, light) if properties.film.is_negative else _positive_tones(film, light), True


def in_8_bits(tones: Tones) -> npt.NDArray[np.uint8]:
    """Return tones as values of 0..255."""
    return (tones * 255 + 0.5).astype(np.uint8)


def in_16_bits(tones: Tones) -> npt.NDArray[np.uint16]:
    """Return tones as values of 0..65535."""
    return (tones * 65535 + 0.5).astype(np.uint16)


def _film(samples: Samples, light: Light) -> npt.NDArray[np.uint16]:
    if samples.infrared is None:
        return samples.rgb
    brightest = light[samples.rgb.max(axis=1)]
    holder = samples.infrared < _HOLDER_INFRARED * np.percentile(samples.infrared, 90)
    holder &= brightest < _HOLDER_LIGHT * np.percentile(brightest, 99)
    return samples.rgb if holder.all() else samples.rgb[~holder]


def _is_linear(samples: Samples, properties: PictureProperties, curve: Light | None) -> bool:
    if properties.linear is not None:
        return properties.linear
    if properties.icc_profile is not None:
        return curve is not None and bool(curve[len(curve) // 2] > _LINEAR_HALF)
    if properties.bits <= 8:
        return False
    if properties.film.is_negative:
        logs = np.log10(np.maximum(np.percentile(samples.rgb, (0.5, 99.5), axis=0), 1))
        return bool((logs[1] - logs[0]).max() >= _LINEAR_DECADES)
    return bool(np.median(samples.rgb) < _LINEAR_MEDIAN * 65535)


def _profile_curve(icc_profile: bytes | None) -> Light | None:
    """Return the sRGB values, 0..1, of 256 evenly spaced greys of a profile; None if it cannot be used."""
    if icc_profile is None:
        return None
    greys = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
        shown = ImageCms.profileToProfile(greys, found, target)
    except (ImageCms.PyCMSError, OSError):
        return None
    return np.maximum.accumulate(np.asarray(shown)[0, :, 1] / 255)


def _decoded(curve: Light | None) -> Light:
    """Return the light, 0..1, of each encoded count."""
    encoded = np.arange(65536) / 65535
    if curve is not None:
        encoded = np.interp(encoded * 255, np.arange(256), curve)
    return np.asarray(np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4))


def _positive_tones(film: Light, light: Light) -> Tones:
    black = float(np.percentile(film.min(axis=1), 0.1))
    white = float(np.percentile(film.max(axis=1), 99.7))
    return np.stack([_srgb((light - black) / max(white - black, 1 / 65535))] * 3)


def _negative_tones(film: Light, light: Light) -> Tones:
    # No light at all has no density: a count of 1 is the least.
    base = np.maximum(np.percentile(film, 99.5, axis=0), 1 / 65535)
    densest = np.minimum(np.maximum(np.percentile(film, 0.5, axis=0), 1 / 65535), base / 1.1)
    transmittance = np.maximum(light, 1 / 65535)[None, :] / base[:, None]
    scene = transmittance ** (-1 / NEGATIVE_CONTRAST)
    white = ((densest / base) ** (-1 / NEGATIVE_CONTRAST))[:, None]
    return _srgb((scene - 1) / (white - 1))


def _srgb(light: Light) -> Tones:
    light = np.clip(light, 0, 1)
    return np.asarray(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))
