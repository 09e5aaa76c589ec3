"""A viewer reads, an operator changes too; a method that is neither reading nor changing is nobody's."""

from __future__ import annotations

import pytest

from filmscand.daemon.station.sections.page import Level
from filmscand.daemon.web.access import Visitor, may


@pytest.mark.parametrize(
    ("level", "method", "allowed"),
    [
        (Level.VIEWER, "GET", True),
        (Level.VIEWER, "HEAD", True),
        (Level.VIEWER, "POST", False),
        (Level.VIEWER, "PUT", False),
        (Level.VIEWER, "DELETE", False),
        (Level.OPERATOR, "GET", True),
        (Level.OPERATOR, "POST", True),
        (Level.OPERATOR, "PUT", True),
        (Level.OPERATOR, "DELETE", True),
        (Level.OPERATOR, "PATCH", False),
        (Level.OPERATOR, "TRACE", False),
    ],
)
def test_what_each_role_may_do(level, method, allowed):
    assert may(Visitor(level), method) is allowed
