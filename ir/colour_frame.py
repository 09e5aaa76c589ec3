"""The way of a frame that infrared cannot clean: the detector finds, and the colours alone tell how to heal."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import numpy.typing as npt

from ir.colour_healing import heal_colours
from ir.detection import Regions
from ir.detector import find_probability, find_regions
from ir.healing import Healed
from ir.holder import BLOCK_PX, Holder
from ir.inpainting import inpaint_large
from ir.model_file import Model, ModelCard, load_detector, load_inpainting
from ir.photometry import COUNTS, FLOOR, FLOOR_DEVIATIONS, Photometry, log_table, measure_photometry
from ir.report import MANY_DEFECTS, Caution, CleanedFrame, CleanOptions, CleanReport, Method
from ir.stopwatch import StopWatch
from ir.tiles import take_tiles
from ir.usability import _contrast, blocking_caution

Counts = npt.NDArray[np.uint16]

# Deviation of a scanner's darkest pixels, as a part of its white, at most; and contrast that black film does not have.
MOST_NOISE = 0.01
# Sure marks on spotless film, at sensitivity 0.5.
FALSE_PER_PX = 4e-6
DARK_CONTRAST = 0.25


def clean_by_colours(rgb: Counts, options: CleanOptions, report: CleanReport, watch: StopWatch) -> CleanedFrame:
    """Clean a frame by its colours alone.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    options : CleanOptions
    report : CleanReport
        Its warnings say why infrared does not decide.
    watch : StopWatch

    Returns
    -------
    CleanedFrame
        As captured where the picture is black or blank, or where nothing is surely a defect.

    Raises
    ------
    ModelError
        A model's file cannot be used.
    """
    rgb = np.ascontiguousarray(rgb)
    report = replace(report, step_seconds=watch.seconds)
    blocked = watch.time("photometry", lambda: colour_caution(rgb))
    if blocked:
        cautions = tuple(dict.fromkeys((*report.warnings, blocked)))
        return CleanedFrame(rgb.copy(), np.zeros(rgb.shape[:2], np.bool_), replace(report, warnings=cautions))
    photometry = watch.time("photometry", lambda: colour_photometry(rgb))
    model = load_detector(options.detector_model)
    probability = watch.time("detector", lambda: find_probability(rgb, model, numba.get_num_threads()))
    regions = watch.time("detection", lambda: sure_regions(probability, model.card, options.sensitivity))
    healed = watch.time("healing", lambda: heal_colours(rgb, regions, probability, photometry))
    cleaned = CleanedFrame(healed.rgb, healed.mask, _report(report, healed, model, options))
    return with_inpainting(cleaned, rgb, photometry, options, watch)


def colour_photometry(rgb: Counts) -> Photometry:
    """Measure the colours of a frame; the green plane stands where infrared would, and nothing of it counts."""
    measured = measure_photometry(rgb, rgb[..., 1])
    # Gravel is no noise: what scanners have in the dark is less, and logarithms that bent there would lose the picture.
    noise = [min(each, MOST_NOISE) for each in measured.dark_noise]
    bend = [max(FLOOR, FLOOR_DEVIATIONS * each) for each in noise]
    spans = [max(white - black, 1.0) for white, black in zip(measured.white, measured.black, strict=True)]
    tables = np.stack([log_table(*levels) for levels in zip(measured.black, spans, bend, strict=True)])
    return replace(measured, log_tables=tables, dark_noise=_four(noise), bend=_four(bend), infrared_clip=COUNTS)


def _four(values: list[float]) -> tuple[float, float, float, float]:
    red, green, blue, infrared = values
    return red, green, blue, infrared


def colour_caution(rgb: Counts) -> Caution | None:
    """Return why there is nothing to see on a frame, black or blank, or None."""
    photometry = replace(measure_photometry(rgb, rgb[..., 1]), infrared_clip=COUNTS)
    rows, cols = (-(-length // BLOCK_PX) for length in rgb.shape[:2])
    tiles = take_tiles(rgb, rgb[..., 1], photometry, Holder(np.zeros((rows, cols), np.bool_), 0.0))
    caution = blocking_caution(tiles, photometry)
    if caution is Caution.FRAME_DARK and _contrast(tiles) > DARK_CONTRAST:
        # Rocks and gravel differ from pixel to pixel as noise does, but from block to block as well.
        return None
    return Caution.FRAME_UNEXPOSED if caution is Caution.INFRARED_CONSTANT else caution


def sure_regions(probability: npt.NDArray[np.uint8], card: ModelCard, sensitivity: float) -> Regions:
    """Return the defects that the detector sees at a sensitivity; none on a frame with hardly any that is sure.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    card : ModelCard
        Its limits count.
    sensitivity : float
        0..1; sure is what would be one at 0.
    """
    regions = find_regions(probability, *card.limits(sensitivity))
    sure = probability[regions.rows, regions.cols] >= round(255 * card.limits(0.0)[0])
    count = np.count_nonzero(np.add.reduceat(sure, regions.starts[:-1])) if len(regions) else 0
    # Dust comes in numbers: as few as a spotless frame shows by mistake are the picture's.
    mistaken = FALSE_PER_PX * probability.size * 2 * (1 - sensitivity)
    return regions if count > mistaken + 2 * mistaken**0.5 else find_regions(probability[:0], 1.0, 1.0)


def with_inpainting(
    cleaned: CleanedFrame, rgb: Counts, photometry: Photometry, options: CleanOptions, watch: StopWatch
) -> CleanedFrame:
    """Have the large opaque defects filled by the model that the options name, if they name one."""
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
    coverage = float(healed.mask.mean())
    return replace(
        report,
        method=Method.DETECTOR,
        coverage=coverage,
        probability_threshold=model.card.limits(options.sensitivity)[0],
        models={"detector": model.sha256},
        defects_found=healed.divided + healed.filled + healed.left,
        defects_divided=healed.divided,
        defects_filled=healed.filled,
        defects_left=healed.left,
        warnings=(*report.warnings, *((Caution.MANY_DEFECTS,) if coverage > MANY_DEFECTS else ())),
    )
