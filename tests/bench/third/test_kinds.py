"""The kinds of the third simulator cover films, scenes and infrared of every sort."""

from __future__ import annotations

from bench.third.kinds import KINDS
from bench.third.recipe import Group, Match, Process, Scene


def test_every_group_process_and_scene_has_a_kind():
    assert {kind.group for kind in KINDS} == set(Group)
    assert {kind.film.process for kind in KINDS} == set(Process)
    assert {kind.scene for kind in KINDS if kind.group is Group.SPOTLESS} == set(Scene)


def test_infrared_that_does_not_fit_is_a_group_of_its_own():
    wrong = {kind.name for kind in KINDS if kind.infrared.match in (Match.OTHER, Match.MIRRORED)}
    assert wrong < {kind.name for kind in KINDS if kind.group is Group.MISFIT}
