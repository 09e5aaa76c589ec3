"""The rows of an import in the station's database."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.claims import Claims
from filmscand.daemon.bulk.importing.files import walk
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.ingest.claiming.halves import hash_source
from filmscand.daemon.maintenance.identity import connect_station
from support.campaign import SIZE, make_station
from support.live_station import write_inside


@pytest.fixture
def claims(tmp_path):
    _, station = make_station(tmp_path / "station")
    write_inside(tmp_path / "campaign/roll/a.tif", 1, **SIZE)
    with closing(connect_station(station)) as connection:
        yield Claims.of(station, Campaign(path=tmp_path / "campaign"), connection)


def claimed(claims, root):
    tree = walk(root)
    rows = claims.arrive(tree, tree.films)
    source = hash_source(root, "roll/a.tif", tree.films["roll/a.tif"], Role.RAW)
    return tree, claims.claimer.reserve(rows, [source], awaits_infrared=False)


def test_a_claim_that_was_interrupted_is_found_with_its_files(claims, tmp_path):
    _, job = claimed(claims, tmp_path / "campaign")
    ((found, rows),) = claims.interrupted()
    assert found.frame == job.frame
    assert [row.path for row in rows] == ["roll/a.tif"]
    claims.forget_unfinished()
    assert claims.interrupted() != []


def test_files_that_nothing_was_decided_about_are_forgotten(claims, tmp_path):
    tree = walk(tmp_path / "campaign")
    (row,) = claims.arrive(tree, tree.films)
    assert row.state is CandidateState.COMPLETE
    claims.forget_unfinished()
    assert claims.candidates.reload(row) is None


def test_a_file_is_known_while_the_archive_holds_its_frame(claims, tmp_path):
    tree, job = claimed(claims, tmp_path / "campaign")
    claims.claimer.store(job)
    claims.release()
    known, lost = claims.known(tree)
    assert ({path: job.frame for path, job in known.items()}, lost) == ({"roll/a.tif": job.frame}, [])
    claims.archive.discard_original(job.frame, Role.RAW)
    known, lost = claims.known(tree)
    assert known == {}
    claims.forget(lost)
    assert claims.known(tree) == ({}, [])
