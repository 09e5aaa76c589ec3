from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from filmscand.daemon.cleaning.engine_options import model_problem
from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.core.frame_id import slug
from filmscand.daemon.station.configuration import (
    DetectorUse,
    FilmKind,
    PairRule,
    SourcePolicy,
    Station,
    Watch,
    WatchMode,
    load_station,
)

HOUSE = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def station_folder(tmp_path, monkeypatch):
    for variable in ("STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "station"
    monkeypatch.setenv("FILMSCAND_STATION", str(folder))
    return folder


def write(folder, text):
    file = folder / "written.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(tmp_path, text, **how):
    with pytest.raises(ConfigError) as error:
        load_station(write(tmp_path, text), **how)
    return str(error.value).splitlines()


def test_without_configuration_everything_lies_in_one_folder(station_folder):
    station = load_station()
    assert station.root == station_folder
    assert station.archive == station_folder / "archive"
    assert station.database == station_folder / "station.db"
    assert [watch.path for watch in station.watch] == [station_folder / "drop"]


def test_the_commented_file_says_the_defaults_with_every_key():
    import yaml

    file = HOUSE / "config" / "station.yaml"
    assert load_station(file) == Station()
    written = yaml.safe_load(file.read_text())
    assert written.keys() == Station.model_fields.keys()
    assert written["watch"][0].keys() == Watch.model_fields.keys()
    for section in ("workers", "cleaning", "notify", "logging"):
        assert written[section].keys() == type(getattr(Station(), section)).model_fields.keys()


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert load_station(write(tmp_path, "# nothing\n")) == Station()


def test_the_file_in_systemds_folder_goes_before_the_stations_own(tmp_path, station_folder, monkeypatch):
    station_folder.mkdir()
    (station_folder / "station.yaml").write_text("workers: {count: 2}\n")
    assert load_station().workers.count == 2
    monkeypatch.setenv("CONFIGURATION_DIRECTORY", str(tmp_path))
    (tmp_path / "station.yaml").write_text("workers: {count: 3}\n")
    assert load_station().workers.count == 3


def test_a_whole_station_is_read(tmp_path):
    station = load_station(
        write(
            tmp_path,
            """
root: /srv/film
archive: /mnt/archive
watch:
  - {path: vuescan, collection: meyer, box: box-3, roll: "dia-{folder}", film: kodachrome, pair: required,
     pair_timeout_s: 60, settle_s: 2.5, mode: poll, source_policy: delete, fourth_sample_infrared: true}
  - path: /mnt/share
workers: {count: 2, memory_limit_mib: 2048}
cleaning: {sensitivity: 0.7}
""",
        )
    )
    first, second = station.watch
    assert station.archive == Path("/mnt/archive")
    assert station.database == Path("/srv/film/station.db")
    assert (first.path, second.path) == (Path("/srv/film/vuescan"), Path("/mnt/share"))
    assert (first.film, first.pair, first.mode) == (FilmKind.KODACHROME, PairRule.REQUIRED, WatchMode.POLL)
    assert first.source_policy is SourcePolicy.DELETE
    assert first.fourth_sample_infrared is True
    assert station.workers.count == 2
    assert station.cleaning.sensitivity == 0.7


def test_every_mistake_is_told_with_file_line_and_key(tmp_path):
    text = """root: /srv/film
wacth: []
watch:
  - path: drop
    pair: sometimes
    setle_s: 3
  - collection: Büchse
cleaning:
  sensitivity: 1.5
workers: {count: 0}
"""
    file = tmp_path / "written.yaml"
    found = mistakes(tmp_path, text)
    assert [line.split(" ")[0] for line in found] == [f"{file}:{line}:" for line in (2, 5, 6, 7, 9, 10)]
    assert found[0] == f"{file}:2: wacth: unknown key"
    assert "watch.0.pair: Input should be 'none', 'optional' or 'required', found 'sometimes'" in found[1]
    assert "watch.0.setle_s: unknown key" in found[2]
    assert "watch.1.collection: expected 1 to 64 of a-z" in found[3]
    assert "cleaning.sensitivity: Input should be less than or equal to 1, found 1.5" in found[4]
    assert "workers.count: Input should be greater than or equal to 1, found 0" in found[5]


def test_a_key_that_stands_twice_is_told(tmp_path):
    assert mistakes(tmp_path, "archive: a\nworkers: {count: 1}\narchive: b\n") == [
        f"{tmp_path / 'written.yaml'}:3: archive: appears already in line 1"
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("watch:\n  - path: [\n", 3, "expected YAML, found"),
        ("a: b: c\n", 1, "mapping values are not allowed here"),
        ("- a\n- b\n", 1, "expected keys and values, found list"),
        ("archive: !!python/object:os.system {}\n", 1, "could not determine a constructor"),
        ("watch: drop\n", 1, "watch: Input should be a valid tuple"),
        ('watch:\n  - roll: "{year}"\n', 2, "roll: expected text with {folder} or {date} in it"),
        ("root: 7\n", 1, "root: Input is not a valid path for"),
        ("archive: 7\n", 1, "archive: Input is not a valid path for"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_with_its_line(tmp_path, text, line, part):
    found = mistakes(tmp_path, text)
    assert found[0].startswith(f"{tmp_path / 'written.yaml'}:{line}:")
    assert part in found[0]


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("archive: drop/archive\n", 1, "watch.0.path"),
        ("watch:\n  - path: archive/in\n", 2, "watch.0.path"),
        ("watch:\n  - path: a\n  - path: a/b\n", 3, "watch.1.path"),
        ("watch:\n  - path: .\n", 2, "watch.0.path"),
    ],
)
def test_folders_that_lie_in_each_other_are_told(tmp_path, text, line, key):
    found = mistakes(tmp_path, text)
    assert f":{line}: {key}: expected a folder outside of" in found[0]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot read: No such file"):
        load_station(tmp_path / "gone.yaml")


def test_a_file_in_another_encoding_is_told(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("root: /srv/Büchse\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="expected UTF-8, found byte 0xfc"):
        load_station(file)


@pytest.mark.parametrize(
    ("rule", "file", "roll"),
    [
        ("{folder}", "Dia 1968/a.tif", "dia-1968"),
        ("{folder}", "meyer/dia 1/a.tif", "meyer-dia-1"),
        ("{folder}", "a.tif", "2026-11-20"),
        ("{date}", "meyer/a.tif", "2026-11-20"),
        ("box3-{folder}", "x/a.tif", "box3-x"),
        ("r12", "x/a.tif", "r12"),
    ],
)
def test_the_roll_of_a_file_follows_the_rule(rule, file, roll):
    assert slug(Watch(roll=rule).roll_name(Path(file), date(2026, 11, 20))) == roll


def test_a_share_settles_longer_than_a_disk_unless_told():
    assert Watch().quiet_time_s(network=False) < Watch().quiet_time_s(network=True)
    assert Watch(settle_s=1).quiet_time_s(network=True) == 1


def test_models_are_found_from_the_stations_folder_and_opened_only_when_asked(tmp_path, station_folder):
    from support.onnx_models import save_detector, save_inpainting

    station_folder.mkdir()
    save_detector(station_folder / "own.onnx")
    save_inpainting(station_folder / "lama.onnx")
    text = "cleaning: {detector: 'off', detector_model: own.onnx, inpainting_model: lama.onnx}\n"
    station = load_station(write(tmp_path, text), check_model=model_problem)
    assert station.cleaning.detector_model == station_folder / "own.onnx"
    assert station.cleaning.models().keys() == {"detector_model", "inpainting_model"}
    (station_folder / "own.onnx").write_bytes(b"no model")
    assert load_station(write(tmp_path, text)).cleaning == station.cleaning


@pytest.mark.parametrize("key", ["detector_model", "inpainting_model"])
def test_a_model_that_is_missing_or_another_is_told_with_its_line(key, tmp_path, station_folder):
    from support.onnx_models import DENSITY, PROBABILITY, save

    text = f"cleaning:\n  sensitivity: 0.4\n  {key}: own.onnx\n"
    assert mistakes(tmp_path, text, check_model=model_problem) == [
        f"{tmp_path}/written.yaml:3: cleaning.{key}: expected a model file, found none at {station_folder}/own.onnx"
    ]
    station_folder.mkdir()
    other = {"answer": PROBABILITY["probability"]}
    save(station_folder / "own.onnx", [("ReduceMean", ["density"], "answer", {"axes": [1]})], DENSITY, other)
    with pytest.raises(ConfigError, match=rf"written.yaml:3: cleaning.{key}: .*own.onnx: expected an? "):
        load_station(tmp_path / "written.yaml", check_model=model_problem)


def test_a_command_that_opens_no_model_works_while_its_file_is_gone(tmp_path, station_folder):
    station = load_station(write(tmp_path, "cleaning: {detector_model: gone.onnx}\n"))
    assert station.cleaning.detector_model == station_folder / "gone.onnx"


def test_recipes_of_scanner_programs_lie_in_the_stations_folder_and_are_read_only_when_asked(tmp_path, station_folder):
    (station_folder / "recipes").mkdir(parents=True)
    (station_folder / "recipes" / "mine.yaml").write_text("driver: command\nname: mine\n")
    text = "scanners:\n  programs: recipes\n"
    assert load_station(write(tmp_path, text)).scanners.programs == station_folder / "recipes"
    (problem,) = mistakes(tmp_path, text, check_model=model_problem)
    assert problem.startswith(f"{tmp_path}/written.yaml:2: scanners.programs: {station_folder}/recipes/mine.yaml: ")
    assert "vendor" in problem
    (nowhere,) = mistakes(tmp_path, "scanners: {programs: nowhere}\n", check_model=model_problem)
    assert "expected a folder with recipes of scanners" in nowhere


def test_words_of_a_configuration_are_words_as_documented(tmp_path):
    text = "cleaning: {detector: off}\nwatch: [{path: drop, collection: no, box: 12, roll: 1974-05-01}]\n"
    station = load_station(write(tmp_path, text))
    watch = station.watch[0]
    assert station.cleaning.detector is DetectorUse.OFF
    assert (watch.collection, watch.box, watch.roll) == ("no", "12", "1974-05-01")
    assert load_station(write(tmp_path, "watch: [{box: 0012, fourth_sample_infrared: yes}]\n")).watch[0].box == "0012"


@pytest.mark.parametrize("value", ["on", "yes", "true", "1"])
def test_another_word_for_the_detector_is_told_with_those_there_are(tmp_path, value):
    (mistake,) = mistakes(tmp_path, f"cleaning: {{detector: {value}}}\n")
    assert "cleaning.detector: Input should be 'auto' or 'off', found" in mistake


ADDRESS = "https://anna:pass-word@hooks.example.org:8443/services/T0KEN?key=S3CRET"


def test_targets_are_named_after_what_is_not_secret(tmp_path):
    targets = f"[{{webhook: '{ADDRESS}'}}, {{command: [/usr/bin/mail, lab]}}, {{name: telegram, webhook: '{ADDRESS}'}}]"
    station = load_station(write(tmp_path, f"notify: {{targets: {targets}, repeat_s: 3600}}"))
    titles = [target.title for target in station.notify.targets]
    assert titles == ["webhook hooks.example.org", "command mail", "telegram"]
    assert station.notify.targets[0].webhook.get_secret_value() == ADDRESS
    shown = f"{station!r} {station.model_dump_json()} {station.model_dump(mode='json')}"
    assert "T0KEN" not in shown
    assert "pass-word" not in shown


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("{name: nobody}", "expected one of webhook, command and apprise, found none"),
        (
            f"{{webhook: '{ADDRESS}', command: [a]}}",
            "expected one of webhook, command and apprise, found webhook and c",
        ),
        ("{webhook: 'ftp://example.org/T0KEN'}", "webhook: expected an address such as https://example.org/path"),
        ("{webhook: 'https:///T0KEN'}", "webhook: expected an address such as"),
        ("{webhook: 'https://example.org:T0KEN/'}", "webhook: expected an address such as"),
        ("{webhook: 'https://example.org/T0 KEN'}", "webhook: expected an address such as"),
        (f"{{webhook: ['{ADDRESS}']}}", "webhook: Input should be a valid string, found ['https://...']"),
        (f"{{command: 'curl {ADDRESS}'}}", "command: Input should be a valid tuple, found 'curl https://...'"),
        (f"'{ADDRESS}'", "found 'https://...'"),
        ("{command: []}", "command: Tuple should have at least 1 item"),
        ("{apprise: T0KEN}", "apprise: expected an address of Apprise"),
        ("{comand: [a]}", "notify.targets.0.comand: unknown key"),
    ],
)
def test_a_mistake_in_a_target_is_told_without_its_secret(tmp_path, target, expected):
    told = "\n".join(mistakes(tmp_path, f"notify:\n  targets:\n    - {target}\n"))
    assert "written.yaml:3" in told
    assert expected in told
    assert "T0KEN" not in told
    assert "S3CRET" not in told


def test_two_targets_of_one_name_are_a_mistake(tmp_path):
    text = "notify:\n  targets:\n    - command: [/bin/a]\n    - command: [/usr/bin/a]\n"
    (told,) = mistakes(tmp_path, text)
    assert "written.yaml:4: notify.targets.1: expected another name than that of an earlier target" in told
    assert told.endswith("found 'command a': set `name`")


def test_a_target_of_apprise_without_the_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("filmscand.daemon.station.configuration.find_spec", lambda name: None)
    (told,) = mistakes(tmp_path, "notify:\n  targets:\n    - apprise: ntfy://example.org/T0KEN\n")
    assert "written.yaml:3: notify.targets.0.apprise: needs the package apprise, which is not installed" in told
    assert "pip install 'apprise>=1.9' (the extra `notify` of filmscand)" in told
    assert "T0KEN" not in told


def test_a_page_for_other_machines_is_refused_with_line_reason_and_a_way(tmp_path):
    (told,) = mistakes(tmp_path, "page:\n  address: 192.168.1.5\n")
    assert "written.yaml:1: page: address: 192.168.1.5 is reached from other machines" in told
    assert "ssh -L 8420:127.0.0.1:8420" in told


def test_certificate_and_key_lie_beside_the_station_unless_their_path_says_otherwise(tmp_path):
    users = "users: [{name: p, token: 'sha256:" + "0" * 64 + "'}]"
    text = f"page: {{address: 192.168.1.5, certificate: tls/c.pem, key: /etc/k.pem, {users}}}\n"
    file = tmp_path / "station.yaml"
    file.write_text(f"root: {tmp_path}\n{text}")
    page = load_station(file).page
    assert (page.certificate, page.key) == (tmp_path / "tls/c.pem", Path("/etc/k.pem"))


def test_no_secret_of_the_pages_users_is_told_by_a_mistake_or_shown(tmp_path):
    for key in ("password", "token"):
        (told,) = mistakes(tmp_path, f"page:\n  users:\n    - name: ada\n      {key}: S3CRET\n")
        assert f"written.yaml:4: page.users.0.{key}: " in told
        assert "filmscand page " in told
        assert "S3CRET" not in told
