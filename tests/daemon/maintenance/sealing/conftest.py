"""A finished roll that is made once, and copied for each test."""

import pytest

from support.sealed_roll import FRAMES, SealedRoll


@pytest.fixture(scope="session")
def finished_roll(tmp_path_factory, compiled_engine):
    return SealedRoll(tmp_path_factory.mktemp("finished"), *FRAMES)


@pytest.fixture
def roll(finished_roll, tmp_path):
    """A station with a finished roll."""
    return finished_roll.copy(tmp_path / "station")


@pytest.fixture
def sealed(roll):
    """The same, sealed."""
    roll.seal(**{"Source-Organization": "City Archive"})
    return roll
