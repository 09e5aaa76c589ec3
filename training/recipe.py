"""Train the peer network: `python -m training.recipe --hours H --photos DIR --artefacts DIR --output DIR`.

The recipe is that of Ivanova, Williamson and Henderson ("Simulating analogue film damage to analyse and improve
artefact restoration on high-resolution scans", Computer Graphics Forum 42, 2023): a plain U-Net, trained on photographs
under opaque artefacts of five kinds, black, or white as on scanned prints. Number and size of the artefacts follow
Gamma distributions, and smooth noise makes them crowd. The network sees display values, without grain and without
scanner noise. Pool, loader, loss and schedule are those of `training.train`. `bench.blind --recipe` compares with it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from filmscand.film.damage import draw_damage, summed
from filmscand.film.fields import Plane
from filmscand.film.recipe import Damage, FrameRecipe
from filmscand.ir.network.density_input import BEND
from training.networks.learning import Learner, add_options, draw_batch, learning_rate
from training.networks.onnx_export import write_onnx
from training.networks.shelf import Shelf
from training.sheets.pool import Pool, PoolPlan, filled
from training.sheets.scenes import photo_crop
from training.sheets.sources import Sources, load_sources
from training.sheets.synthesizer import Sheet

WIDTHS = (16, 32, 64, 128)
GAMMA = 2.2
# Share of the sheets whose artefacts are white.
WHITE_SHARE = 0.5
# Sheets that the pool must hold before the first step.
LEAST_SHEETS = 300
# Opacity over which a pixel counts as defect.
_OPAQUE = np.float32(0.5)
# Coverage that becomes fully opaque: specks of the film model are thin in places, those of the paper are not.
_THINNEST = 0.6
_MODEL = "recipe.onnx"


class PlainUNet(nn.Module):
    """A U-Net: two convolutions a stage, max pooling, transposed convolutions, concatenation.

    Parameters
    ----------
    widths : tuple of int
        Channels of the stages, from full resolution down.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(_stage(a, b) for a, b in zip((3, *widths), widths, strict=False))
        pairs = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
        self.doubling = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs)
        self.decoders = nn.ModuleList(_stage(2 * b, b) for _, b in pairs)
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, density: Tensor, infrared: Tensor | None = None) -> Tensor:
        """Return the log odds of a defect, (n, 1, rows, cols), from densities, (n, 3, rows, cols), alone."""
        del infrared
        features, stages = torch.exp(density * (-float(np.log(10)) / GAMMA)), list[Tensor]()
        for encoder in self.encoders:
            features = encoder(functional.max_pool2d(features, 2) if stages else features)
            stages.append(features)
        for doubling, decoder, stage in zip(self.doubling, self.decoders, stages[-2::-1], strict=True):
            features = decoder(torch.cat([doubling(features), stage], dim=1))
        log_odds: Tensor = self.head(features)
        return log_odds


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def draw_recipe_sheet(rng: np.random.Generator, size_px: int, sources: Sources) -> Sheet:
    """Draw a crop of a photograph under opaque artefacts, as densities of its display values.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all choices.
    size_px : int
        Rows and columns of the sheet.
    sources : Sources
        Outlines, and at least one photograph.
    """
    photo = sources.photos[int(rng.integers(len(sources.photos)))]
    shown = np.clip(photo_crop(rng, size_px, photo), 0, 1) ** np.float32(1 / GAMMA)
    cover = _overlay(rng, size_px, sources)
    ink = np.float32(1.0 if rng.uniform() < WHITE_SHARE else 0.0)
    shown = shown * (1 - cover[..., None]) + ink * cover[..., None]
    # Display values have 256 levels.
    light = (np.rint(shown * 255) / 255) ** np.float32(GAMMA)
    density = -np.log10(np.maximum(light, np.float32(BEND))).astype(np.float32)
    density = np.ascontiguousarray(density.transpose(2, 0, 1))
    return Sheet(density, cover > _OPAQUE, np.ones_like(cover), np.zeros_like(density))


def _overlay(rng: np.random.Generator, size_px: int, sources: Sources) -> Plane:
    """Return the opacity of the artefacts over a sheet, (size, size), 0..1."""
    recipe = replace(FrameRecipe(), damage=Damage(outlines=sources.outlines))
    patches = draw_damage((size_px, size_px), recipe, int(rng.integers(2**31)))
    cover: Plane = np.minimum(summed(patches, lambda _: 1 / _THINNEST, (size_px, size_px)), 1)
    return cover


def train(options: argparse.Namespace) -> Path:
    """Train until the hours are over, export the network and return the path of the model."""
    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    plan = PoolPlan(output / "pool", options.photos, options.artefacts, options.sheets, options.sheet_px, options.seed)
    with filled(plan, LEAST_SHEETS, fill) as pool:
        network, steps = _learn(pool, options, output)
    write_onnx(network, output / _MODEL)
    print(f"{output / _MODEL}: {steps} steps in {options.hours} h")
    return output / _MODEL


def fill(plan: PoolPlan, drawer: int = 0) -> None:
    """Draw sheets until the pool is full; runs in a process of its own."""
    cv2.setNumThreads(1)
    sources = load_sources(plan.photos, plan.artefacts, held_out=False)
    pool = Pool(plan)
    while (number := pool.next_number(drawer)) < plan.sheets:
        pool.put(draw_recipe_sheet(np.random.default_rng([plan.seed, 23, number]), plan.size_px, sources), drawer)


def _learn(pool: Pool, options: argparse.Namespace, output: Path) -> tuple[nn.Module, int]:
    learner, shelf = Learner(PlainUNet()), Shelf(pool)
    step, spent_s, losses = 0, 0.0, []
    with (output / "recipe.jsonl").open("a") as curve:
        while spent_s < 3600 * options.hours and step < options.steps:
            started_s = time.process_time()
            batch = draw_batch(np.random.default_rng([options.seed, 7, step]), shelf, options.crops, options.crop_px)
            rate = learning_rate(step, spent_s / (3600 * options.hours), options.rate)
            loss, _ = learner.step(batch, rate, bfloat16=options.bfloat16)
            losses.append(loss)
            step, spent_s = step + 1, spent_s + time.process_time() - started_s
            if step % 50 == 0:
                line = {"step": step, "seconds": round(spent_s), "loss": round(float(np.mean(losses[-50:])), 5)}
                curve.write(json.dumps(line) + "\n")
                curve.flush()
    return learner.averaged.network, step


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line (`sys.argv` if `arguments` is None)."""
    parser = argparse.ArgumentParser(prog="python -m training.recipe", description=__doc__)
    parser.add_argument("--hours", type=float, default=0.25, help="processor time of learning, without drawing")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (*.jpg)")
    parser.add_argument("--artefacts", type=Path, help="folder with outlines.json")
    parser.add_argument("--output", type=Path, required=True, help="folder for the curve and the model")
    add_options(parser, sheets=1000)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    train(parse())
