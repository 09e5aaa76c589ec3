"""The pauses between tries."""

from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.core.retry import MAX_BACKOFF_S, backoff_s


def test_pauses_double_up_to_the_cap():
    assert [backoff_s(retries, 1.0, 10.0) for retries in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.floats(0.01, 60.0))
def test_no_pause_is_longer_than_the_cap_and_none_shorter_than_the_first(retries, first_s):
    assert first_s <= backoff_s(retries, first_s) <= MAX_BACKOFF_S
    assert backoff_s(retries, first_s) <= backoff_s(retries + 1, first_s)
