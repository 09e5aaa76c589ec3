"""A recipe's file is read as a whole or refused in one line that names the file and the field."""

from __future__ import annotations

import pytest

from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipe_file import NamedRecipe, RecipePart, read_recipe


class Part(RecipePart):
    count: int


class Mine(NamedRecipe):
    part: Part


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: mine\npart: {count: few}\n", r"mine\.yaml: part\.count: Input should be a valid integer"),
        ("name: mine\npart: {count: 1, colour: red}\n", r"mine\.yaml: part\.colour: Extra inputs"),
        ("just words", r"mine\.yaml: Input should be a valid dictionary"),
        ("name: [", r"mine\.yaml: while parsing"),
        ("name: other\npart: {count: 1}\n", r"mine\.yaml: expected the file name other\.yaml"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_file_and_field(tmp_path, text, problem):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ScannerSetupError, match=problem) as refused:
        read_recipe(tmp_path / "mine.yaml", Mine)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ScannerSetupError, match="No such file"):
        read_recipe(tmp_path / "mine.yaml", Mine)


def test_a_right_file_is_its_recipe(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\npart: {count: 3}\n")
    assert read_recipe(tmp_path / "mine.yaml", Mine) == Mine(name="mine", part=Part(count=3))
