"""What tests of several files ask for by name."""

import pytest


@pytest.fixture(scope="session")
def compiled_engine():
    """The engine with its kernels compiled, so that no process is waited for longer than it works."""
    # Not every test needs a station, nor every environment what a station needs.
    from live_station import warm_up_engine

    warm_up_engine()
