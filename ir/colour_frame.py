"""The way of a frame that infrared cannot clean: the detector finds, and the colours alone tell how to heal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ir.colour_healing import heal_colours
from ir.detection import Regions, chosen, joined, many
from ir.detector import CERTAIN, asked_part, find_regions, look_at_frame, mean_probability
from ir.healing import Healed
from ir.holder import BLOCK_PX, Holder
from ir.inpainting import inpaint_large
from ir.model_file import Model, ModelCard, load_inpainting
from ir.photometry import COUNTS, Photometry, measure_photometry, with_most_noise
from ir.report import MANY_DEFECTS, Caution, CleanedFrame, CleanOptions, CleanReport, Method
from ir.stopwatch import StopWatch
from ir.tiles import take_tiles
from ir.tint import Tints, measure_tints
from ir.usability import block_contrast, blocking_caution

Counts = npt.NDArray[np.uint16]

# Deviation of a scanner's darkest pixels, as a part of its white, at most; and contrast that black film does not have.
MOST_NOISE = 0.01
# Sure marks that a dusty frame has at least, however small and for the root of its megapixels, and the part of its
# marks that they are, at sensitivity 0.5.
FEWEST_SURE = (1.0, 4.4)
SURE_PART = 0.4
# Mean probability of a small mark, of a large one (where so much of the marks is sure) and of huge ones, at least.
SMALL_MEAN, LARGE_MEANS = 0.5, (0.85, 0.65)
DOUBTFUL_PARTS = (0.4, 0.9)
HUGE_MEANS = (0.85, 0.9)
AREAS_PX = (60, 500, 2000, 8000)
# A mark whose mean is less is cut down to what is over these probabilities. Where such marks cover more than this part
# of what the others cover, or more than the other part where of one mark so many pixels count at most, the picture
# itself looks like dust: they are left, and of the others so much more is asked, as a part of the way to certainty.
CUTS = (0.5, 0.7)
MOST_DOUBTFUL, MOST_BOUNDED, BOUND_PX = 0.7, 0.4, 1000
ASKED_MORE = 0.8
# Mean log odds of its tints that a mark needs which is no defect by the picture alone: stars and wires on spotless
# silver had 1.2 at most. What has less than the other lacks a tint; where such marks cover so many times what tinted
# ones cover, the picture alone is wrong.
TINTED_ODDS, UNTINTED_ODDS = 2.0, -0.5
MOST_UNTINTED = 2.0
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
    measured = watch.time("photometry", lambda: measure_colours(rgb))
    blocked = watch.time("photometry", lambda: colour_caution(rgb, measured))
    if blocked:
        cautions = tuple(dict.fromkeys((*report.warnings, blocked)))
        return CleanedFrame.untouched(rgb, replace(report, warnings=cautions))
    photometry = colour_photometry(measured)
    model, probability = look_at_frame(rgb, None, options, watch)
    tints = watch.time("detection", lambda: measure_tints(rgb, probability))
    regions = watch.time("detection", lambda: sure_regions(probability, model.card, options.sensitivity))
    if tints is not None:
        alone, probability = regions, tints.weighed(probability)
        find = partial(tinted_regions, probability, alone, tints, model.card, options.sensitivity)
        regions = watch.time("detection", find)
    healed = watch.time("healing", lambda: heal_colours(rgb, regions, probability, photometry))
    cleaned = CleanedFrame(healed.rgb, healed.mask, _report(report, healed, model, options))
    return with_inpainting(cleaned, rgb, photometry, options, watch)


def measure_colours(rgb: Counts) -> Photometry:
    """Measure the colours of a frame; the green plane stands where infrared would, and nothing of it counts."""
    return replace(measure_photometry(rgb, rgb[..., 1]), infrared_clip=COUNTS)


def colour_photometry(measured: Photometry) -> Photometry:
    """Return what healing goes by.

    Gravel is no noise: what scanners have in the dark is less, and logarithms that bent there would lose the picture.
    """
    return with_most_noise(measured, MOST_NOISE)


def colour_caution(rgb: Counts, photometry: Photometry) -> Caution | None:
    """Return why there is nothing to see on a frame, black or blank, or None."""
    rows, cols = (-(-length // BLOCK_PX) for length in rgb.shape[:2])
    tiles = take_tiles(rgb, rgb[..., 1], photometry, Holder(np.zeros((rows, cols), np.bool_), 0.0))
    caution = blocking_caution(tiles, photometry)
    if caution is Caution.FRAME_DARK and block_contrast(tiles) > DARK_CONTRAST:
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
    return _convincing(probability, regions, card, sensitivity, may_be_the_picture=True)


def tinted_regions(
    weighed: npt.NDArray[np.uint8], alone: Regions, tints: Tints, card: ModelCard, sensitivity: float
) -> Regions:
    """Return the defects of a film without colour, by the picture and by their tints.

    What has no tint has to be a defect by the picture alone as well.

    Parameters
    ----------
    weighed : (rows, cols) ndarray of uint8
        Probability times 255, by both (see `Tints.weighed`).
    alone : Regions
        The defects by the picture alone.
    tints : Tints
    card, sensitivity
        As for `sure_regions`.
    """
    regions = _with_grounds(find_regions(weighed, *card.limits(sensitivity)), tints, alone, weighed.shape)
    return _convincing(weighed, regions, card, sensitivity, may_be_the_picture=False)


def _with_grounds(regions: Regions, tints: Tints, alone: Regions, shape: tuple[int, ...]) -> Regions:
    """Return the regions that have a tint, and those that are defects by the picture alone (`alone`).

    Where most of these lack a tint, they are the picture's.
    """
    seen = np.zeros(shape, np.uint8)
    seen[alone.rows, alone.cols] = CERTAIN
    odds, areas = tints.odds_of(regions), np.diff(regions.starts)
    tinted = odds > TINTED_ODDS
    shown = ~tinted & (mean_probability(seen, regions) > 0.5)
    untinted = shown & (odds < UNTINTED_ODDS)
    if areas[untinted].sum() > MOST_UNTINTED * areas[tinted].sum():
        shown &= ~untinted
    return chosen(regions, tinted | shown)


def _convincing(
    probability: npt.NDArray[np.uint8],
    regions: Regions,
    card: ModelCard,
    sensitivity: float,
    *,
    may_be_the_picture: bool,
) -> Regions:
    """Return of regions what has the mean probability that is asked of it; none where hardly any is sure."""
    asked_of = _asked(probability, regions, card, sensitivity)
    if asked_of is None:
        return chosen(regions, np.zeros(len(regions), np.bool_))
    kept, doubtful = _told_apart(probability, regions, asked_of)
    if may_be_the_picture and _looks_like_dust(kept, doubtful):
        return _told_apart(probability, kept, replace(asked_of, more=ASKED_MORE))[0]
    parts = _cut_down(probability, doubtful, card.limits(sensitivity)[0], asked_of)
    return joined((kept, *parts), probability.shape)


def _asked(probability: npt.NDArray[np.uint8], regions: Regions, card: ModelCard, sensitivity: float) -> _Asked | None:
    """Return what is asked of a frame's marks, or None where too few of them are sure."""
    if not len(regions):
        return None
    levels = probability[regions.rows, regions.cols]
    sure = np.maximum.reduceat(levels, regions.starts[:-1]) >= round(255 * card.limits(0.0)[0])
    # Of real dust most is sure; of what a picture shows by mistake hardly anything, and much is nearly so.
    asked = max(many(FEWEST_SURE, probability.size), SURE_PART * len(regions)) * 2 * (1 - sensitivity)
    return None if sure.sum() < asked else _Asked(float(sure.mean()), sensitivity)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The mean probability that is asked of marks: the more, the larger they are and the fewer of a frame's are sure.

    Girders and wires are large, and here and there sure; a speck has hardly a pixel off its rim.
    """

    sure_part: float
    sensitivity: float
    more: float = 0.0

    def of(self, areas: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        large = np.interp(self.sure_part, DOUBTFUL_PARTS, LARGE_MEANS)
        mean = np.interp(np.log(areas), np.log(AREAS_PX), (SMALL_MEAN, large, *HUGE_MEANS))
        return np.asarray((mean + self.more * (1 - mean)) * asked_part(self.sensitivity))


def _told_apart(probability: npt.NDArray[np.uint8], regions: Regions, asked_of: _Asked) -> tuple[Regions, Regions]:
    """Return the regions that have the mean probability that is asked of them, and the others."""
    convincing = mean_probability(probability, regions) >= asked_of.of(np.diff(regions.starts))
    return chosen(regions, convincing), chosen(regions, ~convincing)


def _looks_like_dust(kept: Regions, doubtful: Regions) -> bool:
    """Whether so much is doubtful that the picture itself is what the detector sees: one huge mark proves neither."""
    kept_px, doubtful_px = (np.diff(regions.starts) for regions in (kept, doubtful))
    bounded = np.minimum(doubtful_px, BOUND_PX).sum() > MOST_BOUNDED * np.minimum(kept_px, BOUND_PX).sum()
    return bool(bounded or doubtful_px.sum() > MOST_DOUBTFUL * kept_px.sum())


def _cut_down(
    probability: npt.NDArray[np.uint8], doubtful: Regions, seed: float, asked_of: _Asked
) -> Iterator[Regions]:
    """Yield what is left of regions over each of `CUTS`, as far as that has what is asked of it."""
    for grow in CUTS:
        if not len(doubtful):
            return
        rest = np.zeros_like(probability)
        rest[doubtful.rows, doubtful.cols] = probability[doubtful.rows, doubtful.cols]
        convincing, doubtful = _told_apart(probability, find_regions(rest, seed, grow), asked_of)
        yield convincing


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
        report.counted(healed.divided, healed.filled, healed.left),
        method=Method.DETECTOR,
        coverage=coverage,
        probability_threshold=model.card.limits(options.sensitivity)[0],
        models={"detector": model.sha256},
        warnings=(*report.warnings, *((Caution.MANY_DEFECTS,) if coverage > MANY_DEFECTS else ())),
    )
