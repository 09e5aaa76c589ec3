"""Clean a frame that infrared cannot clean: the detector finds defects, and the colours alone tell how to heal them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.classifier import least_probability
from filmscand.ir.decision.defects import Judged, judge
from filmscand.ir.decision.region_features import Evidence
from filmscand.ir.detection.regions import none
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.infrared_healing import Healed
from filmscand.ir.healing.inpainting import inpaint_large
from filmscand.ir.leakage.usability import block_contrast, blocking_caution
from filmscand.ir.network.density_input import measure_levels
from filmscand.ir.network.detector import run_detector
from filmscand.ir.network.model_file import Model, load_inpainting
from filmscand.ir.planes.holder import BLOCK_PX, Holder
from filmscand.ir.planes.photometry import COUNTS, Photometry, measure_photometry, with_noise_limit
from filmscand.ir.planes.tiles import take_tiles
from filmscand.ir.report import Caution, CleanedFrame, CleanOptions, CleanReport, Method
from filmscand.ir.stopwatch import StopWatch

Counts = npt.NDArray[np.uint16]

# Largest standard deviation of a scanner's darkest pixels, as a part of its white.
MOST_NOISE = 0.01
# Contrast between blocks above which a dark frame shows a picture: black film has less.
DARK_CONTRAST = 0.25


def clean_by_colours(rgb: Counts, options: CleanOptions, report: CleanReport, watch: StopWatch) -> CleanedFrame:
    """Clean a frame by its colours alone.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    options : CleanOptions
        Sensitivity and models.
    report : CleanReport
        Report so far; its warnings say why infrared does not decide.
    watch : StopWatch
        Takes the time of each step.

    Returns
    -------
    CleanedFrame
        The frame as captured where the picture is black or blank, or where no region is a defect.

    Raises
    ------
    ModelError
        A model's file cannot be used.
    """
    rgb = np.ascontiguousarray(rgb)
    report = replace(report, step_seconds=watch.seconds)
    measured = watch.time("photometry", lambda: measure_colours(rgb))
    blocked = watch.time("photometry", lambda: colour_caution(rgb, measured))
    if blocked:
        cautions = tuple(dict.fromkeys((*report.warnings, blocked)))
        return CleanedFrame.untouched(rgb, replace(report, warnings=cautions))
    photometry = colour_photometry(measured)
    evidence, model = look_at_colours(rgb, options, watch)
    judged = watch.time("detection", lambda: judge(evidence, none()))
    healed = watch.time("healing", lambda: _heal(rgb, judged, photometry, options))
    report = replace(report, defects_unsure=judged.unsure(options.sensitivity))
    cleaned = CleanedFrame(healed.rgb, healed.mask, _report(report, healed, model, options))
    return with_inpainting(cleaned, rgb, photometry, options, watch)


def look_at_colours(rgb: Counts, options: CleanOptions, watch: StopWatch) -> tuple[Evidence, Model]:
    """Collect what the network shows of a frame by its colours.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    options : CleanOptions
        Names the network.
    watch : StopWatch
        Takes the time of the step "detector".

    Returns
    -------
    evidence : Evidence
        The evidence, without infrared.
    model : Model
        The network.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    model, probability = run_detector(rgb, None, options, watch)
    return Evidence(rgb, measure_levels(rgb), None, 0.0, probability), model


def _heal(rgb: Counts, judged: Judged, photometry: Photometry, options: CleanOptions) -> Healed:
    defects = judged.defects(options.sensitivity)
    return heal_by_colours(rgb, defects, judged.certainty(rgb.shape[:2]), photometry)


def measure_colours(rgb: Counts) -> Photometry:
    """Measure the light of a frame without infrared.

    The green plane takes the place of the infrared plane; nothing may be read from that part of the result.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.

    Returns
    -------
    Photometry
        Levels and noise of the three colours.
    """
    return replace(measure_photometry(rgb, rgb[..., 1]), infrared_clip=COUNTS)


def colour_photometry(measured: Photometry) -> Photometry:
    """Return the photometry for healing: with dark noise of `MOST_NOISE` at most.

    Gravel looks like noise, but scanners have less noise in the dark; logarithms that bent there would lose detail.
    """
    return with_noise_limit(measured, MOST_NOISE)


def colour_caution(rgb: Counts, photometry: Photometry) -> Caution | None:
    """Return why a frame shows nothing, black or blank, or None where it shows a picture."""
    rows, cols = (-(-length // BLOCK_PX) for length in rgb.shape[:2])
    tiles = take_tiles(rgb, rgb[..., 1], photometry, Holder(np.zeros((rows, cols), np.bool_), 0.0))
    caution = blocking_caution(tiles, photometry)
    if caution is Caution.FRAME_DARK and block_contrast(tiles) > DARK_CONTRAST:
        # Rocks and gravel differ from pixel to pixel as noise does, but also from block to block.
        return None
    return Caution.FRAME_UNEXPOSED if caution is Caution.INFRARED_CONSTANT else caution


def with_inpainting(
    cleaned: CleanedFrame, rgb: Counts, photometry: Photometry, options: CleanOptions, watch: StopWatch
) -> CleanedFrame:
    """Fill the large opaque defects with the model that the options name, if they name one.

    Parameters
    ----------
    cleaned : CleanedFrame
        The healed frame.
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    photometry : Photometry
        Levels of the frame.
    options : CleanOptions
        `inpainting_model` names the model; None leaves the frame as it is.
    watch : StopWatch
        Takes the time of the step "inpainting".

    Returns
    -------
    CleanedFrame
        Changed only inside the defect mask.

    Raises
    ------
    ModelError
        The model's file cannot be used.
    """
    if options.inpainting_model is None or not cleaned.defect_mask.any():
        return cleaned
    model = load_inpainting(options.inpainting_model)
    inpainted = watch.time(
        "inpainting", lambda: inpaint_large(rgb, cleaned.rgb, cleaned.defect_mask, photometry, model)
    )
    report = cleaned.report
    if inpainted.count:
        report = replace(
            report, defects_inpainted=inpainted.count, models={**report.models, "inpainting": model.sha256}
        )
    return CleanedFrame(inpainted.rgb, cleaned.defect_mask, report)


def _report(report: CleanReport, healed: Healed, model: Model, options: CleanOptions) -> CleanReport:
    told = replace(
        report.with_counts(healed.divided, healed.filled, healed.left),
        method=Method.DETECTOR,
        probability_threshold=least_probability(options.sensitivity),
        models={"detector": model.sha256},
    )
    return told.with_coverage(healed.mask)
