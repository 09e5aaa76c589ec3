"""Runs a virtual scanner: the code of ``filmscand virtual-scanner`` and ``python -m filmscand.drivers.virtual``."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filmscand.drivers.base import DriverError
from filmscand.drivers.virtual.faults import Fault
from filmscand.drivers.virtual.film_slides import SIX_KINDS, file_magazine, film_magazine
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.server import DEFAULT_ADDRESS, VirtualScanner
from filmscand.film.kinds import KINDS

# "coolscan" is short for the newer of the two backends.
ALIASES = {"coolscan": "coolscan3"}


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """Settings of a virtual scanner.

    Attributes
    ----------
    model : str
        A name in `filmscand.drivers.virtual.models.MODELS`, or ``coolscan``.
    slides : int
        Number of slides in the magazine, >= 1.
    kinds : tuple of str
        Kinds of simulated slides, names in `filmscand.film.kinds.KINDS`; the magazine repeats them in this order.
    files : tuple of Path
        Film files to use as slides instead of simulated ones.
    rows_px, cols_px : int
        Size of a simulated slide at the scanner's highest resolution.
    faults : tuple of Fault
        Faults to simulate.
    address : str or None
        Loopback address; None uses the first free one from 127.0.0.2 on.
    time_scale : float
        Factor of a real scanner's times: 1 is as slow as a real scanner, 0 never waits.
    seed : int
        Seed of the first simulated slide, >= 0; the following slides count on.
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
    """Make the scanner that the settings describe, without starting it.

    Raises
    ------
    ValueError
        If a setting is invalid.
    DriverError
        If a film file cannot be read.
    """
    model = ALIASES.get(settings.model, settings.model)
    if model not in MODELS:
        raise ValueError(f"expected a model of {', '.join((*ALIASES, *MODELS))}; found {settings.model!r}")
    if unknown := sorted(set(settings.kinds) - set(KINDS)):
        raise ValueError(f"expected kinds of slides of {', '.join(KINDS)}; found {', '.join(map(repr, unknown))}")
    if settings.files:
        magazine = file_magazine(settings.files)
    else:
        shape_px = (settings.rows_px, settings.cols_px)
        magazine = film_magazine(model, settings.kinds, shape_px, slides=settings.slides, seed=settings.seed)
    return VirtualScanner(model, magazine, settings.faults, address=settings.address, time_scale=settings.time_scale)


def run_scanner(settings: ScannerSettings) -> None:
    """Run a scanner until SIGINT or SIGTERM; print the name by which SANE opens it."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    scanner = make_scanner(settings)
    try:
        scanner.start()
    except OSError as error:
        reason = error.strerror or error
        raise DriverError(f"{settings.address}: expected a free loopback address, found: {reason}") from error
    try:
        # One line each, so that the name stands whole on a terminal of 80 columns.
        print(f"{scanner.device}  ({settings.slides} slides)", flush=True)
        print(f"try: scanimage -A -d {scanner.device}", flush=True)
        ended.wait()
    finally:
        scanner.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the scanner."""
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
    parser = argparse.ArgumentParser(
        prog="python -m filmscand.drivers.virtual", description="Run a simulated film scanner on the network."
    )
    parser.add_argument("files", nargs="*", type=Path, help="film files with infrared to use as slides")
    parser.add_argument("--model", default=default.model, choices=[*ALIASES, *MODELS])
    parser.add_argument("--slides", type=int, default=default.slides)
    parser.add_argument("--kinds", default=",".join(default.kinds), help="kinds of slides, separated by commas")
    parser.add_argument("--rows", type=int, default=default.rows_px)
    parser.add_argument("--cols", type=int, default=default.cols_px)
    parser.add_argument("--fault", type=Fault.parse, action="append", default=[], help="kind@moment:slide/fraction")
    parser.add_argument("--address", default=default.address)
    parser.add_argument("--time-scale", type=float, default=default.time_scale, help="1 is real time, 0 never waits")
    parser.add_argument("--seed", type=int, default=default.seed)
    return parser
