"""Which files make one frame, and which ones wait or need a person."""

import unicodedata
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.ingest.pairs.pairing import (
    Arrived,
    ClaimFrame,
    LeaveToPerson,
    PairRules,
    WaitForPartner,
    decide_pairs,
    is_named_like_half,
    natural_key,
    pair_keys,
)
from filmscand.daemon.station.configuration import PairRule


def arrived(path, since=0.0, holds_infrared=False, is_picture=False):
    row = Candidate(hash(path), "/drop", path, 1000, 1, CandidateState.COMPLETE, None, True, None, 0, 0.0, since, since)
    return Arrived(row, holds_infrared, is_picture=is_picture)


def decide(*files, rule=PairRule.OPTIONAL, now=0.0, incomplete=()):
    return [
        (kind.__name__, *(getattr(decision, name).path for name in names if getattr(decision, name) is not None))
        for decision in decide_pairs(files, incomplete, PairRules(rule, 180.0), now)
        for kind, names in [(type(decision), _NAMES[type(decision)])]
    ]


_NAMES = {ClaimFrame: ("picture", "infrared"), LeaveToPerson: ("candidate",), WaitForPartner: ("candidate",)}


@pytest.mark.parametrize(
    "files",
    [("a.tif", "a_ir.tif"), ("a_IR.tiff", "a.tif"), ("r/a.dng", "r/a.dng.ir.tiff"), ("a.tif", "ir_a.tif")],
    ids=lambda files: " ".join(files),
)
def test_two_halves_are_one_frame_whichever_came_first(files):
    picture = next(name for name in files if "ir" not in name.lower().replace("dng.ir", "ir") or name.endswith(".dng"))
    infrared = next(name for name in files if name != picture)
    assert decide(*map(arrived, files)) == [("ClaimFrame", picture, infrared)]


def test_halves_in_different_folders_have_nothing_to_do_with_each_other():
    assert decide(arrived("r1/a.tif"), arrived("r2/a_ir.tif")) == [
        ("WaitForPartner", "r1/a.tif"),
        ("WaitForPartner", "r2/a_ir.tif"),
    ]


def test_a_picture_with_its_infrared_inside_waits_for_nobody():
    assert decide(arrived("a.tif", holds_infrared=True), rule=PairRule.REQUIRED) == [("ClaimFrame", "a.tif")]


def test_the_other_half_is_waited_for_and_then_done_without():
    assert decide(arrived("a.tif"), now=179.0) == [("WaitForPartner", "a.tif")]
    assert decide(arrived("a.tif"), now=181.0) == [("ClaimFrame", "a.tif")]


def test_where_infrared_is_required_a_person_is_asked():
    assert decide(arrived("a.tif"), rule=PairRule.REQUIRED, now=181.0) == [("LeaveToPerson", "a.tif")]


def test_a_half_that_is_still_being_written_is_waited_for_however_long_it_takes():
    assert decide(arrived("a.tif"), now=9999.0, incomplete=["a_ir.tif"]) == [("WaitForPartner", "a.tif")]


def test_an_infrared_alone_is_never_a_frame():
    assert decide(arrived("a_ir.tif"), now=179.0) == [("WaitForPartner", "a_ir.tif")]
    assert decide(arrived("a_ir.tif"), now=181.0) == [("LeaveToPerson", "a_ir.tif")]


def test_files_that_fit_each_other_in_several_ways_are_left_to_a_person():
    found = decide(arrived("a.tif"), arrived("a_ir.tif"), arrived("a-ir.tif"))
    assert sorted(found) == [("LeaveToPerson", "a-ir.tif"), ("LeaveToPerson", "a.tif"), ("LeaveToPerson", "a_ir.tif")]


def test_an_infrared_beside_a_picture_that_holds_its_own_is_left_to_a_person():
    found = decide(arrived("a.tif", holds_infrared=True), arrived("a_ir.tif"))
    assert found == [("ClaimFrame", "a.tif"), ("LeaveToPerson", "a_ir.tif")]


def test_without_pairing_every_file_is_a_frame():
    found = decide(arrived("a.tif"), arrived("a_ir.tif"), rule=PairRule.NONE)
    assert sorted(found) == [("ClaimFrame", "a.tif"), ("ClaimFrame", "a_ir.tif")]


def test_frames_are_taken_in_the_order_a_person_would_count():
    names = ["b10.tif", "b9.tif", "B1.tif", "a/2.tif", "b9a.tif"]
    found = decide(*(arrived(name, holds_infrared=True) for name in names))
    assert [path for _, path in found] == ["a/2.tif", "B1.tif", "b9.tif", "b9a.tif", "b10.tif"]


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.text("ab_-. ", max_size=4))
@settings(max_examples=60, deadline=None)
def test_numbers_in_names_count_by_their_value(number, more, prefix):
    assert natural_key(f"{prefix}{number}.tif") < natural_key(f"{prefix}{number + more}.tif")


@given(st.lists(st.text("ab09²٣_-./é", max_size=8), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_names_can_be_put_in_order(names):
    ordered = sorted(names, key=natural_key)
    assert all(natural_key(before) <= natural_key(after) for before, after in pairwise(ordered))


def test_a_picture_that_can_be_read_in_two_ways_needs_its_infrared_file():
    doubtful = replace(arrived("a.tif"), doubt="transparency or infrared")
    assert decide(doubtful, now=179.0) == [("WaitForPartner", "a.tif")]
    assert decide(doubtful, arrived("a_ir.tif")) == [("ClaimFrame", "a.tif", "a_ir.tif")]
    left = decide_pairs([doubtful], [], PairRules(PairRule.OPTIONAL, 180.0), 181.0)
    assert left == [LeaveToPerson(doubtful.candidate, "transparency or infrared")]


def test_only_an_infrared_whose_picture_did_not_come_may_belong_to_a_frame_in_the_archive():
    def lone(*files):
        return {
            decision.candidate.path: decision.is_lone_infrared
            for decision in decide_pairs(files, [], PairRules(PairRule.REQUIRED, 180.0), 181.0)
        }

    assert lone(arrived("a_ir.tif")) == {"a_ir.tif": True}
    assert lone(arrived("a.tif")) == {"a.tif": False}
    assert set(lone(arrived("a.tif"), arrived("a_ir.tif"), arrived("a-ir.tif")).values()) == {False}


def test_halves_whose_accents_two_systems_wrote_are_one_frame():
    picture, infrared = unicodedata.normalize("NFC", "Übung.tif"), unicodedata.normalize("NFD", "übung_ir.tif")
    assert decide(arrived(picture), arrived(infrared)) == [("ClaimFrame", picture, infrared)]


def test_a_picture_whose_infrared_did_not_come_says_so():
    decisions = decide_pairs([arrived("a.tif")], [], PairRules(PairRule.OPTIONAL, 180.0), 181.0)
    assert [decision.infrared_timed_out for decision in decisions] == [True]


def test_a_person_is_told_what_is_wrong():
    def reasons(*files, rule=PairRule.OPTIONAL):
        return {decision.reason for decision in decide_pairs(files, [], PairRules(rule, 180.0), 181.0)}

    assert reasons(arrived("a.tif"), rule=PairRule.REQUIRED) == {"no infrared came within 180 s"}
    assert reasons(arrived("a_ir.tif")) == {"no picture came within 180 s"}
    several = reasons(arrived("a.tif"), arrived("a_ir.tif"), arrived("a-ir.tif"))
    assert several == {"more than one pairing is possible: a.tif, a-ir.tif, a_ir.tif"}


@pytest.mark.parametrize(
    ("path", "rule", "infrared"),
    [
        ("r/a_ir.tif", PairRule.OPTIONAL, True),
        ("r/a.tif", PairRule.OPTIONAL, False),
        ("r/a_ir.tif", PairRule.NONE, False),
    ],
)
def test_the_name_tells_an_infrared_half_where_pairs_are_made(path, rule, infrared):
    assert is_named_like_half(path, rule) is infrared


def test_the_halves_of_a_pair_share_a_key_and_those_of_another_folder_do_not():
    assert pair_keys("R/A_IR.tif") & pair_keys("r/a.dng")
    assert not pair_keys("r/a_ir.tif") & pair_keys("s/a.dng")


def test_a_picture_in_colours_is_no_half_whatever_its_name_says():
    pier = arrived("pier_ir.tif", is_picture=True)
    assert decide(arrived("pier.tif"), pier, now=181.0) == [("ClaimFrame", "pier.tif"), ("ClaimFrame", "pier_ir.tif")]
    assert decide(pier) == [("WaitForPartner", "pier_ir.tif")]
    assert decide(pier, rule=PairRule.REQUIRED, now=181.0) == [("LeaveToPerson", "pier_ir.tif")]


def test_a_picture_with_the_name_of_an_infrared_has_an_infrared_of_its_own():
    pier = arrived("pier_ir.tif", is_picture=True)
    halves = [arrived("pier.tif"), pier, arrived("pier_ir_ir.tif"), arrived("pier-ir.tif")]
    pairs = [("pier.tif", "pier-ir.tif"), ("pier_ir.tif", "pier_ir_ir.tif")]
    assert decide(*halves) == [("ClaimFrame", *pair) for pair in pairs]
    assert decide(pier, incomplete=["pier_ir_ir.tif"], now=181.0) == [("WaitForPartner", "pier_ir.tif")]
