"""A sheet: finite, repeatable, with defects that have a rim without weight."""

from __future__ import annotations

import cv2
import numpy as np

from filmscand.film.kinds import KINDS
from training.sheets.scenes import SPANS_ON_NEGATIVES, SPANS_SHARE, draw_scene
from training.sheets.sources import Sources
from training.sheets.synthesizer import draw_sheet

SIZE = 96
NO_SOURCES = Sources()


def rng(seed=1):
    return np.random.default_rng(seed)


def sheets(count=8):
    return [draw_sheet(rng(seed), SIZE, NO_SOURCES) for seed in range(count)]


def test_a_sheet_is_the_same_whenever_it_is_drawn_from_the_same_seed():
    first, second = (draw_sheet(rng(3), SIZE, NO_SOURCES) for _ in range(2))
    assert np.array_equal(first.density, second.density)
    assert np.array_equal(first.defect, second.defect)


def test_sheets_are_finite_and_some_carry_damage_and_some_do_not():
    drawn = sheets(16)
    for sheet in drawn:
        assert sheet.density.shape == (3, SIZE, SIZE)
        assert np.isfinite(sheet.density).all()
        assert sheet.weight.min() >= 0
        assert sheet.weight.max() <= 1
    seeing = [bool(sheet.infrared.any()) for sheet in drawn]
    assert any(seeing)
    assert not all(seeing)
    shares = [sheet.defect.mean() for sheet in drawn]
    assert min(shares) == 0
    assert 0 < max(shares) < 0.6


def test_sheets_with_an_infrared_show_in_it_what_it_lacks():
    drawn = [draw_sheet(rng(seed), 2 * SIZE, NO_SOURCES, infrared=True) for seed in range(30)]
    for sheet in drawn:
        assert sheet.infrared.shape == (3, 2 * SIZE, 2 * SIZE)
        assert np.isfinite(sheet.infrared).all()
    seen = [sheet for sheet in drawn if sheet.infrared[2].mean() > 0.5 and sheet.defect.any()]
    assert len(seen) > 3
    shown = [np.median(sheet.infrared[0][sheet.defect]) for sheet in seen]
    assert np.median(shown) > 2


def test_between_a_defect_and_sound_film_lies_a_rim_that_does_not_matter():
    damaged = [sheet for sheet in sheets() if sheet.defect.any()]
    rims = [np.asarray(cv2.dilate(sheet.defect.astype(np.uint8), np.ones((3, 3)))) > sheet.defect for sheet in damaged]
    ignored = sum(int((sheet.weight[rim] == 0).sum()) for sheet, rim in zip(damaged, rims, strict=True))
    assert ignored > 0.3 * sum(int(rim.sum()) for rim in rims)


def test_thin_things_are_drawn_more_often_on_negatives_where_they_are_bright_as_scratches_are(monkeypatch):
    assert spans_share_on(monkeypatch, "clear_slide") == SPANS_SHARE
    assert spans_share_on(monkeypatch, "negative") == SPANS_ON_NEGATIVES


def spans_share_on(monkeypatch, kind):
    asked = []

    def scene(*arguments, spans_share, **settings):
        asked.append(spans_share)
        return draw_scene(*arguments, spans_share=spans_share, **settings)

    for name in ("usual_stock", "any_stock"):
        monkeypatch.setattr(f"training.sheets.synthesizer.{name}", lambda _: KINDS[kind].stock)
    monkeypatch.setattr("training.sheets.synthesizer.draw_scene", scene)
    draw_sheet(rng(), SIZE, NO_SOURCES)
    return asked[0]
