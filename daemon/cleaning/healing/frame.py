"""Cleans a frame: the engine finds the defects, and heals them unless another healer is named."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from filmscand.daemon.archive.frames.encode import write_mask_png
from filmscand.daemon.cleaning.healing.command import Healer
from filmscand.daemon.core.errors import HealerError, storing
from filmscand.drivers.base import Capture
from filmscand.drivers.files.writer import TiffTags, write_tiff
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.report import CleanedFrame


def clean_capture(capture: Capture, options: CleanOptions, healer: Healer | None = None) -> CleanedFrame:
    """Clean a frame as captured.

    Parameters
    ----------
    healer : Healer, optional
        Fills the defects that the engine found; default: the engine heals them.

    Raises
    ------
    HealerError
        The healer failed, or its picture cannot be taken. The engine never heals in its place: the frame would lie
        among the others of its roll, and not be healed as they are.
    """
    cleaned = clean_frame(capture.rgb, capture.infrared, options)
    return cleaned if healer is None else heal_again(healer, capture.rgb, cleaned)


def heal_again(healer: Healer, rgb: npt.NDArray[np.uint16], cleaned: CleanedFrame) -> CleanedFrame:
    """Fill the defects of a frame anew by a healer.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The picture as captured.
    cleaned : CleanedFrame
        The frame as the engine cleaned it; only its mask and its report count.

    Returns
    -------
    CleanedFrame
        Outside the mask the picture as captured, to the last bit. The report counts every healed defect as filled.
    """
    if not cleaned.defect_mask.any():
        return cleaned
    with tempfile.TemporaryDirectory(prefix="filmscand-heal-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        picture, mask, output = folder / "picture.tif", folder / "mask.png", folder / "healed.tif"
        with storing(folder):
            write_tiff(picture, rgb, TiffTags())
            with mask.open("wb") as file:
                write_mask_png(file, cleaned.defect_mask)
        healer.run(folder, picture, mask, output)
        healed = _read(healer, output, rgb.shape)
    filled = rgb.copy()
    filled[cleaned.defect_mask] = healed[cleaned.defect_mask]
    report = cleaned.report
    counted = report.with_counts(0, report.defects_divided + report.defects_filled, report.defects_left)
    return CleanedFrame(filled, cleaned.defect_mask, replace(counted, defects_inpainted=0))


def _read(healer: Healer, output: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    if not output.exists():
        raise healer.error("ended with status 0, but wrote no {output}")
    try:
        with tifffile.TiffFile(output) as film:
            _require_same(healer, film, shape)
            return np.asarray(film.pages.first.asarray(), np.uint16)
    except HealerError:
        raise
    # A file that another program wrote: tifffile and its codecs raise all kinds of errors.
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError, tifffile.TiffFileError) as error:
        raise healer.error(f"wrote an {{output}} that is no TIFF that can be read ({error})") from error


def _require_same(healer: Healer, film: tifffile.TiffFile, shape: tuple[int, ...]) -> None:
    """Require one page of the size and depth of the picture, before it is read."""
    expected = f"one page of {shape[1]} x {shape[0]} pixels, 3 samples of 16 bits"
    if len(film.pages) != 1:
        raise healer.error(f"wrote {len(film.pages)} pages to {{output}}, expected {expected}")
    page = film.pages.first
    size = (page.imagelength, page.imagewidth, page.samplesperpixel)
    if size != shape or page.dtype != np.uint16 or page.shape != shape:
        found = f"{size[1]} x {size[0]} pixels, {size[2]} samples of type {page.dtype}"
        raise healer.error(f"wrote {found} to {{output}}, expected {expected}")
