"""The tree of the bench of imports, and its table."""

from __future__ import annotations

from bench.importing import Passage, import_table, write_campaign
from filmscand.daemon.bulk.importing.files import walk


def test_the_tree_has_the_files_that_were_asked_for_in_folders_of_a_film_each(tmp_path):
    size_bytes = write_campaign(tmp_path, 50, (20, 30))
    tree = walk(tmp_path)
    assert (len(tree.films), tree.size_bytes, tree.others) == (50, size_bytes, ())
    assert {path.rpartition("/")[0] for path in tree.films} == {"box 1/roll 1", "box 1/roll 2"}
    assert {path.rpartition(".")[2] for path in tree.films} == {"tif", "jpg"}


def test_the_table_tells_files_and_bytes_a_second():
    table = import_table([Passage("small", 2000, 1600, 40_000_000, 20.0, 2.0)])
    assert table.rows[0] == ("0.02 MB", 2000, 1600, 40.0, 20.0, 100.0, 2.0, 2.0)
