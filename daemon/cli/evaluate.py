"""The command `filmscand evaluate`: measures pairs one by one, with progress on a terminal and JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmscand.daemon.cli.clean import ModelFile
from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import complain
from filmscand.daemon.cli.stations import AsJson
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.station.configuration import Cleaning
from filmscand.drivers.base import DriverError

if TYPE_CHECKING:
    from filmscand.daemon.evaluation.measure import MeasureSettings, PairScore
    from filmscand.daemon.evaluation.pairs import PairFiles

_NOT_INSTALLED = "not installed"
_COLUMNS = ("PSNR dB", "SSIM", "LPIPS", "F1", "precision", "recall", "IoU", "EMD", "EMD place", "found %", "seconds")


@dataclass(frozen=True, slots=True)
class PairResult:
    """Result of one pair: its measures, or an error."""

    pair: PairFiles
    score: PairScore | None
    error: str | None


def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Pairs: damaged/ and restored/, or NAME_restored.*.")],
    cleaned: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Measure pictures that another program cleaned.")
    ] = None,
    sensitivity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0: remove only certain dust; 1: remove everything suspicious.")
    ] = 0.5,
    difference: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Part of full scale that counts as damage where no mask is given."),
    ] = 0.04,
    tolerance: Annotated[
        int, typer.Option(min=0, metavar="PX", help="Distance by which a mask may be off, in precision, recall and F1.")
    ] = 0,
    detector_model: ModelFile = None,
    inpainting_model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure cleaning on pairs of damaged and restored pictures: PSNR, SSIM, and how well the mask fits."""
    from filmscand.daemon.cleaning.engine_options import options_of
    from filmscand.daemon.evaluation.measure import MeasureSettings
    from filmscand.daemon.evaluation.metrics import require_measures
    from filmscand.daemon.evaluation.pairs import find_pairs

    require_measures()
    cleaning = Cleaning(sensitivity=sensitivity, detector_model=detector_model, inpainting_model=inpainting_model)
    settings = MeasureSettings(options_of(cleaning), cleaned, difference, tolerance)
    results = _evaluate_all(find_pairs(folder), settings)
    _show(results, as_json=as_json)
    raise typer.Exit(Exit.of(sum(result.error is not None for result in results), len(results)))


def _evaluate_all(pairs: Sequence[PairFiles], settings: MeasureSettings) -> list[PairResult]:
    from filmscand.daemon.cli.screen.bars import add_bar, progress_bars

    results: list[PairResult] = []
    with progress_bars() as progress:
        bar = add_bar(progress, "measuring", len(pairs))
        for pair in pairs:
            bar.show(len(results), f"{len(results)} of {len(pairs)}", name=pair.name)
            results.append(_evaluate_one(pair, settings))
    return results


def _evaluate_one(pair: PairFiles, settings: MeasureSettings) -> PairResult:
    from filmscand.daemon.evaluation.measure import evaluate_pair
    from filmscand.ir import ImageError

    try:
        return PairResult(pair, evaluate_pair(pair, settings), None)
    except (DaemonError, DriverError, ImageError, OSError) as error:
        return PairResult(pair, None, message_of(error))


def _show(results: Sequence[PairResult], *, as_json: bool) -> None:
    from filmscand.daemon.evaluation.measure import mean_of
    from filmscand.daemon.evaluation.metrics import lpips_installed

    scores = [result.score for result in results if result.score is not None]
    if as_json:
        print_json(
            {
                "pairs": [_plain(result) for result in results],
                "mean": mean_of(scores) if scores else None,
                "lpips_installed": lpips_installed(),
            }
        )
        return
    for result in results:
        if result.error is not None:
            complain(result.error)
    columns = [Column("pair", Kind.NAME), *(Column(name, Kind.NUMBER) for name in _COLUMNS)]
    show_table(columns, list(_rows(results)))


def _plain(result: PairResult) -> dict[str, object]:
    pair = result.pair
    files = {"damaged": pair.damaged, "restored": pair.restored, "mask": pair.mask, "infrared": pair.infrared}
    return {"name": pair.name, **files, "error": result.error, "score": result.score}


def _rows(results: Sequence[PairResult]) -> Iterator[tuple[str, ...]]:
    from filmscand.daemon.evaluation.measure import mean_of

    scores = {result.pair.name: result.score for result in results if result.score is not None}
    for name, score in scores.items():
        yield name, *_row({field: getattr(score, field) for field in score.__dataclass_fields__})
    if len(scores) > 1:
        yield "mean", *_row(mean_of(scores.values()))


def _row(score: dict[str, float | None]) -> tuple[str, ...]:
    found, damaged = score["found"], score["damaged"]
    return (
        f"{_number(score['psnr_before_db'], 2)} > {_number(score['psnr_db'], 2)}",
        f"{_number(score['ssim_before'], 4)} > {_number(score['ssim'], 4)}",
        _NOT_INSTALLED
        if score["lpips"] is None
        else f"{_number(score['lpips_before'], 4)} > {_number(score['lpips'], 4)}",
        *(_number(score[name], 3) for name in ("f1", "precision", "recall", "iou")),
        *(_number(score[name], 4) for name in ("emd", "emd_place")),
        f"{_number(found and 100 * found, 2)} of {_number(damaged and 100 * damaged, 2)}",
        _number(score["seconds"], 2),
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or value != value else f"{value:.{digits}f}"
