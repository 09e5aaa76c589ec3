"""Which kinds of film are inverted."""

from filmscand.daemon.core.film_kind import FilmKind


def test_only_negatives_are_inverted_and_nothing_is_guessed():
    assert {kind for kind in FilmKind if kind.is_negative} == {FilmKind.NEGATIVE, FilmKind.SILVER_NEGATIVE}
