"""Make the picture of the README, a simulated slide before and after cleaning: `python -m bench.picture`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.frames.photographs import photograph
from bench.frames.suite import Case
from filmscand.film.frame import SimulatedFrame
from filmscand.film.scanner import display_curve
from filmscand.ir import clean_frame

TARGET = Path(__file__).parent.parent / "docs" / "pictures" / "before-after.jpg"
# A cup of coffee, photographed by Rachel Michetti for scikit-image (CC0), as a dirty slide in a scanner.
CASE = Case("heavy_dirt", "coffee", photograph("coffee", most_enlarged=4.0), 71)
ROWS, COLS = 800, 1200
PANEL_ROWS, PANEL_COLS = 220, 330
# Row and column of the detail that is shown below the whole frame, pixel by pixel.
DETAIL = (230, 430)
GAP_PX, LABEL_PX = 6, 22
NAMES = ("raw", "infrared", "mask", "cleaned")

Panel = npt.NDArray[np.uint8]


def main() -> None:
    """Simulate the frame, clean it, and save the whole frame with a detail below it, for each plane."""
    frame = CASE.simulate(ROWS, COLS)
    planes = _planes(frame)
    sheet = Image.new(
        "RGB",
        (len(planes) * (PANEL_COLS + GAP_PX) - GAP_PX, LABEL_PX + 2 * (PANEL_ROWS + GAP_PX) - GAP_PX),
        (24, 24, 24),
    )
    draw = ImageDraw.Draw(sheet)
    for column, (name, plane) in enumerate(zip(NAMES, planes, strict=True)):
        left = column * (PANEL_COLS + GAP_PX)
        draw.text((left + 6, 3), name, fill=(230, 230, 230), font=ImageFont.load_default(14))
        whole = Image.fromarray(plane).resize((PANEL_COLS, PANEL_ROWS), Image.Resampling.LANCZOS)
        row, col = DETAIL
        detail = Image.fromarray(plane[row : row + PANEL_ROWS, col : col + PANEL_COLS])
        sheet.paste(whole, (left, LABEL_PX))
        sheet.paste(detail, (left, LABEL_PX + PANEL_ROWS + GAP_PX))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(TARGET, quality=88)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e3:.0f} kB")


def _planes(frame: SimulatedFrame) -> tuple[Panel, ...]:
    cleaned = clean_frame(frame.rgb, frame.infrared)
    curve = display_curve(frame.recipe.scanner)
    white = np.percentile(curve[frame.clean_rgb[::4, ::4]], 99.7)
    infrared_white = np.percentile(frame.infrared[::4, ::4], 99.9)
    raw, after = (_eight_bit(curve[rgb] / white) for rgb in (frame.rgb, cleaned.rgb))
    infrared = _eight_bit(frame.infrared / infrared_white)
    mask = cleaned.defect_mask.astype(np.uint8) * np.uint8(255)
    return raw, _as_rgb(infrared), _as_rgb(mask), after


def _eight_bit(share: npt.NDArray[np.floating]) -> Panel:
    panel: Panel = np.rint(share.clip(0, 1) * 255).astype(np.uint8)
    return panel


def _as_rgb(plane: Panel) -> Panel:
    return np.repeat(plane[..., None], 3, axis=-1)


if __name__ == "__main__":
    main()
