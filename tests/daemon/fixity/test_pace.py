"""Reading keeps to the speed limit, whatever the pieces and the pauses."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmscand.daemon.fixity.pace import Pace


class Bench:
    """A clock that moves only where something waits or works."""

    def __init__(self, bytes_per_s):
        self.now_s = 1000.0
        self.pace = Pace(bytes_per_s, self.wait, lambda: self.now_s)

    def wait(self, seconds):
        assert seconds >= 0
        self.now_s += seconds


pieces = st.lists(st.tuples(st.integers(1, 8 << 20), st.floats(0, 5)), min_size=1, max_size=50)


@given(pieces, st.floats(1e5, 1e8))
def test_no_more_is_read_than_the_limit_allows(read, bytes_per_s):
    bench, ends_s = Bench(bytes_per_s), []
    for count, work_s in read:
        bench.now_s += work_s
        bench.pace.spend(count)
        ends_s.append(bench.now_s)
    counts = [count for count, _ in read]
    for first, last in itertools.combinations(range(len(read)), 2):
        took_s = ends_s[last] - ends_s[first]
        assert sum(counts[first + 1 : last + 1]) <= bytes_per_s * (took_s + 1e-6)


@given(pieces, st.floats(1e5, 1e8))
def test_what_the_reading_took_is_not_waited_for_again(read, bytes_per_s):
    bench = Bench(bytes_per_s)
    for count, work_s in read:
        bench.now_s += work_s
        before_s = bench.now_s
        bench.pace.spend(count)
        assert bench.now_s - before_s <= max(0.0, count / bytes_per_s - work_s) + 1e-6


def test_an_exception_of_the_pause_ends_the_reading():
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Pace(1.0, stop).spend(1)
