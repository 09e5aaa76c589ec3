"""How fast the service goes: every waiting time that is no matter of the station's owner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScanTiming:
    """How patient a scanning session is, all in seconds but `tries`.

    Attributes
    ----------
    busy_first_s, busy_cap_s : float
        First and longest pause before a scanner that is warming up or in use is asked again.
    busy_limit_s : float
        How long it may be busy before a person is called.
    retry_first_s, retry_cap_s : float
        First and longest pause before a frame is tried again that failed.
    tries : int
        How often a frame may fail before a person is called.
    poll_s : float
        How often a session that waits looks whether it is asked for something.
    """

    busy_first_s: float = 2.0
    busy_cap_s: float = 20.0
    busy_limit_s: float = 900.0
    retry_first_s: float = 1.0
    retry_cap_s: float = 30.0
    tries: int = 4
    poll_s: float = 0.25


@dataclass(frozen=True, slots=True)
class Timing:
    """Waiting times, all in seconds.

    Attributes
    ----------
    sweep_s, poll_s : float
        Between two full looks at a watch folder, with events and without.
    max_settle_s : float
        After this long without a change a file that is not whole is set aside.
    retry_first_s, retry_cap_s : float
        First and longest pause before something is tried again that a disk or a share was in the way of.
    lease_s : float
        How long a worker holds a frame without a sign of life.
    frame_limit_s : float
        How long one frame may take before its worker is killed.
    worker_poll_s : float
        How often an idle worker looks by itself.
    tick_s : float
        How often the supervisor looks by itself.
    stop_s : float
        How long the frames at hand may take once the service was asked to stop.
    scan : ScanTiming
        Of scanning sessions.
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
    stop_s: float = 20.0
    scan: ScanTiming = ScanTiming()
