"""Passwords and tokens: how they are made, hashed and compared. Nothing of it is stored but hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# RFC 9106, second recommendation: 64 MiB, three passes; about a tenth of a second.
_HASHER: Final = PasswordHasher()
_PREFIX: Final = "sha256:"
# Of random bytes nothing can be guessed, so that a plain hash is enough.
_TOKEN_BYTES: Final = 32
# What a person may type; it is hashed as a whole.
LONGEST_PASSWORD: Final = 1000
SHORTEST_PASSWORD: Final = 8


def hash_password(password: str) -> str:
    """Return the line for the key `password` of a user.

    Raises
    ------
    ValueError
        The password is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"expected {SHORTEST_PASSWORD} characters or more, found {len(password)}")
    return _HASHER.hash(password)


def is_password(hashed: str, password: str) -> bool:
    """Return whether a password is the one of this hash; it takes a tenth of a second."""
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def make_token() -> tuple[str, str]:
    """Return a new token for a program, and the line for the key `token` of a user."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """Return the hash of a token, as the configuration has it."""
    return _PREFIX + hashlib.sha256(token.encode()).hexdigest()


def is_token(hashed: str, token: str) -> bool:
    """Return whether a token is the one of this hash, in a time that tells nothing."""
    return hmac.compare_digest(hashed, hash_token(token))
