"""Hostile files through the watch folder of a real service; `support.hostile_run 600 --watch` takes more of them."""

import pytest

from support.hostile_watch import run_watch

pytestmark = pytest.mark.usefixtures("compiled_engine")


def test_each_hostile_file_is_archived_or_named_and_no_process_takes_more_memory_than_it_may(tmp_path):
    account = run_watch(tmp_path, 60, seed=27, at_most_s=300.0)
    assert (account.lost, account.unnamed) == ([], [])
    assert account.ok, account
    assert account.told["archived"] > 10
    assert account.told["failed with a report"] > 10
