"""What dust does to an ordinary fit of the leakage, and to ours: `python -m bench.leakage`.

docs/explanation/leakage.md explains both fits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rich.console import Console

from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import save_figures
from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky
from filmscand.film.recipe import Leakage
from filmscand.ir.leakage.focus import leakage_samples
from filmscand.ir.leakage.model import fit_leakage
from filmscand.ir.planes.holder import find_holder
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.planes.tiles import take_tiles
from filmscand.ir.registration.registration import measure_registration

ROWS, COLS = 800, 1200
TRUE_SLOPES = (0.0, 0.04, 0.12)


def main() -> None:
    """Print both fits, on the same sky without and with dirt, and save the figures."""
    table = leakage_table()
    Console(highlight=False).print(table.for_terminal())
    save_figures("leakage", [table])


def leakage_table(rows: int = ROWS, cols: int = COLS) -> FigureTable:
    """Return the slope of infrared on red that both fits find, for frames of rows x cols."""
    picture = smooth_sky(rows, cols, 3)
    cells = []
    for slope in TRUE_SLOPES:
        dirty = replace(KINDS["heavy_dirt"], leakage=Leakage((slope, 0.0, 0.0)))
        spotless = replace(dirty, damage=KINDS["spotless"].damage)
        for name, recipe in (("clean", spotless), ("dirty", dirty)):
            cells.append((slope, name, *_slopes(simulate_frame(picture, recipe, seed=71))))
    return FigureTable(
        title=f"a smooth sky of {rows} x {cols}",
        columns=columns(("leak of red", 2), "film", ("ordinary fit", 3), ("ours", 3)),
        rows=tuple(cells),
    )


def _slopes(frame: SimulatedFrame) -> tuple[float, float]:
    photometry = measure_photometry(frame.rgb, frame.infrared)
    holder = find_holder(frame.infrared, photometry.black[3])
    tiles = take_tiles(frame.rgb, frame.infrared, photometry, holder)
    samples = leakage_samples(tiles, measure_registration(tiles), 0.0)
    red, infrared = samples.log_rgb[..., 0][samples.valid], samples.log_infrared[samples.valid]
    ordinary = np.polyfit(red.astype(np.float64), infrared.astype(np.float64), 1)[0]
    return float(ordinary), float(fit_leakage(samples, photometry.log_tables).slopes[0])


if __name__ == "__main__":
    main()
