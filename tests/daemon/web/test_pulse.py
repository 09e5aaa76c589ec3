"""Whether the service gets on, as its supervisor tells it."""

from __future__ import annotations

from filmscand.daemon.web.pulse import STALLED_S, Pulse


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_a_supervisor_that_tells_of_each_round_gets_on():
    clock = Clock()
    pulse = Pulse(clock)
    clock.now_s += STALLED_S
    assert pulse.problem() is None
    pulse.beat(None)
    clock.now_s += STALLED_S
    assert pulse.problem() is None


def test_a_supervisor_that_falls_silent_has_stalled_until_its_next_round():
    clock = Clock()
    pulse = Pulse(clock)
    clock.now_s += STALLED_S + 1
    assert "has not finished a round for 31 s" in pulse.problem()
    pulse.beat(None)
    assert pulse.problem() is None


def test_without_any_worker_nothing_gets_on():
    pulse = Pulse(Clock())
    pulse.beat("no worker can be started: no memory")
    assert pulse.problem() == "no worker can be started: no memory"
