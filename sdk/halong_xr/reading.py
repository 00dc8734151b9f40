"""Reading JSON answers tolerantly: fields we do not know are ignored, missing ones we need are named."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from halong_xr.errors import AnswerUnexpected

T = TypeVar("T")


class Fields:
    """The fields of one JSON object, with its place in the answer for error messages."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise _unexpected(where, "an object", value)
        self._value = value
        self.where = where

    def text(self, name: str) -> str:
        """A string that must be there."""
        return self._needed(name, str, "a text")

    def text_or_none(self, name: str) -> str | None:
        """A string, or None when absent, null or of another kind."""
        value = self._value.get(name)
        return value if isinstance(value, str) else None

    def word(self, name: str) -> str:
        """An enum value in lower case; "unknown" when absent. New values are kept as they come."""
        value = self._value.get(name)
        return value.lower() if isinstance(value, str) and value else "unknown"

    def flag(self, name: str) -> bool:
        """True or false, which must be there: neither may be guessed."""
        return self._needed(name, bool, "true or false")

    def whole(self, name: str) -> int:
        """A whole number that must be there."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _unexpected(self._at(name), "a whole number", value)
        return value

    def number(self, name: str) -> float:
        """A finite number that must be there."""
        value = self.number_or_none(name)
        if value is None:
            raise _unexpected(self._at(name), "a number", self._value.get(name))
        return value

    def number_or_none(self, name: str) -> float | None:
        """A finite number, or None when absent or null."""
        value = self._value.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _unexpected(self._at(name), "a number", value)
        return float(value)

    def json(self, name: str) -> Any:
        """Whatever stands there, None when nothing does."""
        return self._value.get(name)

    def child(self, name: str) -> "Fields":
        """An object that must be there."""
        return Fields(self._value.get(name), self._at(name))

    def child_or_none(self, name: str) -> "Fields | None":
        """An object, or None when absent or null."""
        return None if self._value.get(name) is None else self.child(name)

    def each(self, name: str, read: Callable[["Fields"], T]) -> tuple[T, ...]:
        """Each object of a list; an absent list is empty."""
        return tuple(
            read(Fields(item, f"{self._at(name)}[{place}]")) for place, item in enumerate(self._list(name))
        )

    def texts(self, name: str) -> tuple[str, ...]:
        """The strings of a list; an absent list is empty."""
        return tuple(item for item in self._list(name) if isinstance(item, str))

    def _list(self, name: str) -> list[Any]:
        value = self._value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _unexpected(self._at(name), "a list", value)
        return value

    def _needed(self, name: str, kind: type[T], wanted: str) -> T:
        value = self._value.get(name)
        if not isinstance(value, kind):
            raise _unexpected(self._at(name), wanted, value)
        return value

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


def _unexpected(where: str, wanted: str, got: object) -> AnswerUnexpected:
    came = "nothing" if got is None else f"a value of type {type(got).__name__}"
    return AnswerUnexpected(
        f"the answer should hold {wanted} at {where or 'its top'}, but {came} stands there; "
        "a newer halong-xr-sdk may understand this service"
    )
