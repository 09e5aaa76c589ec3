"""When a file has settled, by what was observed of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.ingest.watching.settling import (
    FileStat,
    has_settled,
    next_observation_s,
    note_write_end,
    observe_again,
    stat_of,
)

SETTLED = FileStat(1000, 1)


def observed(*at_s, stat=SETTLED, ended=False):
    observation = None
    for now_s in at_s:
        observation = observe_again(observation, stat, now_s)
    return note_write_end(observation) if ended else observation


@pytest.mark.parametrize(
    ("observation", "settled"),
    [
        pytest.param(observed(0.0, 2.0, 5.0), True, id="three-observations-over-the-whole-time"),
        pytest.param(observed(0.0, 5.0), False, id="long-enough-but-observed-twice"),
        pytest.param(observed(0.0, 1.0, 2.0, 3.0, 4.0), False, id="observed-often-but-not-for-long"),
        pytest.param(observed(0.0, 1.0, 2.0, ended=True), True, id="closed-by-its-writer-shortens"),
        pytest.param(observed(0.0, 0.5, 1.0, ended=True), False, id="closed-by-its-writer-does-not-end"),
    ],
)
def test_a_file_settles_after_enough_time_and_observations(observation, settled):
    assert has_settled(observation, 5.0) is settled


def test_any_change_starts_the_wait_again_and_forgets_the_end_of_writing():
    changed = observe_again(observed(0.0, 2.0, 4.0, ended=True), FileStat(1000, 2), 6.0)
    assert (changed.count, changed.age_s, changed.write_ended) == (1, 0.0, False)


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans()), max_size=40), st.floats(0.1, 60.0))
@settings(max_examples=60, deadline=None)
def test_no_file_that_changed_within_the_quiet_time_ever_settles(steps, quiet_s):
    now_s, changed_s, size, observation = 0.0, 0.0, 1, None
    for pause_s, grows in steps:
        now_s += pause_s
        if grows:
            size, changed_s = size + 1, now_s
        observation = observe_again(observation, FileStat(size, 1), now_s)
        assert next_observation_s(observation, quiet_s) > now_s
        if has_settled(observation, quiet_s):
            assert now_s - changed_s >= quiet_s or changed_s == 0.0


def test_a_link_a_folder_and_a_missing_file_have_no_stat(tmp_path):
    (tmp_path / "link.tif").symlink_to("/etc/passwd")
    assert stat_of(tmp_path / "link.tif") is None
    assert stat_of(tmp_path) is None
    assert stat_of(tmp_path / "missing") is None
