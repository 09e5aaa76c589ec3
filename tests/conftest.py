"""What tests of several files ask for by name."""

import pytest
from live_station import warm_up_engine


@pytest.fixture(scope="session")
def compiled_engine():
    """The engine with its kernels compiled, so that no process is waited for longer than it works."""
    warm_up_engine()
