"""A virtual scanner with four slides."""

from __future__ import annotations

import pytest

from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import MODEL, make_magazine


@pytest.fixture
def virtual():
    with VirtualScanner(MODEL, make_magazine(MODEL, 4), address=None) as virtual:
        yield virtual
