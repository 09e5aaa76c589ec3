"""Passwords and tokens are known by their hashes only."""

from __future__ import annotations

import pytest

from filmscand.daemon.station.sections.page import User
from filmscand.daemon.web.doors.passwords import hash_password, hash_token, is_password, is_token, make_token


def test_a_password_is_known_again_and_another_is_not():
    hashed = hash_password("correct horse")
    assert is_password(hashed, "correct horse")
    assert not is_password(hashed, "correct horsf")
    assert not is_password("no hash", "correct horse")
    assert hash_password("correct horse") != hashed
    assert User(name="ada", password=hashed).password.get_secret_value() == hashed


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_a_password_that_is_too_short_or_too_long_is_refused(password):
    with pytest.raises(ValueError, match="expected 8 characters or more"):
        hash_password(password)


def test_a_token_is_long_and_known_again_by_its_hash():
    token, hashed = make_token()
    assert len(token) >= 40
    assert token not in hashed
    assert is_token(hashed, token)
    assert not is_token(hashed, token[:-1])
    assert hash_token(token) == hashed == User(name="p", token=hashed).token.get_secret_value()
