"""The command `python -m bench.third`."""

from __future__ import annotations

import pytest

from bench.third import __main__ as bench
from support.ir_frames import compiled


@compiled
def test_the_bench_prints_its_tables_and_saves_figures_and_sheets(tmp_path, monkeypatch, capsys):
    saved = {}
    monkeypatch.setattr(bench, "FEW_PX", (160, 240))
    monkeypatch.setattr(bench, "save_figures", lambda name, tables: saved.update({name: tables}))
    kinds = ["clear slide", "spotless wires"]
    bench.main(["--few", "--no-peers", "--detector", "off", "--kinds", *kinds, "--sheets", str(tmp_path)])
    assert "clear slide" in capsys.readouterr().out
    assert len(saved["third"]) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clear_slide-0.png", "spotless_wires-0.png"]


def test_an_unknown_kind_is_refused():
    with pytest.raises(SystemExit):
        bench.main(["--kinds", "no such kind"])
