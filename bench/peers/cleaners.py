"""The cleaners that filmscand is compared with: common fills and filters, each behind the same call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.filters import threshold_otsu, threshold_yen
from skimage.restoration import inpaint_biharmonic

from bench.measures.metrics import Answer, Counts
from bench.peers.sanei_ir import SaneiIr
from filmscand.film.frame import SimulatedFrame
from filmscand.film.scanner import display_curve, white_level
from filmscand.ir import CleanedFrame, clean_frame
from filmscand.ir.network.detector import find_probability, find_regions
from filmscand.ir.network.model_file import Model, load_detector
from training.mask_agreement import Mask, widened

FILL_RADIUS_PX = 3
# Fixed threshold of the infrared over full scale, as a person would guess it.
FIXED_SHARE = 0.5
# Diameter in pixels and threshold in 8-bit levels: the usual setting in Photoshop for film at 3600 dpi.
MEDIAN_PX, MEDIAN_LEVELS = 15, 14
# Most pixels that the slow biharmonic fill gets, in a frame and in a crop, and the margin of a crop, pixels.
_BIHARMONIC_PX, _BIHARMONIC_CROP_PX = 60_000, 4_000
_CROP_MARGIN_PX = 12

OURS, RAW, SANEI = "ours", "not cleaned", "sanei_ir (C)"
PERFECT_TELEA = "perfect mask, Telea"


@dataclass(frozen=True, slots=True)
class Scene:
    """The input of a peer: the frame, and the frame cleaned by filmscand."""

    frame: SimulatedFrame
    ours: CleanedFrame


Peer = Callable[[Scene], Answer]


class PeerSkippedError(Exception):
    """A peer cannot clean this frame; the message says why."""


def clean_ours(frame: SimulatedFrame) -> tuple[CleanedFrame, Answer]:
    """Clean a frame with filmscand; returns its result, and the same as an answer with its wall time."""
    began = time.perf_counter()
    cleaned = clean_frame(frame.rgb, frame.infrared)
    return cleaned, Answer(cleaned.rgb, cleaned.defect_mask, time.perf_counter() - began)


def make_peers(sanei: SaneiIr | None) -> dict[str, Peer]:
    """Return the peers by name, in the order of the table; without sanei_ir if it is not available."""
    peers: dict[str, Peer] = {
        RAW: lambda scene: Answer(scene.frame.rgb, np.zeros(scene.frame.infrared.shape, np.bool_), 0.0),
        "our mask, Telea": lambda scene: _filled(scene.frame.rgb, scene.ours.defect_mask, cv2.INPAINT_TELEA),
        "our mask, Navier-Stokes": lambda scene: _filled(scene.frame.rgb, scene.ours.defect_mask, cv2.INPAINT_NS),
        "our mask, biharmonic": lambda scene: _biharmonic(scene.frame.rgb, scene.ours.defect_mask),
        PERFECT_TELEA: lambda scene: _filled(scene.frame.rgb, scene.frame.visible_mask, cv2.INPAINT_TELEA),
        "perfect mask, Navier-Stokes": lambda scene: _filled(scene.frame.rgb, scene.frame.visible_mask, cv2.INPAINT_NS),
        "median Dust & Scratches": lambda scene: dust_and_scratches(scene.frame),
        "fixed threshold, Telea": lambda scene: _thresholded(scene, _fixed_threshold(scene.frame)),
        "Otsu, Telea": lambda scene: _thresholded(scene, _threshold_of(threshold_otsu, scene.frame)),
        "Yen, Telea": lambda scene: _thresholded(scene, _threshold_of(threshold_yen, scene.frame)),
    }
    if sanei is not None:
        peers[SANEI] = lambda scene: _sanei(sanei, scene.frame)
    return peers


def _filled(rgb: Counts, mask: Mask, method: int) -> Answer:
    """Fill in 16 bits, channel by channel: OpenCV fills three channels at once in 8 bits only."""
    began = time.perf_counter()
    filled = rgb.copy()
    hole = mask.astype(np.uint8)
    for channel in range(3):
        plane = np.ascontiguousarray(rgb[..., channel])
        # OpenCV smooths pixels around the hole too: only those inside the mask are copied.
        np.copyto(filled[..., channel], cv2.inpaint(plane, hole, FILL_RADIUS_PX, method), where=mask)
    return Answer(filled, mask, time.perf_counter() - began)


def _biharmonic(rgb: Counts, mask: Mask) -> Answer:
    """Fill crops around defects until the budget of pixels is spent; Telea fills the others and the large ones."""
    began = time.perf_counter()
    filled, left, spent_px = rgb.copy(), mask.copy(), 0
    for crop in _crops(mask):
        hole = mask[crop]
        count = int(hole.sum())
        if count > _BIHARMONIC_CROP_PX or spent_px + count > _BIHARMONIC_PX or hole.all():
            continue
        spent_px += count
        inpainted = inpaint_biharmonic(filled[crop] / 65535.0, hole, channel_axis=-1)
        filled[crop][hole] = np.rint(np.clip(inpainted[hole], 0, 1) * 65535).astype(np.uint16)
        left[crop] = False
    if left.any():
        rest = _filled(filled, left, cv2.INPAINT_TELEA)
        np.copyto(filled, rest.rgb, where=left[..., None])
    return Answer(filled, mask, time.perf_counter() - began)


def _crops(mask: Mask) -> Iterator[tuple[slice, slice]]:
    labels, _ = ndimage.label(widened(mask, 3))
    for rows, cols in ndimage.find_objects(labels):
        margin = _CROP_MARGIN_PX
        yield (
            slice(max(rows.start - margin, 0), rows.stop + margin),
            slice(max(cols.start - margin, 0), cols.stop + margin),
        )


def dust_and_scratches(frame: SimulatedFrame) -> Answer:
    """Replace pixels that differ from their median by over a threshold, as image editors do, in 8 display bits.

    Parameters
    ----------
    frame : SimulatedFrame
        The frame.
    """
    began = time.perf_counter()
    curve = display_curve(frame.recipe.scanner) * 255
    back = np.searchsorted(curve, np.arange(256), side="left").clip(0, white_level(frame.recipe.scanner))
    shown = np.rint(curve).astype(np.uint8)[frame.rgb]
    median, mask = median_and_specks(shown)
    cleaned = frame.rgb.copy()
    cleaned[mask] = back.astype(np.uint16)[median[mask]]
    return Answer(cleaned, mask, time.perf_counter() - began)


def median_and_specks(shown: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Return the median of a picture around each pixel, and the pixels that differ from it by over the threshold.

    Parameters
    ----------
    shown : (rows, cols, 3) ndarray of uint8
        Display values.

    Returns
    -------
    median : (rows, cols, 3) ndarray of uint8
        Median over a square of `MEDIAN_PX` pixels.
    specks : (rows, cols) ndarray of bool
        Pixels of which a channel differs from it by over `MEDIAN_LEVELS`.
    """
    median = np.stack(
        [cv2.medianBlur(np.ascontiguousarray(shown[..., channel]), MEDIAN_PX) for channel in range(3)], -1
    )
    return median.astype(np.uint8), np.asarray((cv2.absdiff(shown, median) > MEDIAN_LEVELS).any(-1))


def detected_mask(rgb: Counts, model: Model, limits: tuple[float, float]) -> Mask:
    """Return where a network alone sees defects, by its colour input and the hysteresis of its limits.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    model : Model
        The network.
    limits : (float, float)
        Probability that makes a defect, and that of the pixels that belong to it, 0..1.
    """
    regions = find_regions(find_probability(rgb, model), *limits)
    mask = np.zeros(rgb.shape[:2], np.bool_)
    mask[regions.rows, regions.cols] = True
    return mask


def detector_alone(rgb: Counts, sensitivity: float) -> Answer:
    """Return what the shipped network for the colours sees at the limits of its card; it heals nothing."""
    began = time.perf_counter()
    detector = load_detector(None)
    mask = detected_mask(rgb, detector, detector.card.limits(sensitivity))
    return Answer(rgb, mask, time.perf_counter() - began)


def _thresholded(scene: Scene, level: float) -> Answer:
    began = time.perf_counter()
    found = scene.frame.infrared < level
    mask = widened(found, 1)
    filled = _filled(scene.frame.rgb, mask, cv2.INPAINT_TELEA)
    return Answer(filled.rgb, mask, time.perf_counter() - began, found)


def _fixed_threshold(frame: SimulatedFrame) -> float:
    return FIXED_SHARE * white_level(frame.recipe.scanner)


def _threshold_of(method: Callable[[npt.NDArray[np.uint16]], float], frame: SimulatedFrame) -> float:
    if frame.infrared.min() == frame.infrared.max():
        raise PeerSkippedError("the infrared plane is constant")
    with np.errstate(divide="ignore"):
        return float(method(frame.infrared))


def _sanei(sanei: SaneiIr, frame: SimulatedFrame) -> Answer:
    """Clean with sanei_ir, whose histograms expect counts that fill 16 bits."""
    if not frame.infrared.any():
        raise PeerSkippedError("it never returns from an infrared plane without light")
    shift = np.uint16(16 - white_level(frame.recipe.scanner).bit_length())
    cleaned = sanei.clean(
        frame.rgb << shift, frame.infrared << shift, resolution_dpi=round(frame.recipe.scanner.resolution_dpi)
    )
    return Answer(cleaned.rgb >> shift, cleaned.filled, cleaned.seconds, cleaned.found)
