"""How fast `filmscand import` takes a tree of mixed layouts into an archive: `python -m bench.importing`.

Small files show what each file costs besides its bytes, large ones how fast bytes are hashed and copied. The program is
run as a person runs it, without a service beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import yaml
from PIL import Image
from rich.console import Console

from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import save_figures
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import load_station

_ROLL_FRAMES = 36
_SMALL, _LARGE = (60, 90), (2000, 3000)
Planes = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Passage:
    """One import: its files, frames and bytes, its seconds, and those of the second one, where every file is known."""

    name: str
    files: int
    frames: int
    bytes: int
    seconds: float
    again_s: float


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.importing", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="number of small files")
    parser.add_argument("--large", type=int, default=40, help="number of large files")
    parser.add_argument("--folder", type=Path, help="folder for the archive, to measure its disk")
    options = parser.parse_args()
    console = Console(highlight=False)
    passages = []
    for name, files, shape in (("small", options.files, _SMALL), ("large", options.large, _LARGE)):
        with tempfile.TemporaryDirectory(prefix="filmscand-importing-", dir=options.folder) as place:
            with console.status(f"writing {files} {name} files"):
                size_bytes = write_campaign(Path(place, "campaign"), files, shape)
            with console.status(f"importing {files} {name} files"):
                passages.append(_measure(Path(place), name, size_bytes))
    table = import_table(passages)
    console.print(table.for_terminal())
    save_figures("importing", [table])


def write_campaign(root: Path, files: int, shape: tuple[int, int]) -> int:
    """Write a number of files, mixed layouts in folders of a film each; return their size in bytes."""
    random = np.random.default_rng(1)
    written, roll = 0, 0
    while written < files:
        roll += 1
        folder = root / f"box {1 + roll // 50}" / f"roll {roll}"
        folder.mkdir(parents=True)
        for number in range(_ROLL_FRAMES):
            if written >= files:
                break
            planes = random.integers(1000, 60000, (*shape, 4), dtype=np.uint16)
            written += _LAYOUTS[number % len(_LAYOUTS)](folder / f"scan{number}.tif", planes)
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def _write_rgbi(path: Path, planes: Planes) -> int:
    tifffile.imwrite(path, planes, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None)
    return 1


def _write_pair(path: Path, planes: Planes) -> int:
    tifffile.imwrite(path, planes[..., :3].copy(), photometric="rgb", metadata=None)
    tifffile.imwrite(path.with_name(f"{path.stem}_ir.tif"), planes[..., 3].copy(), photometric="minisblack")
    return 2


def _write_picture(path: Path, planes: Planes) -> int:
    tifffile.imwrite(path, planes[..., :3].copy(), photometric="rgb", metadata=None)
    return 1


def _write_jpeg(path: Path, planes: Planes) -> int:
    Image.fromarray((planes[..., :3] >> 8).astype(np.uint8)).save(path.with_suffix(".jpg"))
    return 1


_LAYOUTS: tuple[Callable[[Path, Planes], int], ...] = (_write_rgbi, _write_pair, _write_picture, _write_jpeg)


def _measure(place: Path, name: str, size_bytes: int) -> Passage:
    config = place / "station.yaml"
    config.write_text(yaml.safe_dump({"root": str(place / "station"), "page": {"enabled": False}}))
    connect_station(load_station(config)).close()
    seconds, answer = _import(config, place / "campaign")
    again_s, again = _import(config, place / "campaign")
    if again["counts"]["imported"]:
        raise SystemExit(f"imported twice: {again['counts']}")
    return Passage(name, answer["counts"]["imported"], answer["frames"], size_bytes, seconds, again_s)


def _import(config: Path, folder: Path) -> tuple[float, dict[str, Any]]:
    command = [sys.executable, "-m", "filmscand.daemon.cli", "import", str(folder), "--config", str(config), "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - began, json.loads(done.stdout)


def import_table(passages: list[Passage]) -> FigureTable:
    """Return the figures of the imports, a row each."""
    return FigureTable(
        title=f"import of mixed layouts, {len(os.sched_getaffinity(0))} cores",
        columns=columns(
            "files of",
            ("files", 0),
            ("frames", 0),
            ("MB", 0),
            ("seconds", 1),
            ("files/s", 1),
            ("MB/s", 1),
            ("again, s", 1),
        ),
        rows=tuple(
            (
                f"{one.bytes / one.files / 1e6:.2f} MB",
                one.files,
                one.frames,
                one.bytes / 1e6,
                one.seconds,
                one.files / one.seconds,
                one.bytes / one.seconds / 1e6,
                one.again_s,
            )
            for one in passages
        ),
    )


if __name__ == "__main__":
    main()
