"""When a source may leave its watch folder: once its frame is archived, in a sealed roll, or at every target."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.archive.records.known import sealed_record
from filmscand.daemon.database.archive_records import write_records
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.keeping.replicas import Replicas, keep_replica_targets
from filmscand.daemon.station.configuration import ReleaseWhen, SourcePolicy
from filmscand.daemon.station.sections.replicas import Replica
from support.ingest_bench import TODAY
from support.live_station import write_inside


@pytest.fixture
def make(make_bench, tmp_path):
    """Make a watch folder with a rule, and take a file of it into the archive; return bench and source."""

    def make(when, policy=SourcePolicy.MOVE, targets=("nas", "cloud")):
        bench = make_bench()
        watch = bench.station.watch[0].model_copy(update={"release_when": when, "source_policy": policy})
        replicate = tuple(Replica(name=name, folder=tmp_path / name) for name in targets)
        bench.station = bench.station.model_copy(update={"watch": (watch,), "replicate": replicate})
        keep_replica_targets(bench.connection, {one.name: one.place for one in replicate})
        bench.restart()
        source = write_inside(bench.drop / "r" / "scan.tif", 1)
        bench.run(bench.queued)
        return bench, source

    return make


def seal(bench):
    """Make a bag of the roll, and remember it, as sealing does; the frame need not be cleaned for that."""
    folder = bench.station.archive / bench.queued()[0].frame.roll_folder

    def manifest(paths):
        lines = [f"{hashlib.sha512(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in paths]
        return "".join(sorted(lines, key=lambda line: line[130:]))

    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    payload = [path for path in (folder / "data").rglob("*") if path.is_file()]
    (folder / "manifest-sha512.txt").write_text(manifest(payload))
    (folder / "tagmanifest-sha512.txt").write_text(manifest([folder / "bagit.txt", folder / "manifest-sha512.txt"]))
    write_records(bench.connection, [sealed_record(bench.station.archive, bench.queued()[0].frame.roll_folder)])
    return folder


def verify(bench, *targets):
    for target in targets:
        replicas = Replicas(bench.connection, target)
        replicas.enter()
        replicas.verified(replicas.due(0.0))


def test_an_archived_source_goes_at_once_without_a_rule(make):
    _, source = make(ReleaseWhen.ARCHIVED)
    assert not source.exists()


@pytest.mark.parametrize("policy", [SourcePolicy.MOVE, SourcePolicy.DELETE])
def test_a_source_stays_until_its_roll_is_sealed(make, policy):
    bench, source = make(ReleaseWhen.SEALED, policy)
    bench.run_for(0.3)
    assert source.exists()
    assert bench.rows(CandidateState.STORED)
    seal(bench)
    bench.run(lambda: bench.rows(CandidateState.RELEASED))
    assert not source.exists()
    assert (bench.drop / "_done" / TODAY / "r" / "scan.tif").exists() is (policy is SourcePolicy.MOVE)


def test_a_source_stays_until_every_target_has_its_roll_also_over_a_restart(make):
    bench, source = make(ReleaseWhen.REPLICATED)
    seal(bench)
    verify(bench, "nas")
    bench.restart()
    bench.run_for(0.2)
    assert source.exists()
    verify(bench, "cloud")
    bench.restart()
    bench.run(lambda: bench.rows(CandidateState.RELEASED))
    assert not source.exists()


def test_a_target_that_holds_an_earlier_state_of_the_roll_does_not_count(make):
    bench, source = make(ReleaseWhen.REPLICATED, targets=("nas",))
    folder = seal(bench)
    replicas = Replicas(bench.connection, "nas")
    replicas.enter()
    earlier = replicas.due(0.0)
    (folder / "data" / "notes.txt").write_text("upside down")
    seal(bench)
    replicas.verified(earlier)
    bench.run_for(0.2)
    assert source.exists()
    verify(bench, "nas")
    bench.run(lambda: not source.exists())


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "reopened.json").write_text("{}"),
        lambda folder: (folder / "bagit.txt").unlink(),
        lambda folder: (folder / "manifest-sha512.txt").write_text(""),
        lambda folder: (folder / "tagmanifest-sha512.txt").write_text(""),
    ],
    ids=["reopened", "no mark", "damaged manifest", "other generation"],
)
def test_a_roll_that_is_not_sealed_now_keeps_its_sources(make, change):
    bench, source = make(ReleaseWhen.SEALED)
    change(seal(bench))
    bench.run_for(0.2)
    assert source.exists()


def test_a_bag_that_does_not_name_the_original_keeps_the_source(make):
    bench, source = make(ReleaseWhen.SEALED)
    raw = bench.raw(bench.queued()[0])
    aside = raw.rename(raw.with_name("aside"))
    seal(bench)
    aside.rename(raw)
    bench.run_for(0.2)
    assert source.exists()


def test_a_duplicate_is_put_aside_whatever_the_rule(make):
    bench, source = make(ReleaseWhen.REPLICATED)
    (bench.drop / "again.tif").write_bytes(source.read_bytes())
    bench.run(lambda: (bench.drop / "_duplicates" / "again.tif").exists())
    assert source.exists()


def test_a_source_that_is_left_where_it_is_need_not_wait(make):
    bench, source = make(ReleaseWhen.REPLICATED, SourcePolicy.LEAVE)
    bench.run(lambda: bench.rows(CandidateState.RELEASED))
    assert source.exists()
