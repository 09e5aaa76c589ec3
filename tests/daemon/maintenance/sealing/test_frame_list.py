"""The list of a sealed roll's frames is read by a spreadsheet, and its captions by filmscand itself."""

from __future__ import annotations

import csv
import hashlib
import io

from filmscand.daemon.core.decision import DecisionKind
from filmscand.daemon.core.description.record import DescriptionChanges
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.maintenance.sealing.frame_list import COLUMNS
from filmscand.daemon.review.caption_list import read_list
from filmscand.daemon.review.decide import Asked, decide
from filmscand.daemon.review.describe import describe
from support.sealed_roll import FRAMES


def test_it_says_of_each_frame_what_it_is_and_what_came_of_it(roll):
    caption = 'Oma, "Ü" und, Opa; 日本'
    describe(roll.station, FRAMES[0], DescriptionChanges(caption=caption, date="1968-07", mount_number="12A", turn=90))
    decide(roll.station, FRAMES[0], Asked(DecisionKind.ACCEPT))
    roll.clean_again(2, 0.9)
    roll.seal()
    text = (roll.folder / "metadata/frames.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(COLUMNS)
    first, second = rows
    assert (first["frame"], first["caption"], first["date"], first["mount"]) == ("r_0001", caption, "1968-07", "12A")
    assert (first["turn"], first["mirrored"], first["verdict"], first["revision"]) == ("90", "no", "accepted", "1")
    assert (second["revision"], second["revisions"], second["sensitivity"], second["caption"]) == ("2", "2", "0.9", "")
    raw = roll.folder / "data/r_0001" / first["raw"]
    assert first["raw_sha512"] == hashlib.sha512(raw.read_bytes()).hexdigest()
    assert int(first["raw_bytes"]) == raw.stat().st_size
    assert second["clean"] == "r_0002_r02_clean.tif"
    captions = io.StringIO(newline="")
    shared = ("frame", "caption", "date", "mount", "turn", "mirrored")
    writer = csv.DictWriter(captions, shared, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    listed = read_list(captions.getvalue(), Roll("unsorted", "unsorted", "r"))
    assert listed[0].changes.caption == caption
