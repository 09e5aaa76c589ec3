"""Waiting times of the service that the owner of a station does not configure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanTiming:
    """Waiting times of a scanning session.

    Attributes
    ----------
    busy_first_s, busy_cap_s : float
        First and longest pause, in seconds, before trying a scanner again that is warming up or in use.
    busy_limit_s : float
        Seconds that a scanner may be busy before a person is called.
    retry_first_s, retry_cap_s : float
        First and longest pause, in seconds, before a failed frame is tried again.
    tries : int
        Number of failures of one frame after which a person is called.
    poll_s : float
        Seconds between two checks of a waiting session for a request in the database.
    """

    busy_first_s: float = 2.0
    busy_cap_s: float = 20.0
    busy_limit_s: float = 900.0
    retry_first_s: float = 1.0
    retry_cap_s: float = 30.0
    tries: int = 4
    poll_s: float = 0.25


@dataclass(frozen=True, slots=True)
class NotifyTiming:
    """Waiting times of notifications.

    Attributes
    ----------
    poll_s : float
        Seconds between two looks at the alarms.
    gather_s : float
        Seconds that a new alarm stands before it is told: one cause raises several alarms in a few seconds, and they
        make one message.
    settle_s : float
        Seconds that an alarm has to be away before its end is told; they double each time the alarm comes back.
    retry_first_s, retry_cap_s : float
        First and longest pause, in seconds, before a message that failed is sent again.
    tries : int
        Number of failures after which the target itself is an alarm.
    limit_s : float
        Seconds after which a message or a command that is still on its way is given up.
    """

    poll_s: float = 5.0
    gather_s: float = 10.0
    settle_s: float = 300.0
    retry_first_s: float = 5.0
    retry_cap_s: float = 300.0
    tries: int = 3
    limit_s: float = 30.0


@dataclass(frozen=True, slots=True)
class AuditTiming:
    """Waiting times of the audit.

    Attributes
    ----------
    poll_s : float
        Seconds between two looks for a part of the archive that has to be read, while there is none.
    enrol_s : float
        Seconds between two searches for new frames and rolls.
    settle_s : float
        Seconds before a part that seems damaged is read again. A decision about a frame takes 0.1 s from the first
        file that it writes to the last row, and a slow share a few times that.
    damaged_s : float
        Seconds after which a damaged part is read again, in case a person has brought its files back.
    retry_s : float
        Seconds before going on after an error of the archive or the database.
    """

    poll_s: float = 60.0
    enrol_s: float = 3600.0
    settle_s: float = 5.0
    damaged_s: float = 86400.0
    retry_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ReplicateTiming:
    """Waiting times of the copying of sealed rolls.

    Attributes
    ----------
    poll_s : float
        Seconds between two looks for rolls that were sealed.
    retry_first_s, retry_cap_s : float
        First and longest pause, in seconds, before a target or a roll that failed is tried again.
    alarm_s : float
        Seconds that a target may fail before it is an alarm: a server that is restarted is none.
    damage_s : float
        Seconds between two looks whether damaged copies that were set aside still lie at the target.
    progress_s : float
        Least seconds between two notes of the progress in the database.
    request_s : float
        Seconds that a server may be silent within one request.
    """

    poll_s: float = 5.0
    retry_first_s: float = 5.0
    retry_cap_s: float = 300.0
    alarm_s: float = 900.0
    damage_s: float = 300.0
    progress_s: float = 2.0
    request_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Waiting times of the service, in seconds.

    Attributes
    ----------
    sweep_s, poll_s : float
        Between two sweeps of a watch folder, with events and without.
    max_settle_s : float
        Time without a change after which an incomplete file is quarantined.
    retry_first_s, retry_cap_s : float
        First and longest pause before trying again after a failure of a disk, a share or the database.
    lease_s : float
        Time without a heartbeat after which a worker loses its frame.
    frame_limit_s : float
        Time for one frame after which its worker is killed.
    worker_poll_s : float
        Between two checks of the queue by an idle worker.
    tick_s : float
        Between two rounds of the supervisor.
    quiet_s : float
        Without a change before a reopened roll is sealed again: a person who goes through its frames decides about
        one every few seconds, and each sealing is a generation of manifests that is kept for ever.
    stop_s : float
        Time for the current frames after the service was asked to stop.
    scan : ScanTiming
        Waiting times of scanning sessions.
    notify : NotifyTiming
        Waiting times of notifications.
    audit : AuditTiming
        Waiting times of the audit.
    replicate : ReplicateTiming
        Waiting times of the copying of sealed rolls.
    """

    sweep_s: float = 30.0
    poll_s: float = 5.0
    max_settle_s: float = 1800.0
    retry_first_s: float = 1.0
    retry_cap_s: float = 60.0
    lease_s: float = 60.0
    frame_limit_s: float = 900.0
    worker_poll_s: float = 5.0
    tick_s: float = 2.0
    quiet_s: float = 120.0
    stop_s: float = 20.0
    scan: ScanTiming = ScanTiming()
    notify: NotifyTiming = NotifyTiming()
    audit: AuditTiming = AuditTiming()
    replicate: ReplicateTiming = ReplicateTiming()
