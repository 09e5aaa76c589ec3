"""The exit status of a command on several frames."""

import pytest

from filmscand.daemon.core.exit_status import Exit


@pytest.mark.parametrize(
    ("failed", "tried", "status"),
    [(0, 0, Exit.DONE), (0, 3, Exit.DONE), (1, 3, Exit.PART_FAILED), (3, 3, Exit.FAILED), (1, 1, Exit.FAILED)],
)
def test_the_status_follows_the_number_of_frames_that_failed(failed, tried, status):
    assert Exit.of(failed, tried) is status


def test_scripts_rely_on_the_numbers():
    assert {status.name: int(status) for status in Exit} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PART_FAILED": 3,
        "SCANNER": 4,
        "INTEGRITY": 5,
        "STOPPED": 130,
    }
