"""A sheet of crops for each blind frame: where most is marked falsely, where most is missed, and a typical one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.blind_frames import BlindCase, BlindFrame
from bench.blind_peers import Found
from bench.metrics import Answer, widened
from bench.sheets import Crop, block_sums, largest_blocks, place_of, save_crops, typical_block

FALSE_CROPS, MISSED_CROPS = 2, 2


def save_blind_sheet(path: Path, case: BlindCase, blind: BlindFrame, found: Found) -> None:
    """Write a PNG with a row for each crop: raw, infrared, cleaned, truth, and the mask in hits, misses and false."""
    frame = blind.frame
    false = found.mask & ~widened(frame.any_mask)
    missed = frame.visible_mask & ~widened(found.mask)
    taken: list[tuple[int, int]] = []
    crops = []
    for why, mask, count in (("most false", false, FALSE_CROPS), ("most missed", missed, MISSED_CROPS)):
        for block in largest_blocks(block_sums(mask.astype(np.float32)), count, taken):
            taken.append(block)
            crops.append(Crop(why, place_of(block, frame)))
    typical = typical_block(block_sums(frame.visible_mask.astype(np.float32)), taken)
    if typical is not None:
        crops.append(Crop("typical", place_of(typical, frame)))
    rgb = frame.rgb if found.rgb is None else found.rgb
    counts = f"{int(false.sum())} pixels falsely marked, {int(missed.sum())} of {int(frame.visible_mask.sum())} missed"
    save_crops(path, frame, Answer(rgb, found.mask, found.seconds), crops, f"{case.name}: {counts}")
