"""A roll is named by its collection, its box and itself."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.errors import FrameIdError
from filmscand.daemon.maintenance.sealing.roll import roll_to_seal
from support.sealed_roll import FRAMES, ROLL


def test_a_name_has_three_parts(roll):
    found = roll_to_seal(roll.station, f"/{ROLL}/")
    assert (found.name, found.folder, found.frames()) == (ROLL, roll.folder, FRAMES)
    with pytest.raises(FrameIdError, match="expected COLLECTION/BOX/ROLL, found r"):
        roll_to_seal(roll.station, "r")
