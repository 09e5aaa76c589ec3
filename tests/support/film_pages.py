"""Film files as scanning programs write them, made with tifffile."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from filmscand.drivers.base import Capture

ROWS, COLS = 48, 70
VUESCAN = "VueScan 9 x64 (9.8.26.08)"
SILVERFAST_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:Silverfast="LSI/" Silverfast:Company="LaserSoft Imaging" Silverfast:HDRScan="Yes"
 Silverfast:Gamma="%s" Silverfast:Negative="No"/></rdf:RDF></x:xmpmeta>"""


def make_planes(rows: int = ROWS, cols: int = COLS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    rgb = rng.integers(900, 65536, (rows, cols, 3), dtype=np.uint16)
    infrared = rng.integers(30000, 65536, (rows, cols), dtype=np.uint16)
    return rgb, infrared


RGB, INFRARED = make_planes()
RGBI = np.dstack([RGB, INFRARED])


@dataclass(frozen=True)
class Page:
    """One page of a test file; `mark` becomes its NewSubfileType after writing, because tifffile refuses to write 4."""

    samples: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    mark: int | None = None


def write_pages(path: Path, *pages: Page, byteorder: Any = "<", bigtiff: bool = False) -> Path:
    with tifffile.TiffWriter(path, byteorder=byteorder, bigtiff=bigtiff) as tiff:
        for page in pages:
            grey = page.samples.ndim == 2
            options = {"photometric": "minisblack" if grey else "rgb", "software": "a program"} | page.options
            if page.mark is not None:
                options["subfiletype"] = 0
            tiff.write(page.samples, metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        flat = [page for top in tiff.pages for page in (top, *(top.pages or ()))]
        for written, page in zip(flat, pages, strict=True):
            if page.mark is not None:
                written.aspage().tags[254].overwrite(page.mark)
    return path


def rgbi_page(**options: Any) -> Page:
    return Page(RGBI, {"extrasamples": ["unspecified"]} | options)


def hdri_pages(*, mark: int | None = 4, preview: bool = False) -> list[Page]:
    small = Page(np.ascontiguousarray(RGB[::4, ::4]), {"subfiletype": 1})
    return [Page(RGB), *([small] if preview else []), Page(INFRARED, mark=mark)]


def dng_pages(raw: Page, *others: Page) -> list[Page]:
    """Return the pages of a DNG: a small 8-bit preview with the linear raw below it, then other top-level pages."""
    preview = Page(np.zeros((12, 18, 3), np.uint8), {"subfiletype": 1, "subifds": 1, "extratags": DNG_TAGS})
    linear = Page(raw.samples, {"photometric": 34892, "subfiletype": 0, "rowsperstrip": 1} | raw.options, raw.mark)
    return [preview, linear, *others]


DNG_TAGS = [
    (50706, 1, 4, b"\1\1\0\0", True),
    (50708, 2, 0, "Epson Perfection4490", True),
    (271, 2, 0, "Epson", True),
]


def assert_planes(capture: Capture, rgb: np.ndarray = RGB, infrared: np.ndarray | None = INFRARED) -> None:
    planes = [(capture.rgb, rgb)]
    assert (capture.infrared is None) == (infrared is None)
    if capture.infrared is not None:
        planes.append((capture.infrared, infrared))
    for read, expected in planes:
        np.testing.assert_array_equal(read, expected)
        assert read.dtype == np.dtype("=u2")
        assert read.flags.c_contiguous
