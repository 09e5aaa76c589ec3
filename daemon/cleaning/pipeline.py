"""The way of one frame from the archive's raw file to a complete revision."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_jsonable_python

from filmscand.daemon.archive.metadata import clean_tags, clean_title, original_title
from filmscand.daemon.archive.revisions import RevisionContent
from filmscand.daemon.archive.sidecar import (
    CaptureRecord,
    Outcome,
    Revision,
    Role,
    Sidecar,
    StoredFile,
    frame_record,
    utc_now,
)
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.access_image import PictureProperties, access_image
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import Capture, CaptureInfo, InfraredOrigin
from filmscand.drivers.files.reader import read_capture
from filmscand.ir import VERSION, CleanOptions, CleanReport, clean_frame
from filmscand.ir.network.model_file import model_sha256
from filmscand.ir.report import Method

# How the layout of every frame begins that a scanner of ours delivered.
SCANNED: Final = "sane_"


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """What is asked of the pipeline for one frame.

    Attributes
    ----------
    originals : tuple of StoredFile
        What `Archive.copy_original` or `store_capture` gave; empty: the archive's files are hashed anew.
    flags : tuple of str
        Reason codes of what happened on the way in ("pair_timeout" ...), for the sidecar.
    fourth_sample_is_infrared : bool or None
        What the profile says about a fourth sample; None leaves it to the file.
    captured : CaptureRecord or None
        What a scanner told when it delivered the frame, for the files hold only a part of it.
    """

    options: CleanOptions = field(default_factory=CleanOptions)
    film: FilmKind = FilmKind.UNKNOWN
    originals: tuple[StoredFile, ...] = ()
    flags: tuple[str, ...] = ()
    fourth_sample_is_infrared: bool | None = None
    captured: CaptureRecord | None = None

    def recorded_options(self) -> dict[str, Any]:
        """Return everything asked for that decides how the result looks, as plain data."""
        way = {"film": str(self.film), "fourth_sample_is_infrared": self.fourth_sample_is_infrared}
        return {**asdict(self.options), **way, "models_sha256": self._named_models()}

    def _named_models(self) -> dict[str, str]:
        """Return the hashes of the models that are named: under the same name may lie another one by now."""
        named = {"detector": self.options.detector_model, "inpainting": self.options.inpainting_model}
        return {name: model_sha256(path) for name, path in named.items() if path is not None}


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What came of a frame; `created` is False where the same revision was there already."""

    frame: FrameId
    revision: int
    outcome: Outcome
    created: bool
    sidecar: Path
    files: tuple[StoredFile, ...]
    report: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


def clean_into_archive(archive: Archive, frame: FrameId, request: CleanRequest) -> FrameResult:
    """Clean an archived raw frame and write the result beside it, sidecar last.

    Done again with the same raw, options and engine it finds its own work and changes nothing; with anything else it
    adds a revision. Raw files are only read.

    Raises
    ------
    DriverError
        The raw file is no film scan that can be read.
    FrameMissingError
        There is no raw file.
    IntegrityError
        The frame was cleaned before, and its raw files are not as they were then.
    TransientError
        The disk does not take the result now.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "total"):
        originals = request.originals or archive.stored_originals(frame)
        before = archive.read_sidecar(frame) if archive.is_complete(frame) else None
        same = _same_revision(before, originals, request)
        if same is not None:
            return _result(archive, frame, same, created=False)
        _require_unchanged(archive, frame, before)
        if before is not None and request.captured is None and before.capture.layout.startswith(SCANNED):
            request = replace(request, captured=before.capture)
        made = _make(archive, frame, request, before.latest.number + 1 if before else 1, seconds)
        with _timed(seconds, "store"):
            stored = archive.store_revision(frame, made.content)
        seconds.update(stored.seconds)
        revision = Revision(
            number=made.content.number,
            created_at=utc_now(),
            engine_version=VERSION,
            options=request.recorded_options(),
            inputs_sha256=tuple(file.sha256 for file in originals),
            outcome=Outcome.UNCLEANED if made.report.method is Method.NONE else Outcome.CLEANED,
            report=to_jsonable_python(made.report.as_dict(), inf_nan_mode="null"),
            warnings=tuple(str(warning) for warning in made.report.warnings),
            seconds=_rounded(seconds),
            files=stored.files,
        )
        with _timed(seconds, "sidecar"):
            archive.write_sidecar(frame, _sidecar(frame, request, originals, before, (made.capture, revision)))
    return replace(_result(archive, frame, revision, created=True), seconds=_rounded(seconds))


@dataclass(frozen=True, slots=True)
class _Made:
    content: RevisionContent
    report: CleanReport
    capture: CaptureRecord


def _make(archive: Archive, frame: FrameId, request: CleanRequest, number: int, seconds: dict[str, float]) -> _Made:
    with _timed(seconds, "read"):
        capture = _read(archive, frame, request)
    with _timed(seconds, "clean"):
        cleaned = clean_frame(capture.rgb, capture.infrared, request.options)
    info = capture.info if request.captured is None else _as_captured(capture.info, request.captured)
    with _timed(seconds, "preview"):
        access = access_image(
            cleaned.rgb, PictureProperties(info.linear, request.film, info.icc_profile), capture.infrared
        )
    tags = clean_tags(clean_title(frame, number), original_title(frame, "raw"), info, request.options)
    content = RevisionContent(number, cleaned.rgb, cleaned.defect_mask, access, tags)
    return _Made(content, cleaned.report, CaptureRecord.of(info, capture.rgb))


def _read(archive: Archive, frame: FrameId, request: CleanRequest) -> Capture:
    raw = archive.raw_path(frame)
    infrared = archive.original_path(frame, Role.INFRARED)
    with storing(raw, "read"):
        return read_capture(raw, infrared, fourth_sample_is_infrared=request.fourth_sample_is_infrared)


def _as_captured(info: CaptureInfo, told: CaptureRecord) -> CaptureInfo:
    return replace(
        info,
        layout=told.layout,
        bits_per_sample=told.bits_per_sample,
        resolution_dpi=told.resolution_dpi,
        linear=told.linear,
        make=told.make,
        model=told.model,
        software=told.software,
        captured_at=told.captured_at,
        infrared_origin=InfraredOrigin(told.infrared_origin),
        flags=tuple(dict.fromkeys((*told.flags, *info.flags))),
    )


def _same_revision(before: Sidecar | None, originals: tuple[StoredFile, ...], request: CleanRequest) -> Revision | None:
    inputs = tuple(file.sha256 for file in originals)
    for revision in before.revisions if before else ():
        made_by = (revision.engine_version, revision.options, revision.inputs_sha256)
        if made_by == (VERSION, request.recorded_options(), inputs):
            return revision
    return None


def _require_unchanged(archive: Archive, frame: FrameId, before: Sidecar | None) -> None:
    """Read the raw files of a frame that is cleaned again back from the disk: a revision must not hide their damage."""
    for stored in before.originals if before else ():
        problem = archive.verify_original(frame, stored)
        if problem is not None:
            raise IntegrityError(str(problem))


def _sidecar(
    frame: FrameId,
    request: CleanRequest,
    originals: tuple[StoredFile, ...],
    before: Sidecar | None,
    new: tuple[CaptureRecord, Revision],
) -> Sidecar:
    capture, revision = new
    known = {file.sha256: file.original_name for file in (before.originals if before else ())}
    named = tuple(
        file.model_copy(update={"original_name": file.original_name or known.get(file.sha256)}) for file in originals
    )
    return Sidecar(
        frame=frame_record(frame),
        film=request.film,
        capture=capture,
        originals=named,
        flags=request.flags,
        revisions=(*(before.revisions if before else ()), revision),
    )


def _result(archive: Archive, frame: FrameId, revision: Revision, *, created: bool) -> FrameResult:
    return FrameResult(
        frame=frame,
        revision=revision.number,
        outcome=revision.outcome,
        created=created,
        sidecar=archive.sidecar_path(frame),
        files=revision.files,
        report=revision.report,
        warnings=revision.warnings,
        seconds=revision.seconds,
    )


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds[step] = time.perf_counter() - began


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {step: round(value, 4) for step, value in seconds.items()}
