"""One scanning session from its first slide to its last, whatever the scanner does in between.

    [reserve the number] -> scan -> [note the capture] -> archive, sync -> [queue for cleaning] -> next slide

Each bracket is one transaction. After an interruption, a slide whose picture is not in the archive is scanned again
under the same number; a slide whose picture is there is queued by the service that continues the session.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.records.known import memory_in
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, Fault, TransientError, whose
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role, StoredFile
from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.frames import SourceFile, find_job
from filmscand.daemon.database.identity import identity_of
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, Session, SessionFrame, SessionState, Taken
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.scanning.capture_checks import Suspicion, suspicions
from filmscand.daemon.scanning.recovery import SessionOverError, SessionRecovery, SessionStoppedError, SlideSkippedError
from filmscand.daemon.station.logs import frame_in_logs
from filmscand.drivers.base import Capture, DriverError
from filmscand.drivers.files.reader import read_capture
from filmscand.drivers.scanner.errors import ScannerError, ScannerSetupError, SlideFate
from filmscand.drivers.scanner.protocol import Capabilities, Scanner, ScanRequest
from filmscand.drivers.scanner.recipes import FeederWay
from filmscand.drivers.scanner.same_slide import Fingerprint

log = logging.getLogger(__name__)

AFTER_INTERRUPTION = "after_interruption"
OTHER_POSITION = (
    "Nothing is stored yet. Cancel, and choose other frames by --positions (--first only says how they are numbered); "
    "`filmscand session skip` leaves this one out; `filmscand session resume` keeps it all the same."
)
PUT_RIGHT = "Put this right, then go on."
NEXT_SLIDE = "Put the next slide in, then go on."


@dataclass(frozen=True, slots=True)
class SessionTools:
    """What every session of a station works with.

    Attributes
    ----------
    on_queued : callable
        Called when a frame was queued.
    open_scanner : callable
        Makes the scanner of this name; its process starts with the first question to it.
    """

    database: Path
    archive: Path
    timing: ScanTiming
    on_queued: Callable[[], None]
    open_scanner: Callable[[str], Scanner]


class SessionRun:
    """Runs one session, on a thread of its own.

    Parameters
    ----------
    session : Session
        The session, as found.
    tools : SessionTools
        What it works with.
    connection : sqlite3.Connection
        Connection of this thread.
    scanner : Scanner
        The session's scanner.
    stop : threading.Event
        Set when the service stops.
    """

    def __init__(
        self,
        session: Session,
        tools: SessionTools,
        connection: sqlite3.Connection,
        scanner: Scanner,
        stop: threading.Event,
    ) -> None:
        self._id = session.session_id
        self._plan: ScanPlan = session.plan
        self._on_queued = tools.on_queued
        self._connection = connection
        self._sessions = Sessions(connection)
        self._recovery = SessionRecovery(session, connection, tools.timing, stop)
        self._archive = Archive(tools.archive, identity_of(connection), memory_in(connection))
        self._scanner = scanner
        self._last: Fingerprint | None = None
        self._made: set[FrameId] = set()
        self._interrupted = False
        self._chooses_positions = False

    def run(self) -> None:
        """Scan until the session is over.

        Raises
        ------
        SessionStoppedError
            The service stops; all captured slides are in the archive.
        sqlite3.Error
            The database does not answer; a second run continues where this one stopped.
        """
        try:
            self._scan_all()
        except SessionOverError as over:
            self._end(over)
        except (SessionStoppedError, sqlite3.Error):
            raise
        except Exception as error:
            self._call_person(error)

    def _call_person(self, error: Exception) -> None:
        """Halt: the error would come again with the next slide, or a slide might pass at each new try."""
        if whose(error) is Fault.FRAME:
            log.exception("session %d: unexpected error", self._id)
            self._sessions.move(self._id, SessionState.ATTENTION, f"{type(error).__name__}: {error}")
        else:
            log.error("session %d halts: %s", self._id, message_of(error))
            self._sessions.move(self._id, SessionState.ATTENTION, message_of(error), PUT_RIGHT)

    def _scan_all(self) -> None:
        self._continue()
        self._unless_skipped(self._recovery.obey_requests)
        request, by_hand = self._ready()
        while not self._all_taken():
            self._unless_skipped(self._recovery.obey_requests)
            self._unless_skipped(lambda: self._take(request))
            if by_hand and not self._all_taken():
                self._recovery.halt(SessionState.PAUSED, self._score(), NEXT_SLIDE)
        raise SessionOverError(FinishReason.COMPLETE)

    def _unless_skipped(self, action: Callable[[], None]) -> None:
        """Run an action; if a person skips the slide that halts it, note the slide as lost."""
        try:
            action()
        except SlideSkippedError as skipped:
            frame = self._sessions.frames(self._id)[-1]
            if frame.taken is Taken.RESERVED:
                log.warning("slide %d is skipped: %s", frame.position, skipped)
                self._recovery.retry_until_stored(lambda: self._archive.discard_unfinished(self._frame_id(frame)))
                self._sessions.lose(self._id, frame, f"skipped: {skipped}")

    def _end(self, over: SessionOverError) -> None:
        for frame in self._sessions.frames(self._id):
            if frame.taken is Taken.RESERVED:
                self._free_number(frame)
        self._sessions.finish(self._id, over.reason, over.message, over.advice)
        level = logging.ERROR if over.reason is FinishReason.FAILED else logging.INFO
        log.log(level, "session %d is over: %s, %s %s", self._id, over.reason, self._score(), over.message)

    def _continue(self) -> None:
        """Continue where an earlier service was interrupted."""
        frames = self._sessions.frames(self._id)
        if not frames:
            return
        self._interrupted = True
        if frames[-1].taken is Taken.RESERVED:
            self._settle_unfinished(frames[-1])
        else:
            # A kill may have come between making the next frame's folder and reserving its number.
            following = self._plan.frame(frames[-1].number + 1)
            self._recovery.retry_until_stored(lambda: self._archive.release(following))
        captured = [frame for frame in self._sessions.frames(self._id) if frame.taken is Taken.CAPTURED]
        picture = None
        if captured:
            raw = self._recovery.retry_until_stored(lambda: self._raw(self._frame_id(captured[-1])))
            picture = read_capture(raw).rgb
            self._last = Fingerprint.of(picture)
        self._scanner.resume_after(picture)
        log.info("session %d of roll %s continues: %s", self._id, self._plan.roll, self._score())

    def _settle_unfinished(self, frame: SessionFrame) -> None:
        """Queue the reserved frame if its files are stored; else remove what is left of it and scan the slide again."""
        frame_id, retry_until_stored = self._frame_id(frame), self._recovery.retry_until_stored
        if retry_until_stored(lambda: self._archive.find_original(frame_id, Role.RAW)) is None:
            retry_until_stored(lambda: self._archive.discard_unfinished(frame_id))
            return
        job = None if frame.job_id is None else find_job(self._connection, frame.job_id)
        assert job is not None
        self._enqueue(frame, retry_until_stored(lambda: self._archive.stored_originals(frame_id)), job.request)

    def _ready(self) -> tuple[ScanRequest, bool]:
        """Open the scanner; return the scan request and whether a person has to change the slides."""
        self._sessions.move(self._id, SessionState.WARMING)
        while True:
            try:
                found = self._scanner.capabilities()
                _require_positions(self._plan, found)
                self._chooses_positions = found.feeder == FeederWay.FRAME
                return _scan_request(self._plan, found), found.feeder == FeederWay.NONE
            except ScannerError as error:
                self._recovery.handle(error)

    def _all_taken(self) -> bool:
        taken = sum(frame.taken is not Taken.RESERVED for frame in self._sessions.frames(self._id))
        return self._plan.frames is not None and taken >= self._plan.frames

    def _take(self, request: ScanRequest) -> None:
        """Scan and store the next slide, or note it as lost if the scanner has moved past it."""
        self._recovery.retry_until_stored(self._archive.require_present)
        session = self._sessions.find(self._id)
        reserve = self._sessions.reserve
        frame = self._recovery.retry_until_stored(lambda: reserve(session, self._take_number, self._cleaning))
        with frame_in_logs(self._frame_id(frame)):
            capture = self._capture(request, frame)
            if capture is not None:
                self._recovery.reset()
                self._keep(frame, capture)

    def _capture(self, request: ScanRequest, frame: SessionFrame) -> Capture | None:
        while True:
            self._sessions.move(self._id, SessionState.SCANNING)
            try:
                return self._scanner.capture(request, frame.position)
            except ScannerError as error:
                passed = error.slide is SlideFate.PASSED
                if passed:
                    log.error("slide %d is lost, the scanner has moved past it: %s", frame.position, error)
                    self._sessions.lose(self._id, frame, str(error))
                    self._free_number(frame)
                self._recovery.handle(error)
                if passed:
                    return None

    def _keep(self, frame: SessionFrame, capture: Capture) -> None:
        frame_id = self._frame_id(frame)
        flags = self._flags(capture)
        if self._known_picture(frame, capture):
            flags = tuple(dict.fromkeys((*flags, str(Suspicion.SAME_SLIDE))))
        request = self._cleaning.model_copy(update={"flags": flags, "captured": capture.info})
        self._sessions.note_capture(frame, request)
        stored = self._recovery.retry_until_stored(lambda: self._archive.store_capture(frame_id, capture))
        self._enqueue(frame, stored, request)
        log.info("slide %d captured%s", frame.position, f": {', '.join(flags)}" if flags else "")

    def _known_picture(self, frame: SessionFrame, capture: Capture) -> bool:
        """Return whether the roll has the picture already, from the same position; a person decides whether to keep it.

        Only of strips and holders: the slides in a feeder are others each time.
        """
        if not self._chooses_positions:
            return False
        session, this = self._sessions.find(self._id), Fingerprint.of(capture.rgb)
        for number in self._sessions.at_this_position(session, frame.position):
            known = self._plan.frame(number)
            try:
                same = this.same_slide(Fingerprint.of(read_capture(self._archive.frame_folder(known).raw()).rgb))
            except (DaemonError, DriverError, OSError) as error:
                log.warning("%s: cannot be compared: %s", known, error)
                continue
            if same:
                message = f"position {frame.position} shows the picture that the roll has as {known}"
                self._recovery.halt(SessionState.ATTENTION, message, OTHER_POSITION)
                return True
        return False

    def _flags(self, capture: Capture) -> tuple[str, ...]:
        before, self._last = self._last, Fingerprint.of(capture.rgb)
        # If the scanner moves by itself, a slide may have passed while no service ran.
        late = [AFTER_INTERRUPTION] if self._interrupted else []
        self._interrupted = False
        return (*map(str, suspicions(capture, self._last, before)), *late)

    def _enqueue(self, frame: SessionFrame, stored: tuple[StoredFile, ...], request: CleanRequest) -> None:
        sources = [SourceFile(str(file.role), file.sha256, file.size_bytes, file.name) for file in stored]
        self._sessions.keep(self._id, frame, sources, request.model_copy(update={"originals": stored}))
        self._on_queued()

    def _raw(self, frame: FrameId) -> Path:
        self._archive.require_present()
        return self._archive.frame_folder(frame).raw()

    def _take_number(self, frame: FrameId) -> bool:
        """Make the frame's folder; one that this run made for a transaction that failed is taken once more."""
        taken = frame in self._made or self._archive.reserve(frame)
        if taken:
            self._made.add(frame)
        return taken

    def _free_number(self, frame: SessionFrame) -> None:
        frame_id = self._frame_id(frame)
        self._made.discard(frame_id)
        with suppress(TransientError):
            self._archive.discard_unfinished(frame_id)

    def _frame_id(self, frame: SessionFrame) -> FrameId:
        return self._plan.frame(frame.number)

    @property
    def _cleaning(self) -> CleanRequest:
        return CleanRequest(film=self._plan.film, sensitivity=self._plan.sensitivity)

    def _score(self) -> str:
        frames = self._sessions.frames(self._id)
        captured, lost = (sum(frame.taken is taken for frame in frames) for taken in (Taken.CAPTURED, Taken.LOST))
        of = "" if self._plan.frames is None else f" of {self._plan.frames}"
        return f"{captured}{of} slides captured" + (f", {lost} lost" if lost else "")


def _require_positions(plan: ScanPlan, found: Capabilities) -> None:
    if plan.positions is None:
        return
    if found.feeder != FeederWay.FRAME:
        advice = "Leave --positions out, and put in only the slides to scan."
        raise ScannerSetupError(f"{found.model} cannot choose positions, it takes slide after slide", advice=advice)
    if found.frame_count is not None and plan.positions[-1] > found.frame_count:
        raise ScannerSetupError(
            f"{found.model} has positions 1 to {found.frame_count}, found {plan.positions[-1]}",
            advice="Choose other positions (--positions).",
        )


def _scan_request(plan: ScanPlan, found: Capabilities) -> ScanRequest:
    if plan.frames is None and not found.notices_empty:
        advice = "Say how many frames to scan (--frames)."
        raise ScannerSetupError(f"{found.model} does not notice an empty magazine", advice=advice)
    profile = plan.scanner
    highest_dpi = int(max((*found.resolutions_dpi, *(found.resolution_range_dpi or ())), default=1))
    return ScanRequest(
        resolution_dpi=profile.resolution_dpi or highest_dpi,
        depth_bits=profile.depth_bits,
        samples=profile.samples,
        infrared=profile.infrared,
        autofocus=profile.autofocus,
        autoexposure=profile.autoexposure,
    )
