"""Measures cleaning on pairs of damaged and restored pictures (the command `filmscand evaluate`)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from filmscand.daemon.evaluation.metrics import (
    MaskScore,
    changed_mask,
    lpips,
    lpips_installed,
    psnr_db,
    score_mask,
    ssim,
)
from filmscand.daemon.evaluation.pairs import (
    Counts,
    Mask,
    PairFiles,
    partner_in,
    read_infrared,
    read_mask,
    read_picture,
    require_same_size,
)
from filmscand.ir import CleanOptions, clean_frame

# Part of full scale, ten of 255 levels: above the noise of a JPEG of good quality, below any visible damage.
DIFFERENCE = 0.04


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """How pairs are measured.

    Attributes
    ----------
    options : CleanOptions
        Options of the engine.
    cleaned : Path or None
        Folder of pictures that another program has cleaned; None: filmscand cleans them.
    difference : float
        Part of full scale, 0..1. Where there is no mask, pixels that differ by more than it count as damaged (damaged
        against restored picture), or as found (damaged against cleaned picture).
    tolerance_px : int
        Distance in pixels by which a pixel of a mask may be off, in precision, recall and F1.
    """

    options: CleanOptions
    cleaned: Path | None = None
    difference: float = DIFFERENCE
    tolerance_px: int = 0


@dataclass(frozen=True, slots=True)
class PairScore(MaskScore):
    """The measures of one pair: of its mask (see `MaskScore`) and of its pictures.

    Attributes
    ----------
    psnr_before_db, psnr_db : float
        Peak signal to noise ratio of the damaged and of the cleaned picture against the restored one, decibel;
        infinite if both are equal.
    ssim_before, ssim : float
        Structural similarity of the same pictures, -1..1; NaN if they are too small.
    lpips_before, lpips : float or None
        Perceptual distance of the same pictures, from 0; None if the package `lpips` is not installed.
    seconds : float
        Wall time of cleaning, seconds; NaN if another program did it.
    """

    psnr_before_db: float
    psnr_db: float
    ssim_before: float
    ssim: float
    lpips_before: float | None
    lpips: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Scene:
    """The pictures, the true mask and the infrared of one pair."""

    damaged: Counts
    restored: Counts
    true: Mask
    infrared: Counts | None


@dataclass(frozen=True, slots=True)
class _Cleaned:
    rgb: Counts
    mask: Mask
    seconds: float


def evaluate_pair(pair: PairFiles, settings: MeasureSettings) -> PairScore:
    """Clean a damaged picture and measure the result against the restored one.

    Parameters
    ----------
    pair : PairFiles
        Files of the pair.
    settings : MeasureSettings
        How to clean and to measure.

    Raises
    ------
    PairError
        A file of the pair is missing, is not a picture, or has another size.
    DriverError
        A TIFF is not a film scan that can be read.
    OSError
        A file cannot be read.
    ImportError
        scikit-image is not installed; see `metrics.require_measures`.
    """
    scene = _read(pair, settings)
    cleaned = (
        _clean(scene, settings)
        if settings.cleaned is None
        else _cleaned_elsewhere(pair, scene, settings, settings.cleaned)
    )
    mask = score_mask(cleaned.mask, scene.true, settings.tolerance_px)
    distance = lpips if lpips_installed() else None
    return PairScore(
        **asdict(mask),
        psnr_before_db=psnr_db(scene.damaged, scene.restored),
        psnr_db=psnr_db(cleaned.rgb, scene.restored),
        ssim_before=ssim(scene.damaged, scene.restored),
        ssim=ssim(cleaned.rgb, scene.restored),
        lpips_before=distance(scene.damaged, scene.restored) if distance else None,
        lpips=distance(cleaned.rgb, scene.restored) if distance else None,
        seconds=cleaned.seconds,
    )


def _read(pair: PairFiles, settings: MeasureSettings) -> _Scene:
    damaged_path, restored_path = pair.require_both()
    damaged, restored = read_picture(damaged_path), read_picture(restored_path)
    require_same_size(restored_path, restored.rgb, damaged_path, damaged.rgb.shape)
    rows, cols = damaged.rgb.shape[:2]
    infrared = damaged.infrared
    if infrared is None and pair.infrared is not None:
        infrared = read_infrared(pair.infrared, damaged_path, (rows, cols))
    if pair.mask is not None:
        true = read_mask(pair.mask, damaged_path, (rows, cols))
    else:
        true = changed_mask(damaged.rgb, restored.rgb, settings.difference)
    return _Scene(damaged.rgb, restored.rgb, true, infrared)


def _clean(scene: _Scene, settings: MeasureSettings) -> _Cleaned:
    began = time.perf_counter()
    cleaned = clean_frame(scene.damaged, scene.infrared, settings.options)
    return _Cleaned(cleaned.rgb, cleaned.defect_mask, time.perf_counter() - began)


def _cleaned_elsewhere(pair: PairFiles, scene: _Scene, settings: MeasureSettings, folder: Path) -> _Cleaned:
    damaged_path, _ = pair.require_both()
    path, mask_path = partner_in(folder, pair)
    rgb = read_picture(path).rgb
    require_same_size(path, rgb, damaged_path, scene.damaged.shape)
    rows, cols = rgb.shape[:2]
    if mask_path is not None:
        return _Cleaned(rgb, read_mask(mask_path, damaged_path, (rows, cols)), math.nan)
    return _Cleaned(rgb, changed_mask(scene.damaged, rgb, settings.difference), math.nan)


def mean_of(scores: Iterable[PairScore]) -> dict[str, float | None]:
    """Return the mean of each measure over the pairs where it is finite; None if there is no such pair."""
    listed = list(scores)
    return {name: _mean(getattr(score, name) for score in listed) for name in PairScore.__dataclass_fields__}


def _mean(values: Iterable[float | None]) -> float | None:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.mean(finite)) if finite else None
