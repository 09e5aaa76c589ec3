"""Compares the planes of two film files (the program of a process of its own; see `belonging.py`).

    python -m filmscand.daemon.ingest.pairs.plane_comparison PICTURE INFRARED FOURTH_SAMPLE MEMORY_LIMIT

`filmscand.ir.registration.placement` compares them, as it does when a frame is cleaned. Infrared that lies turned,
moved or inverted on its picture belongs to it too.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from filmscand.daemon.ingest.pairs.belonging import DOES_NOT_BELONG
from filmscand.drivers.files.errors import FilmFileError
from filmscand.drivers.files.reader import read_capture
from filmscand.ir.registration.placement import SURE_PLACE, Fit, find_placement


def stranger(picture: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> str | None:
    """Return why an infrared plane does not belong to a picture; None if it surely belongs.

    Parameters
    ----------
    picture : (rows, cols, 3) or (rows, cols) ndarray of uint16
        The picture, or one of its colours.
    infrared : (rows, cols) ndarray of uint16
        The infrared plane.
    """
    placement = find_placement(picture, infrared)
    if placement.fit is Fit.SAME:
        return None
    return (
        f"no dust and no picture lies at the same place in both (peak {placement.peak:.1f}, sure from {SURE_PLACE:g})"
    )


def main(picture: str, infrared: str, fourth_sample_is_infrared: str, memory_limit_bytes: str) -> int:
    """Compare two files; the exit status is 0, or 3 with the reason on stdout (the entry of the process)."""
    limit = int(memory_limit_bytes)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    fourth = {"True": True, "False": False}.get(fourth_sample_is_infrared)
    try:
        capture = read_capture(Path(picture), Path(infrared), fourth_sample_is_infrared=fourth)
    except FilmFileError as error:
        print(error)
        return DOES_NOT_BELONG
    if "infrared_partner_unused" in capture.info.flags or capture.infrared is None:
        print("the picture holds its infrared itself")
        return DOES_NOT_BELONG
    reason = stranger(capture.rgb, capture.infrared)
    if reason is not None:
        print(reason)
    return 0 if reason is None else DOES_NOT_BELONG


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
