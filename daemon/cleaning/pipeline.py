"""Cleans one frame of the archive, from its raw file to a complete revision."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from filmscand.daemon.archive.decisions import changing, make_current
from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.frames.frame_folder import FrameFolder
from filmscand.daemon.archive.frames.metadata import (
    CleanedBy,
    access_tags,
    access_title,
    clean_tags,
    clean_title,
    original_title,
)
from filmscand.daemon.archive.frames.revisions import RevisionContent, StoredRevision
from filmscand.daemon.archive.frames.verify_frame import check_file
from filmscand.daemon.archive.records.sidecar import AccessRecord, FilmFrom, Revision, Sidecar, frame_record, utc_now
from filmscand.daemon.archive.revising import reopen
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.access_image import access_image
from filmscand.daemon.cleaning.access_tones import PictureProperties
from filmscand.daemon.cleaning.engine_options import using_models
from filmscand.daemon.cleaning.healing.command import Healer
from filmscand.daemon.cleaning.healing.frame import clean_capture
from filmscand.daemon.cleaning.recipe import Recipe, recipe_of
from filmscand.daemon.cleaning.turning import turned
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    DaemonError,
    FrameMissingError,
    IntegrityError,
    storing,
)
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, CleanRequest, CleanResult, ReportRecord, Role, StoredFile
from filmscand.daemon.station.configuration import Cleaning
from filmscand.drivers.base import Capture, CaptureInfo
from filmscand.drivers.files.reader import read_capture
from filmscand.ir import CleanReport
from filmscand.ir.report import Method


def clean_into_archive(
    archive: Archive, frame: FrameId, request: CleanRequest, cleaning: Cleaning | None = None
) -> CleanResult:
    """Clean an archived raw frame and write the result beside it, sidecar last.

    A second run with the same raw files, options and engine finds the earlier revision and changes nothing; any
    difference adds a revision. Raw files are only read.

    Parameters
    ----------
    cleaning : Cleaning, optional
        Which detector and models the station uses; the sensitivity comes from the request.

    Raises
    ------
    DriverError
        The raw file is not a film scan that can be read.
    FrameMissingError
        There is no raw file.
    IntegrityError
        The frame was cleaned before, and its raw files have changed since then.
    ModelUnusableError, HealerUnusableError
        The frame needs a model or a healer that the station names, and it cannot be used.
    HealerError
        The healer that the station names failed on this frame.
    TransientError
        The disk does not take the result now.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "total"):
        result = None
        while result is None:
            result = _clean(archive, frame, (request, cleaning or Cleaning()), seconds)
    return result.model_copy(update={"seconds": _rounded(seconds)}) if result.created else result


def _clean(
    archive: Archive, frame: FrameId, asked: tuple[CleanRequest, Cleaning], seconds: dict[str, float]
) -> CleanResult | None:
    """Clean a frame; return None if another process made a revision meanwhile, and nothing was written.

    A cluster may run a frame on two machines: when it has lost sight of the first, which still works.
    """
    request, cleaning = asked
    before = _complete(archive, frame)
    recipe = recipe_of(request, cleaning, before.drawn if before else None, models_may_be_gone=True)
    originals = request.originals or (before.originals if before else archive.stored_originals(frame))
    same = _same_revision(before, originals, recipe)
    if before is not None and same is not None:
        return make_current(archive, frame, same.number, request.film).result(created=False)
    _require_unchanged(archive, frame, before, originals)
    if before is not None and request.captured is None and before.capture.scanned:
        request = request.model_copy(update={"captured": before.capture})
    request = request.model_copy(update={"originals": originals})
    with using_models(cleaning):
        shown = before.orientation if before else UPRIGHT
        plan = _Plan(recipe, _newest(before) + 1, shown, Healer.of(cleaning))
        made = _make(archive.frame_folder(frame), request, plan, seconds)
    with changing(archive, frame):
        # A person may have decided something meanwhile.
        now = _complete(archive, frame)
        if _newest(now) != _newest(before):
            return None
        with _timed(seconds, "store"):
            reopen(archive, frame)
            stored = archive.store_revision(frame, made.content)
        seconds.update(stored.seconds)
        revision = _revision(made, stored, recipe, tuple(file.sha256 for file in originals), _rounded(seconds))
        with _timed(seconds, "sidecar"):
            sidecar = _sidecar(frame, request, originals, now, (made.capture, revision))
            archive.write_sidecar(frame, sidecar)
    return sidecar.result(created=True)


def _complete(archive: Archive, frame: FrameId) -> Sidecar | None:
    return archive.read_sidecar(frame) if archive.is_complete(frame) else None


def _newest(sidecar: Sidecar | None) -> int:
    return sidecar.latest.number if sidecar else 0


@dataclass(frozen=True, slots=True)
class _Plan:
    recipe: Recipe
    number: int
    shown: Orientation
    healer: Healer | None


@dataclass(frozen=True, slots=True)
class _Made:
    content: RevisionContent
    report: CleanReport
    capture: CaptureInfo
    access: AccessRecord


def _make(folder: FrameFolder, request: CleanRequest, plan: _Plan, seconds: dict[str, float]) -> _Made:
    frame, recipe, number = folder.frame, plan.recipe, plan.number
    with _timed(seconds, "read"):
        capture = _read(folder, request)
    with _timed(seconds, "clean"):
        cleaned = clean_capture(capture, recipe.engine_options, plan.healer)
    film, film_from = _film(request.film, capture.info)
    properties = PictureProperties(capture.info.linear, film, capture.icc_profile, capture.info.bits_per_sample)
    with _timed(seconds, "preview"):
        upright = Image.fromarray(access_image(cleaned.rgb, properties, capture.infrared))
        access = np.ascontiguousarray(turned(upright, plan.shown))
    titles = clean_title(frame, number), original_title(frame, "raw")
    tags = clean_tags(*titles, capture, CleanedBy(recipe.engine, recipe.options.sensitivity, recipe.options.healer))
    shown_tags = access_tags(access_title(frame, number), titles[0], capture)
    content = RevisionContent(number, cleaned.rgb, cleaned.defect_mask, access, tags, shown_tags)
    how = AccessRecord(
        inverted=film.is_negative, film_from=film_from, turn=plan.shown.turn, mirrored=plan.shown.mirrored
    )
    return _Made(content, cleaned.report, capture.info, how)


def _film(told: FilmKind, info: CaptureInfo) -> tuple[FilmKind, FilmFrom | None]:
    """Return the film to show and who said so. The technician goes first; the picture itself is never asked.

    A masked negative is orange, and so is a slide of a sunset or of a cat: of 18 photographs as hazy orange slides two
    thirds are orange throughout, of the same as negatives one quarter.
    """
    if told is not FilmKind.UNKNOWN:
        return told, FilmFrom.TECHNICIAN
    return (FilmKind.NEGATIVE, FilmFrom.FILE) if info.negative else (told, None)


def _read(folder: FrameFolder, request: CleanRequest) -> Capture:
    raw = folder.recorded(request.originals, Role.RAW) or folder.raw()
    infrared = folder.recorded(request.originals, Role.INFRARED)
    with storing(raw, "read"):
        capture = read_capture(raw, infrared, fourth_sample_is_infrared=request.fourth_sample_is_infrared)
    if request.captured is None:
        return capture
    return replace(capture, info=_as_captured(request.captured, capture.info))


def _as_captured(captured: CaptureInfo, read: CaptureInfo) -> CaptureInfo:
    """Return what the scanner told, with what only the stored files tell."""
    return captured.model_copy(
        update={
            "rows": read.rows,
            "cols": read.cols,
            "infrared_red_correlation": read.infrared_red_correlation,
            "icc_profile_sha256": read.icc_profile_sha256,
            "flags": tuple(dict.fromkeys((*captured.flags, *read.flags))),
        }
    )


def _revision(
    made: _Made, stored: StoredRevision, recipe: Recipe, inputs_sha256: tuple[str, ...], seconds: dict[str, float]
) -> Revision:
    return Revision(
        number=made.content.number,
        created_at=utc_now(),
        engine_version=recipe.engine.version,
        engine_code_sha256=recipe.engine.code_sha256,
        engine_models_sha256=recipe.engine.models_sha256,
        options=recipe.options,
        inputs_sha256=inputs_sha256,
        outcome=CleanOutcome.UNCLEANED if made.report.method is Method.NONE else CleanOutcome.CLEANED,
        report=ReportRecord.of(made.report),
        warnings=tuple(str(warning) for warning in made.report.warnings),
        seconds=seconds,
        files=stored.files,
        access=made.access,
    )


def _same_revision(before: Sidecar | None, originals: tuple[StoredFile, ...], recipe: Recipe) -> Revision | None:
    inputs_sha256 = tuple(file.sha256 for file in originals)
    revisions = before.revisions if before else ()
    return next(
        (one for one in revisions if one.inputs_sha256 == inputs_sha256 and recipe.made(one)),
        None,
    )


def _require_unchanged(
    archive: Archive, frame: FrameId, before: Sidecar | None, originals: tuple[StoredFile, ...]
) -> None:
    """Compare the files that are about to be read with their records: a revision must not hide their damage.

    Those of a frame that is cleaned again are read back from the disk, with its sidecar.
    """
    folder = archive.frame_folder(frame)
    if before is not None:
        archive.require_known_sidecars([frame])
    files = {file.name: file for file in (*(before.originals if before else ()), *originals)}
    for stored in files.values():
        folder.require_own(stored)
        problem = check_file(folder.path, stored, from_disk=before is not None)
        if problem is not None:
            raise _error_of(problem, folder, first=before is None)


def _error_of(problem: Problem, folder: FrameFolder, *, first: bool) -> DaemonError:
    """Return what to do about an original: a disk that is away or faulty may come back, damage stays."""
    if problem.kind is ProblemKind.MISSING and not folder.path.is_dir():
        return ArchiveUnwritableError(
            f"{folder.path}: expected the frame's folder, found none; is the archive mounted?"
        )
    if first and problem.kind is ProblemKind.MISSING:
        return FrameMissingError(str(problem))
    if first and problem.kind is ProblemKind.UNREADABLE:
        return ArchiveUnwritableError(str(problem))
    return IntegrityError(str(problem))


def _sidecar(
    frame: FrameId,
    request: CleanRequest,
    originals: tuple[StoredFile, ...],
    before: Sidecar | None,
    new: tuple[CaptureInfo, Revision],
) -> Sidecar:
    capture, revision = new
    if before is None:
        return Sidecar(
            frame=frame_record(frame),
            film=request.film,
            capture=capture,
            originals=originals,
            replaced_originals=request.replaced_originals,
            original_folder=request.original_folder,
            flags=request.flags,
            revisions=(revision,),
        )
    known = {file.sha256: file for file in before.originals}
    return before.model_copy(
        update={
            "capture": capture.model_copy(update={**(before.capture.model_extra or {}), **(capture.model_extra or {})}),
            "originals": tuple(_merged(known.get(file.sha256), file) for file in originals),
            "replaced_originals": request.replaced_originals or before.replaced_originals,
            "original_folder": request.original_folder or before.original_folder,
            "flags": request.flags,
            "revisions": (*before.revisions, revision),
        }
    ).with_current(revision.number, request.film)


def _merged(known: StoredFile | None, file: StoredFile) -> StoredFile:
    """Return a file's record with what only the earlier record of the same file tells."""
    if known is None:
        return file
    told = {name: value for name, value in file if value is not None}
    return known.model_copy(update=told)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[step] = time.perf_counter() - began


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {step: round(value, 4) for step, value in seconds.items()}
