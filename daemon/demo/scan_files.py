"""Frames as files of scanning programs, for watch folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from filmscand.film.frame import SimulatedFrame
from filmscand.film.recipe import Process

_VUESCAN = "VueScan 9 x64 (9.8.26.08)"
_SILVERFAST = "SilverFast 9.2.0"
_SILVERFAST_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:Silverfast="LSI/" Silverfast:Company="LaserSoft Imaging" Silverfast:HDRScan="Yes"
 Silverfast:Gamma="%s" Silverfast:Negative="%s"/></rdf:RDF></x:xmpmeta>"""
_TRANSPARENCY_MASK = 4
_NEW_SUBFILE_TYPE = 254
_XMP = 700

# From folder, file stem and frame to the files written.
WriteScan = Callable[[Path, str, SimulatedFrame], tuple[Path, ...]]


def write_vuescan(folder: Path, stem: str, frame: SimulatedFrame) -> tuple[Path, ...]:
    """Write one TIFF whose fourth sample is the infrared (VueScan's 64-bit RGBI)."""
    path = folder / f"{stem}.tif"
    samples = np.dstack([frame.rgb, frame.infrared])
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"], software=_VUESCAN, **_about(frame))
    return (path,)


def write_silverfast(folder: Path, stem: str, frame: SimulatedFrame) -> tuple[Path, ...]:
    """Write one TIFF with a page of colour and a grey page marked as a mask (SilverFast's HDRi).

    Its XMP tells the gamma of the counts, and whether the film is a negative.
    """
    path = folder / f"{stem}.tif"
    negative = frame.recipe.stock.process is Process.NEGATIVE
    xmp = _SILVERFAST_XMP % (b"%g" % frame.recipe.scanner.gamma, b"Yes" if negative else b"No")
    xmp_tag = (_XMP, 1, len(xmp), xmp, True)
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(frame.rgb, photometric="rgb", software=_SILVERFAST, extratags=[xmp_tag], **_about(frame))
        tiff.write(frame.infrared, photometric="minisblack", subfiletype=0, software=_SILVERFAST, **_about(frame))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        # tifffile refuses to write this value of the tag, but can overwrite it.
        tiff.pages[1].aspage().tags[_NEW_SUBFILE_TYPE].overwrite(_TRANSPARENCY_MASK)
    return (path,)


def write_pair(folder: Path, stem: str, frame: SimulatedFrame) -> tuple[Path, ...]:
    """Write the picture and the infrared as two files, NAME.tif and NAME_ir.tif."""
    paths = folder / f"{stem}.tif", folder / f"{stem}_ir.tif"
    tifffile.imwrite(paths[0], frame.rgb, photometric="rgb", **_about(frame))
    tifffile.imwrite(paths[1], frame.infrared, photometric="minisblack", **_about(frame))
    return paths


def _about(frame: SimulatedFrame) -> dict[str, Any]:
    dpi = frame.recipe.scanner.resolution_dpi
    return {"metadata": None, "resolution": (dpi, dpi), "resolutionunit": "INCH"}
