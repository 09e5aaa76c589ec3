"""YAML with the line of each key."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.station.yaml_file import ConfigProblemsError, dotted, parse_yaml, raise_problems


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = Field(ge=1)


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Part]


def parse(tmp_path, text):
    file = tmp_path / "a.yaml"
    file.write_text(text)
    return file, parse_yaml(file)


def problems_of(tmp_path, text):
    with pytest.raises(ConfigProblemsError) as error:
        file, document = parse(tmp_path, text)
        with raise_problems(file, document):
            Whole.model_validate(document.data)
    return [(problem.line, problem.key, problem.message) for problem in error.value.problems]


def test_every_key_and_item_has_its_line(tmp_path):
    _, document = parse(tmp_path, "# a comment\nparts:\n  - size: 1\n\n  - size: 2\n")
    assert document.data == {"parts": [{"size": 1}, {"size": 2}]}
    assert document.lines == {
        (): 1,
        ("parts",): 2,
        ("parts", 0): 3,
        ("parts", 0, "size"): 3,
        ("parts", 1): 5,
        ("parts", 1, "size"): 5,
    }


def test_a_key_that_is_missing_has_the_line_of_the_one_around_it(tmp_path):
    _, document = parse(tmp_path, "\nparts:\n  - size: 1\n")
    assert document.line_of(("parts", 0, "colour", "red")) == 3
    assert document.line_of(("other",)) == 1


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    assert parse(tmp_path, "")[1].data == {}


def test_mistakes_come_in_the_order_of_their_lines(tmp_path):
    assert problems_of(tmp_path, "parts:\n  - size: 0\n  - colour: red\nextra: 1\n") == [
        (2, "parts.0.size", "Input should be greater than or equal to 1, found 0"),
        (3, "parts.1.colour", "unknown key"),
        (3, "parts.1.size", "Field required"),
        (4, "extra", "unknown key"),
    ]


def test_a_key_that_appears_twice_is_a_mistake_at_any_depth(tmp_path):
    found = problems_of(tmp_path, "parts:\n  - size: 1\n    size: 2\n")
    assert found == [(3, "parts.0.size", "appears already in line 2")]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=rf"{tmp_path}: cannot read: Is a directory"):
        parse_yaml(tmp_path)


def test_a_key_path_is_written_with_dots():
    assert dotted(("watch", 0, "pair")) == "watch.0.pair"


def test_words_and_numbers_are_read_as_yaml_1_2_reads_them(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "a: [off, no, 0012, 12:30, 1974-05-01, 1_000]\nb: [true, False, 12, -3, 0.5, .5, 1.5e-3, null, ~]\n"
    )
    data = parse_yaml(file).data
    assert data["a"] == ["off", "no", "0012", "12:30", "1974-05-01", "1_000"]
    assert data["b"] == [True, False, 12, -3, 0.5, 0.5, 0.0015, None, None]
