"""Checks which the values of this package run on themselves when they are made."""

import re
import unicodedata
from collections.abc import Hashable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

MAX_ID_CHARS = 64  # ids become file names, URLs and store keys
MAX_TEXT_CHARS = 20_000  # a long article; more is a mistake or an attack
MAX_LINE_CHARS = 2_000  # a note, a credit, a source with its page and remark
MAX_URL_CHARS = 2_000  # what browsers and servers agree on

Word = TypeVar("Word", bound=StrEnum)

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WEB_URL = re.compile(r"https?://[^\s/?#\"'<>\\]+[^\s\"'<>\\]*")
_NOT_TEXT = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")  # controls and lone surrogates
_SHA256 = re.compile(r"[0-9a-f]{64}")


class FieldInvalid(ValueError):
    """A field of a value holds what it must not hold. `field` names it, `message` says wanted and got."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type["FieldInvalid"], tuple[str, str]]:
        return type(self), (self.field, self.message)


def set_field(value: object, field: str, content: object) -> None:
    """Set a field of a frozen value while it is being made (and never after)."""
    object.__setattr__(value, field, content)


def number(field: str, value: Any, low: float, high: float) -> float:
    """The value as a float within [low, high]; refuses NaN, infinities, booleans and text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FieldInvalid(field, f"want a number, got {_short(value)}")
    if not low <= value <= high:  # written so that NaN fails too
        raise FieldInvalid(field, f"want {low:g} to {high:g}, got {_short(value)}")
    return float(value) + 0.0  # turns -0.0 into 0.0: equal values are written alike


def whole_number(field: str, value: Any, low: int, high: int) -> int:
    """The value as an int within [low, high]; refuses booleans and floats."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldInvalid(field, f"want a whole number, got {_short(value)}")
    if not low <= value <= high:
        raise FieldInvalid(field, f"want {low} to {high}, got {_short(value)}")
    return value


def boolean(field: str, value: Any) -> bool:
    """The value if it is exactly True or False."""
    if not isinstance(value, bool):
        raise FieldInvalid(field, f"want true or false, got {_short(value)}")
    return value


def text(field: str, value: Any, *, max_chars: int = MAX_LINE_CHARS, may_be_empty: bool = False) -> str:
    """The text in Unicode normal form C; refuses control characters, lone surrogates and excess length."""
    if not isinstance(value, str):
        raise FieldInvalid(field, f"want text, got {_short(value)}")
    if len(value) > max_chars:
        raise FieldInvalid(field, f"want at most {max_chars} characters, got {len(value)}")
    if not may_be_empty and not value.strip():
        raise FieldInvalid(field, "want text, got nothing")
    value = value.replace("\r\n", "\n")
    if found := _NOT_TEXT.search(value):
        raise FieldInvalid(field, f"holds a character that is not text (U+{ord(found[0]):04X})")
    return unicodedata.normalize("NFC", value)  # one Vietnamese letter, one spelling


def word(field: str, words: type[Word], value: Any) -> Word:
    """The value as one of a fixed set of words."""
    for item in words:
        if item == value:
            return item
    raise FieldInvalid(field, f"want one of {', '.join(words)}, got {_short(value)}")


def identifier(field: str, value: Any, *, max_chars: int = MAX_ID_CHARS) -> str:
    """A stable id: lower-case ASCII words and digits joined by single hyphens."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > max_chars:
        raise FieldInvalid(
            field, f"want lower-case letters, digits and hyphens (at most {max_chars}), got {_short(value)}"
        )
    return value


def web_url(field: str, value: Any) -> str:
    """An http or https address; refuses every other scheme, so that it may stand in a page's link."""
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS or not _WEB_URL.fullmatch(value):
        raise FieldInvalid(
            field, f"want an address that begins with http:// or https://, got {_short(value)}"
        )
    return value


def sha256_hex(field: str, value: Any) -> str:
    """A SHA-256 as 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise FieldInvalid(field, f"want a SHA-256 in 64 lower-case hexadecimal digits, got {_short(value)}")
    return value


def unique(field: str, values: Iterable[Hashable]) -> None:
    """Refuses a value that appears twice."""
    seen: set[Hashable] = set()
    for value in values:
        if value in seen:
            raise FieldInvalid(field, f"holds {_short(value)} twice")
        seen.add(value)


def _short(value: object) -> str:
    shown = repr(value) if not isinstance(value, int) or -(10**20) < value < 10**20 else "a huge number"
    return shown if len(shown) <= 60 else shown[:57] + "..."
