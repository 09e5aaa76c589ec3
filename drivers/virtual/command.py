"""What ``filmscand virtual-scanner`` and ``python -m drivers.virtual`` start."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filmscand.drivers.virtual.faults import Fault
from filmscand.drivers.virtual.film_slides import SIX_KINDS, file_magazine, film_magazine
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.server import DEFAULT_ADDRESS, VirtualScanner

# The name of the family stands for its newer member.
ALIASES = {"coolscan": "coolscan3"}


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """What the virtual scanner shall be.

    Attributes
    ----------
    model : str
        One of `filmscand.drivers.virtual.models.MODELS`, or ``coolscan``.
    slides : int
        How many slides are in the magazine.
    kinds : tuple of str
        Kinds of slides, in turn; names of `filmscand.film.kinds.KINDS`.
    files : tuple of Path
        Film files to take instead of simulated slides.
    rows_px, cols_px : int
        Size of a simulated slide.
    faults : tuple of Fault
        What shall go wrong.
    address : str or None
        Loopback address; None takes the first free one from 127.0.0.2 on.
    time_scale : float
        1 is as slow as a real scanner, 0 as fast as the line.
    seed : int
        Seed of the first simulated slide.
    """

    model: str = "coolscan3"
    slides: int = 6
    kinds: tuple[str, ...] = SIX_KINDS
    files: tuple[Path, ...] = ()
    rows_px: int = 1200
    cols_px: int = 1800
    faults: tuple[Fault, ...] = ()
    address: str | None = DEFAULT_ADDRESS
    time_scale: float = 0.0
    seed: int = 1


def make_scanner(settings: ScannerSettings) -> VirtualScanner:
    """Make the scanner that the settings describe; `VirtualScanner.start` sets it going.

    Raises
    ------
    ValueError
        If a setting is none.
    DriverError
        If a file cannot be read.
    """
    model = ALIASES.get(settings.model, settings.model)
    if settings.files:
        magazine = file_magazine(settings.files)
    else:
        shape_px = (settings.rows_px, settings.cols_px)
        magazine = film_magazine(model, settings.kinds, shape_px, slides=settings.slides, seed=settings.seed)
    return VirtualScanner(model, magazine, settings.faults, address=settings.address, time_scale=settings.time_scale)


def run_scanner(settings: ScannerSettings) -> None:
    """Run a scanner until SIGINT or SIGTERM, telling where it is."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with make_scanner(settings) as scanner:
        print(f"{scanner.device}  ({settings.slides} slides; try: scanimage -A -d {scanner.device})", flush=True)
        ended.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run_scanner(_settings(_parser().parse_args(arguments)))


def _settings(parsed: argparse.Namespace) -> ScannerSettings:
    return ScannerSettings(
        model=parsed.model,
        slides=len(parsed.files) or parsed.slides,
        kinds=tuple(parsed.kinds.split(",")),
        files=tuple(parsed.files),
        rows_px=parsed.rows,
        cols_px=parsed.cols,
        faults=tuple(parsed.fault),
        address=parsed.address,
        time_scale=parsed.time_scale,
        seed=parsed.seed,
    )


def _parser() -> argparse.ArgumentParser:
    default = ScannerSettings()
    parser = argparse.ArgumentParser(prog="python -m drivers.virtual", description="A film scanner on the network.")
    parser.add_argument("files", nargs="*", type=Path, help="film files with infrared to take for slides")
    parser.add_argument("--model", default=default.model, choices=[*ALIASES, *MODELS])
    parser.add_argument("--slides", type=int, default=default.slides)
    parser.add_argument("--kinds", default=",".join(default.kinds), help="kinds of slides, with commas between")
    parser.add_argument("--rows", type=int, default=default.rows_px)
    parser.add_argument("--cols", type=int, default=default.cols_px)
    parser.add_argument("--fault", type=Fault.parse, action="append", default=[], help="kind@moment:slide/fraction")
    parser.add_argument("--address", default=default.address)
    parser.add_argument("--time-scale", type=float, default=default.time_scale, help="1 is real time, 0 no waiting")
    parser.add_argument("--seed", type=int, default=default.seed)
    return parser
