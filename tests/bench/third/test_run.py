"""The run of the third bench."""

from __future__ import annotations

from bench.third.kinds import KINDS
from bench.third.run import Run, make_cases, measured
from filmscand.ir.report import DetectorUse
from support.ir_frames import compiled

NAMES = [KINDS[0].name, "stray dust"]


def test_each_named_kind_has_its_frames_with_seeds_of_their_own():
    cases = list(make_cases(NAMES, 3))
    assert [case.kind.name for case in cases] == [NAMES[0]] * 3 + [NAMES[1]] * 3
    assert len({(case.index, case.number) for case in cases}) == 6


@compiled
def test_the_figures_do_not_depend_on_the_number_of_processes():
    run = Run((160, 240), None, DetectorUse.OFF, False, None)
    cases = list(make_cases(NAMES, 1))
    alone, shared = ([each for found in measured(cases, run, jobs) for each in found] for jobs in (1, 2))
    assert [each.kind for each in alone] == NAMES
    for first, again in zip(alone, shared, strict=True):
        assert first.scored.gained_db == again.scored.gained_db
        assert first.scored.remnants == again.scored.remnants
