"""A sheet of crops for each blind frame: those with most false pixels, those with most missed ones, a typical one."""

from __future__ import annotations

from pathlib import Path

from bench.blind.finders import Found
from bench.blind.frames import BlindCase, BlindFrame
from bench.measures.metrics import Answer
from filmscand.daemon.evaluation.crop_sheet import Worst, save_crops
from training.mask_agreement import widened

FALSE_CROPS, MISSED_CROPS = 2, 2


def save_blind_sheet(path: Path, case: BlindCase, blind: BlindFrame, found: Found) -> None:
    """Write a PNG with a row for each crop: raw, infrared, cleaned, truth, and the mask in the colours of hit and miss.

    Parameters
    ----------
    path : Path
        File to write.
    case : BlindCase
        Its name becomes the title.
    blind : BlindFrame
        The frame and its truth.
    found : Found
        The result to show.
    """
    frame = blind.frame
    false = found.mask & ~widened(frame.any_mask)
    missed = frame.visible_mask & ~widened(found.mask)
    worst = [Worst("most false", false, FALSE_CROPS), Worst("most missed", missed, MISSED_CROPS)]
    rgb = frame.rgb if found.rgb is None else found.rgb
    counts = f"{int(false.sum())} pixels falsely marked, {int(missed.sum())} of {int(frame.visible_mask.sum())} missed"
    save_crops(path, frame, Answer(rgb, found.mask, found.seconds), worst, f"{case.name}: {counts}")
