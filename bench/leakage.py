"""What dust does to an ordinary fit of the leakage, and to ours (see docs/explanation/leakage.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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
    """Print the slope of infrared on red that both find, on the same sky without and with dirt."""
    picture = smooth_sky(ROWS, COLS, 3)
    print("leak of red   film    ordinary fit   ours")
    for slope in TRUE_SLOPES:
        dirty = replace(KINDS["heavy_dirt"], leakage=Leakage((slope, 0.0, 0.0)))
        spotless = replace(dirty, damage=KINDS["spotless"].damage)
        for name, recipe in (("clean", spotless), ("dirty", dirty)):
            ordinary, ours = _slopes(simulate_frame(picture, recipe, seed=71))
            print(f"{slope:11.2f}   {name}   {ordinary:12.3f}   {ours:.3f}")


def _slopes(frame: SimulatedFrame) -> tuple[float, float]:
    photometry = measure_photometry(frame.rgb, frame.infrared)
    holder = find_holder(frame.infrared, photometry.black[3])
    tiles = take_tiles(frame.rgb, frame.infrared, photometry, holder)
    samples = leakage_samples(tiles, measure_registration(tiles), 0.0)
    red, infrared = samples.log_rgb[..., 0][samples.valid], samples.log_infrared[samples.valid]
    ordinary = np.polyfit(red.astype(np.float64), infrared.astype(np.float64), 1)[0]
    return float(ordinary), fit_leakage(samples, photometry.log_tables).slopes[0]


if __name__ == "__main__":
    main()
