"""Makes text from outside harmless to show: file names, names of devices, messages that quote them.

A name may contain escape sequences, which clear the screen or write into the title of a terminal, characters that turn
the direction of writing, and bytes that are no UTF-8. A person has to see these characters, and a terminal must not
obey them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Control (Cc), format (Cf: direction of writing, invisible), surrogate (Cs: a byte that is no UTF-8), line and
# paragraph separators (Zl, Zp).
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# ZWNJ and ZWJ belong to the spelling of Persian and Indic words.
_SPELLING: Final = "\u200c\u200d"
# `os.fsdecode` gives the byte 0xNN as the surrogate U+DCNN (PEP 383).
_BYTE_SURROGATES: Final = range(0xDC80, 0xDD00)
_PLAIN = re.compile(r"[ -~]*")
_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+._-]*://)[^\s'\"]+")


def visible(text: object) -> str:
    r"""Return the text with every character written out that a terminal obeys or hides: ``\x1b``, ``\u202e``.

    A byte of a file name that is no UTF-8 is written as that byte: ``caf\xe9.tif``.
    """
    plain = str(text)
    if _PLAIN.fullmatch(plain):
        return plain
    return "".join(_written_out(char) if is_unsafe(char) else char for char in plain)


def is_unsafe(char: str) -> bool:
    """Return whether a terminal would obey or hide this character."""
    return unicodedata.category(char) in _UNSAFE and char not in _SPELLING


def visible_json(document: str) -> str:
    r"""Return a JSON document that means the same, with unsafe characters inside strings as ``\uNNNN``."""
    if _PLAIN.fullmatch(document.replace("\n", "")):
        return document
    return "".join(_in_json(char) if is_unsafe(char) and char != "\n" else char for char in document)


def message_of(error: BaseException) -> str:
    """Return an error as a message for a person; for an `OSError` the file and the reason, without its number."""
    if isinstance(error, OSError) and error.strerror:
        # SQLite and the network name no file.
        files = [str(name) for name in (error.filename, error.filename2) if name is not None]
        return f"{' and '.join(files)}: {error.strerror}" if files else error.strerror
    return str(error) or type(error).__name__


def own_words(message: str) -> str:
    """Return what a check of ours says, without the words that pydantic puts before it."""
    return message.removeprefix("Value error, ")


def without_addresses(text: str) -> str:
    """Return a text without what follows `://` in addresses: it may hold a password or a token."""
    return _ADDRESS.sub(r"\1...", text)


def _written_out(char: str) -> str:
    code = ord(char)
    if code in _BYTE_SURROGATES:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _in_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
