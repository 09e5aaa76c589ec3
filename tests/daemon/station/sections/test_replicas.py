"""The section `replicate` of the configuration: each mistake is told with its line, and no secret has a place in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.station.sections.replicas import Replica


@pytest.fixture
def load(tmp_path):
    def load(text):
        file = tmp_path / "station.yaml"
        file.write_text(f"root: {tmp_path}\n{text}")
        return load_station(file)

    return load


@pytest.fixture
def mistake(load):
    def mistake(text):
        with pytest.raises(ConfigError) as error:
            load(text)
        (told,) = str(error.value).splitlines()
        return told

    return mistake


def test_targets_are_folders_and_buckets(load, tmp_path):
    station = load(
        "replicate:\n"
        "  - {name: nas, folder: /mnt/nas/film}\n"
        "  - {name: shelf, folder: copies}\n"
        "  - {name: cloud, url: 's3://film/lab/', endpoint: 'https://minio.example.org:9000/'}\n"
        "  - {name: aws, url: s3://film}\n"
        "watch: [{release_when: replicated}]\n"
    )
    assert [one.place for one in station.replicate] == [
        "/mnt/nas/film",
        str(tmp_path / "copies"),
        "s3://film/lab at https://minio.example.org:9000",
        "s3://film",
    ]
    assert station.replicate[0].folder == Path("/mnt/nas/film")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{name: x}", "expected one of folder and url, found none"),
        ("{name: x, folder: /a, url: s3://b}", "expected one of folder and url, found both"),
        ("{folder: /a}", "replicate.0.name"),
        ("{name: x, folder: /a, endpoint: https://b}", "endpoint: expected with url only"),
        ("{name: x, url: 'https://b/c'}", "expected an address such as s3://bucket/prefix"),
        ("{name: x, url: s3://}", "expected an address such as s3://bucket/prefix"),
        ("{name: x, url: 's3://AKIA:S3CRET@b'}", "expected an address without a password"),
        ("{name: x, url: s3://b, endpoint: 'https://u:S3CRET@h'}", "expected an address without a password"),
        ("{name: x, url: s3://b, endpoint: minio}", "expected an address such as https://minio.example.org:9000"),
        ("{name: x, url: s3://b, endpoint: 'https://h:x'}", "expected an address such as https://minio.example.org"),
        ("{name: x, folder: /a, key: S3CRET}", "replicate.0.key"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_without_a_secret(mistake, target, problem):
    told = mistake(f"replicate:\n  - {target}\n")
    assert "station.yaml:3: replicate.0" in told
    assert problem in told
    assert "S3CRET" not in told


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        (["{name: x, folder: /a}", "{name: x, folder: /b}"], "expected another name"),
        (["{name: x, folder: /a}", "{name: y, folder: /a/b}"], "expected a folder apart from replicate.0 (/a)"),
        (["{name: x, url: s3://b/c}", "{name: y, url: s3://b/c/}"], "expected another place"),
        (["{name: x, folder: archive/copies}"], "expected a folder apart from archive"),
        (["{name: x, folder: drop}"], "expected a folder apart from watch.0.path"),
        (["{name: x, folder: .}"], "expected a folder apart from"),
    ],
)
def test_targets_that_get_in_the_way_are_told(load, targets, problem):
    with pytest.raises(ConfigError) as error:
        load("replicate:\n" + "".join(f"  - {target}\n" for target in targets))
    assert problem in str(error.value)


def test_a_source_cannot_wait_for_targets_that_there_are_none_of(mistake):
    told = mistake("watch:\n  - release_when: replicated\n")
    assert "station.yaml:3: watch.0.release_when: expected a target under `replicate`, found none" in told


def test_a_bucket_without_the_packages_says_what_to_install(mistake, monkeypatch):
    monkeypatch.setattr("filmscand.daemon.station.sections.replicas.find_spec", lambda name: None)
    told = mistake("replicate:\n  - {name: x, url: s3://b}\n")
    assert "replicate.0.url: needs the extra `s3`, fsspec and s3fs not installed: " in told
    assert "(the extra `s3` of filmscand)" in told


def test_a_folder_needs_no_packages(load, monkeypatch):
    monkeypatch.setattr("filmscand.daemon.station.sections.replicas.find_spec", lambda name: None)
    assert load("replicate: [{name: x, folder: /a}]\n").replicate == (Replica(name="x", folder="/a"),)
