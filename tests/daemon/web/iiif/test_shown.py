"""What a frame shows to IIIF viewers: the revision that counts, raw where a person keeps it, the way up described."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.deep_zoom import Layer
from filmscand.daemon.core.decision import Decision, DecisionKind
from filmscand.daemon.core.description.record import Description
from filmscand.daemon.web.frames import NoSuchFrameError
from filmscand.daemon.web.iiif.shown import shown_image


def change(station, frame, **fields):
    archive = Archive(station.archive)
    archive.write_sidecar(frame, archive.read_sidecar(frame).model_copy(update=fields))


def test_a_cleaned_frame_is_shown_cleaned_and_turned(connection, station, frames):
    change(station, frames[0], description=Description(turn=90))
    found = shown_image(station, connection, frames[0])
    assert (found.layer, found.rows, found.cols) == (Layer.CLEAN, 120, 90)


def test_a_frame_that_a_person_keeps_raw_is_shown_raw(connection, station, frames):
    change(station, frames[0], decisions=(Decision.made_now(DecisionKind.KEEP_RAW, 1),))
    assert shown_image(station, connection, frames[0]).layer is Layer.RAW


def test_a_frame_that_is_not_cleaned_yet_is_not_shown(connection, station, frames):
    with pytest.raises(NoSuchFrameError):
        shown_image(station, connection, frames[2])
