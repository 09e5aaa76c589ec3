"""The sidecar of a frame: what it was made from, how it was cleaned, and the hash of every file.

`schema_version` says which fields a reader can rely on and what they mean. A new optional field keeps the number; the
number rises where a field becomes mandatory, changes its meaning or takes a value that a reader may not know. This
version reads its own number, with fields that it does not know, and every older number (`sidecar_migrations`). It
refuses a newer number. Fields that it does not know are written again as they were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from filmscand.daemon.archive.files.atomic_file import Digest
from filmscand.daemon.archive.records.sidecar_migrations import SCHEMA_VERSION, migrated
from filmscand.daemon.core.decision import Decision, Drawn, Outline, Settings, UtcTime, drawn_areas, verdict_of
from filmscand.daemon.core.description.orientation import Orientation, Turn
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, CleanResult, Record, ReportRecord, Role, StoredFile
from filmscand.drivers.base import CaptureInfo

# Most frames have nothing to say here; their sidecars stay as earlier versions wrote them.
_RARE: Final = ("replaced_originals", "original_folder", "decisions", "wanted", "current_revision", "description")


class FrameRecord(Record):
    """The name of the frame."""

    collection: str
    box: str
    roll: str
    number: int


class EngineOptions(Record):
    """The engine's options; see `filmscand.ir.CleanOptions`.

    Attributes
    ----------
    healer : str or None
        The command that filled the defects in place of the engine. What it does is not told by the engine's identity.
    """

    sensitivity: float = 0.5
    detector: str = "auto"
    detector_model: str | None = None
    inpainting_model: str | None = None
    excluded: tuple[Outline, ...] = ()
    marked: tuple[Outline, ...] = ()
    healer: str | None = None

    @model_serializer(mode="wrap")
    def _without_empty(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        # On most frames nothing is drawn, and the engine heals; their records stay as earlier versions wrote them.
        written = write(self)
        return {name: value for name, value in written.items() if value or name not in ("excluded", "marked", "healer")}


class RevisionOptions(EngineOptions):
    """Everything in a request that decides how the result looks.

    Attributes
    ----------
    film : FilmKind
        The film, as the technician told it.
    fourth_sample_is_infrared : bool or None
        What the watch's profile says about a fourth sample.
    models_sha256 : dict of str to str
        Digest of each model file, and of its card, that the configuration names; the names alone tell nothing, for
        another file may lie under the same name by now. The models that come with the engine are not named here.
    """

    film: FilmKind = FilmKind.UNKNOWN
    fourth_sample_is_infrared: bool | None = None
    models_sha256: dict[str, str] = Field(default_factory=dict)


class FilmFrom(StrEnum):
    """Who said what the film is: the technician, or the file that was taken up."""

    TECHNICIAN = "technician"
    FILE = "file"


class AccessRecord(Record):
    """How the access image shows the film.

    Attributes
    ----------
    inverted : bool
        Whether it was shown as a negative.
    film_from : FilmFrom or None
        None where nobody said which film it is; then it is shown as a positive.
    turn, mirrored : int and bool
        How it was turned when it was made; what is shown of it is turned by the rest.
    """

    inverted: bool
    film_from: FilmFrom | None = None
    turn: Turn = 0
    mirrored: bool = False

    @model_serializer(mode="wrap")
    def _without_upright(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        # Most are upright; their records stay as earlier versions wrote them.
        return {name: value for name, value in write(self).items() if value or name not in ("turn", "mirrored")}


class Revision(Record):
    """One cleaning of a frame: a pure function of the inputs, the options and the engine.

    Attributes
    ----------
    number : int
        From 1; revision 1 has `r01` in the names of its files.
    engine_version : str
        Version of filmscand ("1" for every engine of schema 1).
    engine_code_sha256, engine_models_sha256 : str or None
        Identity of the engine; see `filmscand.ir.identity.EngineIdentity`. None: an engine that did not tell, which
        counts as another one than any that does.
    inputs_sha256 : tuple of str
        Digests of the originals that the engine read, raw file first.
    warnings : tuple of str
        Caution codes of the engine.
    seconds : dict of str to float
        Wall time of each step of the service, seconds.
    files : tuple of StoredFile
        The cleaned picture, the defect mask and the access image.
    access : AccessRecord or None
        How the access image shows the film; None where an earlier version made it.
    """

    number: int = Field(ge=1)
    created_at: UtcTime
    engine_version: str
    engine_code_sha256: str | None = None
    engine_models_sha256: str | None = None
    options: RevisionOptions
    inputs_sha256: tuple[str, ...]
    outcome: CleanOutcome
    report: ReportRecord
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    files: tuple[StoredFile, ...]
    access: AccessRecord | None = None

    @property
    def orientation(self) -> Orientation:
        """How its access image is turned."""
        return Orientation() if self.access is None else Orientation(self.access.turn, self.access.mirrored)

    @property
    def drawn(self) -> Drawn:
        """The areas that were drawn when it was made."""
        return Drawn(self.options.excluded, self.options.marked)

    @property
    def engine(self) -> str:
        """Label of the engine; the version alone where the engine did not tell its code."""
        if self.engine_code_sha256 is None or self.engine_models_sha256 is None:
            return self.engine_version
        # Commands that clean nothing do not load the package of the engine.
        from filmscand.ir.identity import EngineIdentity

        return EngineIdentity(self.engine_version, self.engine_code_sha256, self.engine_models_sha256).label

    @property
    def made_from(self) -> str:
        """Digest of the inputs, the engine and the options, without the areas that people drew."""
        return made_from(recipe_digest(self.engine, self.options), self.inputs_sha256)

    def result(self, *, created: bool) -> CleanResult:
        """Return what the queue stores of this revision; see `CleanResult` for `created`."""
        return CleanResult(
            engine=self.engine,
            made_from=self.made_from,
            revision=self.number,
            created=created,
            outcome=self.outcome,
            warnings=self.warnings,
            seconds=self.seconds,
            report=self.report,
        )


class Sidecar(Record):
    """The content of `<stem>.json`.

    Attributes
    ----------
    film : FilmKind
        The film, as the technician told it.
    capture : CaptureInfo
        How the frame was captured.
    originals : tuple of StoredFile
        The raw file, then the infrared file where there is one.
    replaced_originals : tuple of StoredFile
        Earlier infrared files that another one took the place of; `inputs_sha256` tells which revision used which.
    original_folder : str or None
        Folder of the picture below its watch folder; None where the roll record names the folder, or there is none.
    flags : tuple of str
        Reason codes of what happened before cleaning.
    revisions : tuple of Revision
        One for each cleaning, oldest first.
    decisions : tuple of Decision
        What people decided about the frame, oldest first.
    wanted : Settings or None
        With what the frame is to be cleaned once more, because of a decision; None where no cleaning waits.
    current_revision : int or None
        Number of the revision that counts; None: the newest. An undo leads back to an earlier one.
    description : Description or None
        What people wrote about the frame, and which way up it is shown.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    frame: FrameRecord
    film: FilmKind
    capture: CaptureInfo
    originals: tuple[StoredFile, ...]
    replaced_originals: tuple[StoredFile, ...] = ()
    original_folder: str | None = None
    flags: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = Field(min_length=1)
    decisions: tuple[Decision, ...] = ()
    wanted: Settings | None = None
    current_revision: int | None = None
    description: Description | None = None

    @property
    def frame_id(self) -> FrameId:
        """The frame."""
        return FrameId(self.frame.collection, self.frame.box, self.frame.roll, self.frame.number)

    @property
    def latest(self) -> Revision:
        """The newest revision."""
        return self.revisions[-1]

    @property
    def current(self) -> Revision:
        """The revision that counts."""
        return next((one for one in self.revisions if one.number == self.current_revision), self.latest)

    @property
    def orientation(self) -> Orientation:
        """Which way up the frame is shown."""
        return Orientation() if self.description is None else self.description.orientation

    @property
    def drawn(self) -> Drawn:
        """The areas that are in force, for the next revision."""
        return drawn_areas(self.decisions)

    def files_of(self, revision: Revision) -> dict[Role, StoredFile]:
        """Return the files that a revision was made from or consists of."""
        files = [*revision.files, *self.replaced_originals, *self.originals]
        # A frame whose infrared came later has revisions of both.
        used = (one for one in files if one.role is not Role.INFRARED or one.sha256 in revision.inputs_sha256)
        return {one.role: one for one in used}

    def is_inverted(self, revision: Revision) -> bool:
        """Return whether a revision is shown as a negative."""
        if revision.access is not None:
            return revision.access.inverted
        return self.film.is_negative or bool(self.capture.negative)

    def with_current(self, number: int, film: FilmKind) -> Sidecar:
        """Return the sidecar with the revision that counts now, and no cleaning that waits."""
        pointer = None if number == self.latest.number else number
        return self.model_copy(update={"current_revision": pointer, "wanted": None, "film": film})

    def result(self, *, created: bool) -> CleanResult:
        """Return what the queue stores of the revision that counts."""
        verdict = verdict_of(self.decisions, self.current.number)
        told = {"verdict": verdict and str(verdict), "description": self.description}
        return self.current.result(created=created).model_copy(update=told)

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Every file of the frame except the sidecar itself."""
        return (
            self.originals
            + self.replaced_originals
            + tuple(file for revision in self.revisions for file in revision.files)
        )

    def to_json(self) -> bytes:
        """Return the canonical bytes: sorted keys, two spaces, UTF-8, a newline at the end."""
        rare = {name for name in _RARE if not getattr(self, name)}
        plain = json.loads(self.model_dump_json(exclude=rare))
        for record, name in ((plain["capture"], "negative"), *((one, "access") for one in plain["revisions"])):
            if record[name] is None:
                del record[name]
        return (json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, name: str) -> Sidecar:
        """Read a sidecar of this schema or an older one.

        Parameters
        ----------
        name : str
            The file, for the error message.

        Raises
        ------
        SchemaTooNewError
            A newer filmscand wrote it.
        IntegrityError
            It is no sidecar.
        """
        try:
            return cls.model_validate(migrated(json.loads(content), name))
        except ValueError as error:
            found = error if isinstance(error, ValidationError) else f"no JSON object of a known schema: {error}"
            raise IntegrityError(
                f"{name}: expected a sidecar of schema {SCHEMA_VERSION} or older, found: {found}"
            ) from error


def stored_file(role: Role, path: Path, digest: Digest, original_name: str | None = None) -> StoredFile:
    """Return the record of a file that was published with these hashes."""
    return StoredFile(role=role, name=path.name, original_name=original_name, **asdict(digest))


def recipe_digest(engine: str, options: RevisionOptions) -> str:
    """Return a digest of an engine's label and of options; drawn areas are left out.

    A decision that draws an area has its frame cleaned. A frame that nothing is being done with was therefore cleaned
    with its areas, and the database, which does not know them, can tell whether it has to be cleaned again.
    """
    plain = options.model_dump(mode="json", exclude={"excluded", "marked"})
    return hashlib.sha256(json.dumps([engine, plain], sort_keys=True).encode()).hexdigest()


def made_from(recipe: str, inputs_sha256: Iterable[str]) -> str:
    """Return the digest of a recipe (`recipe_digest`) and of the originals that it is applied to."""
    return hashlib.sha256(" ".join((recipe, *inputs_sha256)).encode()).hexdigest()


def frame_record(frame: FrameId) -> FrameRecord:
    """Return the name of a frame for its sidecar."""
    return FrameRecord(collection=frame.collection, box=frame.box, roll=frame.roll, number=frame.number)


def utc_now() -> datetime:
    """Return the time, to the millisecond, in UTC."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
