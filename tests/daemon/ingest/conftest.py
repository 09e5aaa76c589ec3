"""Watch folders of their own for each test."""

from __future__ import annotations

from contextlib import closing

import pytest

from support.ingest_bench import TIMING, Bench


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "station")
    with closing(made.connection):
        yield made


@pytest.fixture
def make_bench(tmp_path):
    made = []

    def make(timing=TIMING, **watch):
        made.append(Bench(tmp_path / f"station-{len(made)}", timing, **watch))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()
