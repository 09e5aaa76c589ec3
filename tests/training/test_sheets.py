from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from filmscand.film.fields import Plane
from filmscand.film.infrared_plane import Leakage
from filmscand.film.kinds import KINDS
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import DefectKind, InfraredOptics
from filmscand.film.specks import Patch
from training.dirt import any_dirt, usual_dirt
from training.emulsion import Exposed
from training.hard_negatives import HARD_NEGATIVES
from training.infrared import InfraredPass, draw_infrared_pass, scan_infrared, seen_by_infrared
from training.scan import Pass, any_pass, scan, scanned_beside
from training.scenes import SPANS_ON_NEGATIVES, SPANS_SHARE, draw_scene, roughness
from training.sources import HELD_OUT_PHOTOS, Drawn, Sources, load_sources, photo_paths
from training.synthesizer import draw_sheet
from training.validation import KINDS_BY_BOTH, Case, Limits, held_out_cases, validate

SIZE = 96
NO_SOURCES = Sources()
FILMS = ("clear_slide", "negative")


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
        assert not sheet.infrared.any()
        assert sheet.weight.min() >= 0
        assert sheet.weight.max() <= 1
    shares = [sheet.defect.mean() for sheet in drawn]
    assert min(shares) == 0
    assert 0 < max(shares) < 0.6


def exposed(stock):
    """A grey film that leaks, or not."""
    clear = np.full((3, 200, 300), 0.5, np.float32)
    return Exposed(clear, np.zeros_like(clear), KINDS[stock].stock)


def test_sheets_with_an_infrared_show_in_it_what_it_lacks():
    drawn = [draw_sheet(rng(seed), 2 * SIZE, NO_SOURCES, infrared=True) for seed in range(30)]
    for sheet in drawn:
        assert sheet.infrared.shape == (3, 2 * SIZE, 2 * SIZE)
        assert np.isfinite(sheet.infrared).all()
    seen = [sheet for sheet in drawn if sheet.infrared[2].mean() > 0.5 and sheet.defect.any()]
    assert len(seen) > 3
    shown = [np.median(sheet.infrared[0][sheet.defect]) for sheet in seen]
    assert np.median(shown) > 2


def test_an_infrared_that_is_not_to_be_believed_leaks_or_is_weak_or_clipped():
    drawn = {kind: [draw_infrared_pass(rng(seed), exposed(kind)) for seed in range(60)] for kind in FILMS}
    for some in drawn.values():
        strong = sum(sum(each.leakage.slopes_rgb) > 0.3 for each in some)
        weak = sum(each.optics.contrast < 0.45 for each in some)
        clipped = sum(each.optics.clear_level > 1 for each in some)
        assert strong + weak + clipped == len(some)
        assert min(strong, weak, clipped) > 0


def test_what_damage_takes_of_the_infrared_follows_what_it_takes_of_the_light():
    speck = Patch(DefectKind.DUST, 5, 5, np.ones((9, 9), np.float32), (0.3, 0.3, 0.3), (0, 0, 0), 0.0)
    optics = InfraredOptics(contrast=0.5, contrast_scatter=0.0)
    seen = [seen_by_infrared(rng(seed), (speck,) * 4, optics) for seed in range(40)]
    patches = [patch for each in seen for patch in each]
    assert {round(patch.infrared_density, 6) for patch in patches} == {0.15}
    hidden = sum(max(patch.density_rgb) == 0 for patch in patches)
    assert 0 < hidden < len(patches) / 4


def test_dust_darkens_the_infrared_of_a_sheet_and_a_mount_lets_none_of_it_through():
    speck = Patch(DefectKind.DUST, 90, 140, np.ones((20, 20), np.float32), (0.5, 0.5, 0.5), (0, 0, 0), 0.5)
    how = InfraredPass(Leakage((0.4, 0.1, 0.0)), InfraredOptics(stray_share=0.0))
    share = np.ones((200, 300), np.float32)
    share[:, :50] = 0
    mount = MountPlanes(share, np.zeros_like(share), share > 0)
    light = scan_infrared(rng(), exposed("clear_slide"), (speck,), how, mount)
    assert light[100, 150] / light[20, 150] == pytest.approx(10**-0.5, rel=0.1)
    assert light[100, 20] < 0.01


def test_what_comes_beside_the_picture_is_encoded_as_the_picture_is():
    light = np.array([[0.0, 0.25, 1.0]], np.float32)
    assert scanned_beside(light, light_pass(bits=8)).tolist() == [[0, 64 << 8, 255 << 8]]
    assert scanned_beside(light, light_pass(gamma=2.0))[0, 1] == pytest.approx(65535 / 2, abs=1)


def test_between_a_defect_and_sound_film_lies_a_rim_that_does_not_matter():
    damaged = [sheet for sheet in sheets() if sheet.defect.any()]
    rims = [np.asarray(cv2.dilate(sheet.defect.astype(np.uint8), np.ones((3, 3)))) > sheet.defect for sheet in damaged]
    ignored = sum(int((sheet.weight[rim] == 0).sum()) for sheet, rim in zip(damaged, rims, strict=True))
    assert ignored > 0.3 * sum(int(rim.sum()) for rim in rims)


@pytest.mark.parametrize("name", HARD_NEGATIVES)
def test_what_only_looks_like_dust_changes_the_picture_and_stays_light(name):
    picture: Plane = np.full((SIZE, SIZE, 3), 0.3, np.float32)
    for seed in range(4):
        HARD_NEGATIVES[name](rng(seed), picture)
    assert (picture != np.float32(0.3)).any()
    assert np.isfinite(picture).all()
    assert picture.min() > -0.01


def test_birds_are_spots_and_pairs_of_wings():
    filled = []
    for seed in range(12):
        picture: Plane = np.full((SIZE, SIZE, 3), 0.9, np.float32)
        HARD_NEGATIVES["birds"](rng(seed), picture)
        _, _, boxes, _ = cv2.connectedComponentsWithStats((picture[..., 0] < 0.7).astype(np.uint8))
        filled += [area / (wide * high) for _, _, wide, high, area in boxes[1:] if area > 20]
    assert min(filled) < 0.4
    assert max(filled) > 0.65


def test_a_scene_of_a_photograph_has_its_colours():
    photo = np.zeros((300, 400, 3), np.uint8)
    photo[..., 1] = 200
    greens = [draw_scene(rng(seed), SIZE, Sources(photos=(photo,))).mean((0, 1)) for seed in range(12)]
    assert np.median([green[1] - green[0] for green in greens]) > 0.2


def test_some_scenes_are_thin_things_before_a_sky():
    scenes = [draw_scene(rng(seed), 256, NO_SOURCES, points=False, spans_share=1.0) for seed in range(12)]
    assert all(scene.min() >= 0 and scene.max() <= 1 for scene in scenes)
    # What a median as wide as the lines takes away is mostly a small part of a sky; no sky has none of it.
    shown = [np.rint(255 * np.sqrt(scene[..., 1])).astype(np.uint8) for scene in scenes]
    thin = [float((cv2.absdiff(each, cv2.medianBlur(each, 25)) > 8).mean()) for each in shown]
    assert min(thin) > 0.003
    assert np.median(thin) < 0.3


def test_thin_things_are_drawn_more_often_on_negatives_where_they_are_bright_as_scratches_are(monkeypatch):
    assert spans_share_on(monkeypatch, "clear_slide") == SPANS_SHARE
    assert spans_share_on(monkeypatch, "negative") == SPANS_ON_NEGATIVES


def test_of_photographs_rough_crops_are_taken_more_often(monkeypatch):
    photo = np.full((SIZE, 8 * SIZE, 3), 128, np.uint8)
    photo[:, : 3 * SIZE] = rng(2).integers(0, 256, (SIZE, 3 * SIZE, 3))
    rough = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr("training.scenes.ROUGH_SHARE", share)
        sources = Sources(photos=(photo,))
        scenes = [draw_scene(rng(seed), SIZE, sources, hard_share=0, spans_share=0) for seed in range(40)]
        rough[share] = sum(roughness(scene) > 0.02 for scene in scenes)
    assert rough[1.0] > rough[0.0] + 8


def spans_share_on(monkeypatch, kind):
    asked = []

    def scene(*arguments, spans_share, **settings):
        asked.append(spans_share)
        return draw_scene(*arguments, spans_share=spans_share, **settings)

    for name in ("usual_stock", "any_stock"):
        monkeypatch.setattr(f"training.synthesizer.{name}", lambda _: KINDS[kind].stock)
    monkeypatch.setattr("training.synthesizer.draw_scene", scene)
    draw_sheet(rng(), SIZE, NO_SOURCES)
    return asked[0]


def test_dust_out_of_focus_lies_where_it_lay_and_covers_as_much_less_sharply(monkeypatch):
    sharp, soft = (out_of_focus(monkeypatch, share) for share in (0.0, 1.0))
    assert len(sharp) == len(soft) > 100
    totals, places = ([measure(patch) for patch in soft] for measure in (covered, middle_px))
    assert totals == pytest.approx([covered(patch) for patch in sharp], rel=0.02, abs=0.1)
    assert np.abs(np.subtract(places, [middle_px(patch) for patch in sharp])).max() < 0.2
    assert all(after <= before for before, after in zip(map(steepness, sharp), map(steepness, soft), strict=True))


def out_of_focus(monkeypatch, share):
    monkeypatch.setattr("training.dirt.OUT_OF_FOCUS_SHARE", share)
    return [patch for seed in range(4) for patch in any_dirt(rng(seed), 512, 1.0, NO_SOURCES)]


def covered(patch):
    return float(patch.coverage.sum())


def middle_px(patch):
    rows, cols = np.indices(patch.coverage.shape)
    total = max(covered(patch), 1e-6)
    return (
        patch.top_px + float((rows * patch.coverage).sum()) / total,
        patch.left_px + float((cols * patch.coverage).sum()) / total,
    )


def steepness(patch):
    padded = np.pad(patch.coverage, 1)
    return float(max(np.abs(np.diff(padded, axis=axis)).max() for axis in (0, 1)))


def test_drawn_artefacts_of_every_kind_fit_on_a_sheet():
    opacity = np.zeros((60, 80), np.float32)
    opacity[20:40, 10:70] = 1
    names = ("dots", "smut", "hair", "lint", "stain", "sprink")
    sources = Sources(drawn=tuple(Drawn(name, opacity) for name in names))
    patches = [patch for seed in range(12) for patch in any_dirt(rng(seed), 512, 1.0, sources)]
    assert len(patches) > 100
    assert all(np.isfinite(patch.coverage).all() for patch in patches)


@pytest.mark.parametrize("dirt", [usual_dirt, any_dirt])
def test_some_dirt_is_brown_and_none_is_blue(dirt):
    patches = [patch for seed in range(20) for patch in dirt(rng(seed), 512, 1.0, NO_SOURCES)]
    taken = np.array([patch.density_rgb for patch in patches if min(patch.density_rgb) > 0])
    browner = np.log(taken[:, 2] / taken[:, 0])
    assert 0.1 < (browner > 0.2).mean() < 0.35
    assert (browner < -0.2).mean() < 0.05


def light_pass(**changes):
    settings = {name: getattr(any_pass(rng(), negative=False), name) for name in Pass.__slots__}
    quiet = {"full_well_electrons": 1e8, "read_noise": 1e-6, "exposure": 1.0, "inverted": False, "flare": 0.0}
    return Pass(**(settings | quiet | {"gamma": 1.0, "sharpening": 0.0, "jpeg_quality": 0, "bits": 16} | changes))


def test_dust_takes_from_the_counts_what_it_takes_of_the_light():
    clean: Plane = np.full((40, 40, 3), 0.8, np.float32)
    damaged = clean.copy()
    damaged[10:30, 10:30] *= 0.5
    scanned = scan(rng(), damaged, clean, light_pass())
    assert scanned.rgb[20, 20] / 65535 == pytest.approx(0.4, abs=0.01)
    assert scanned.change[20, 20] == pytest.approx(0.5, abs=0.01)
    assert scanned.change[2, 2] == pytest.approx(0, abs=1e-6)


def test_on_an_inverted_negative_dust_is_white():
    clean = np.repeat(np.linspace(0.1, 0.6, 40, dtype=np.float32)[:, None, None], 40, 1).repeat(3, 2)
    damaged = clean.copy()
    damaged[15:25, 15:25] *= 0.2
    scanned = scan(rng(), damaged, clean, light_pass(inverted=True, gamma=2.2))
    assert scanned.rgb[20, 20].min() > scanned.rgb[20, 4].max()


@pytest.fixture
def folders(tmp_path):
    photos, artefacts = tmp_path / "photos", tmp_path / "artefacts"
    (artefacts / "drawn").mkdir(parents=True)
    photos.mkdir()
    for name in (HELD_OUT_PHOTOS[0], "another"):
        cv2.imwrite(str(photos / f"{name}.jpg"), np.full((40, 60, 3), 90, np.uint8))
    entries = [{"scan": scan, "kind": "dust", "points": [[0, 0], [4, 0], [4, 2]]} for scan in ("1", "6", "8")]
    (artefacts / "outlines.json").write_text(json.dumps(entries))
    for number in range(5):
        cv2.imwrite(str(artefacts / "drawn" / f"dots-{number}.png"), np.full((9, 9), 255, np.uint8))
    return photos, artefacts


def test_pictures_and_outlines_that_are_held_out_are_never_trained_on(folders):
    trained, held_out = (load_sources(*folders, held_out=held_out) for held_out in (False, True))
    assert [path.stem for path in photo_paths(folders[0], held_out=False)] == ["another"]
    assert (len(trained.photos), len(trained.outlines), len(trained.drawn)) == (1, 2, 4)
    assert (len(held_out.photos), len(held_out.outlines), len(held_out.drawn)) == (1, 1, 1)


def test_outlines_become_rows_and_columns_at_the_resolution_of_the_others(folders):
    first, scaled = (outline.points_px for outline in load_sources(*folders, held_out=False).outlines)
    assert first[1].tolist() == [0, 4]
    assert scaled[1].tolist() == [0, 6]


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected photographs"):
        load_sources(tmp_path, None, held_out=False)


def case(defect, stars=None):
    nothing = np.zeros((3, *defect.shape), np.float32)
    return Case("dust", nothing, nothing, defect, defect, stars)


def test_a_detector_that_knows_the_truth_has_full_marks():
    defect = np.zeros((40, 40), np.bool_)
    defect[10:14, 10:14] = True
    figures = validate(lambda *_: defect.astype(np.float32), [case(defect)])[Limits(0.5, 0.5)]
    assert figures.mean_f1 == 1
    assert figures.strong_recall == 1


def test_false_marks_and_touched_stars_are_counted():
    nothing = np.zeros((100, 100), np.bool_)
    marks = np.zeros((100, 100), np.float32)
    marks[10:13, 10:13] = marks[50:52, 50:52] = 1
    marks[80, 80] = 1
    stars = np.zeros((100, 100), np.int32)
    stars[10:12, 10:12], stars[30, 30] = 1, 2
    figures = validate(lambda *_: marks, [case(nothing, stars)])[Limits(0.5, 0.5)]
    assert figures.false_marks_per_mp == pytest.approx(2 / 0.01)
    assert figures.stars_touched == 0.5


def test_photographs_too_small_to_validate_on_are_refused():
    photo = np.zeros((120, 400, 3), np.uint8)
    with pytest.raises(ValueError, match="of 192 x 128 pixels at least, found one of 400 x 120"):
        next(held_out_cases(Sources(photos=(photo,)), 64))


def test_validation_has_damaged_spotless_and_starry_frames():
    cases = list(held_out_cases(NO_SOURCES, rows=64))
    assert sum(case.defect.any() for case in cases) > 20
    assert sum(not case.defect.any() for case in cases if case.group == "spotless") >= 4
    assert any(case.stars is not None and case.stars.max() > 10 for case in cases)
    assert not any(case.infrared.any() for case in cases)
    by_both = list(held_out_cases(NO_SOURCES, rows=64, infrared=True))
    assert {case.group for case in by_both} == {*KINDS_BY_BOTH, "spotless"}
    assert sum(case.infrared.any() for case in by_both) > 10
