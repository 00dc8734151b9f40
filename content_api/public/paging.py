"""Pages of a sorted list by keyset cursors.

A cursor is the sort key of one row, so a page stays right when rows come or go with the next release.
"""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from content_api.public.errors import BadUserInput

MAX_PAGE_SIZE = 100  # rows; one page of everything is about 0.1 s of work
MAX_CURSOR_CHARS = 200  # the longest key is an id of 64 characters with a distance before it

Row = TypeVar("Row")
Key = tuple[Any, ...]  # strings and whole numbers


@dataclass(frozen=True, slots=True)
class PageArguments:
    """What the caller asked: `first` or `last`, 1 to 100, between two cursors. BadUserInput otherwise."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if (self.first is None) == (self.last is None):
            raise BadUserInput(f"Give either first or last, a number from 1 to {MAX_PAGE_SIZE}.")
        name, size = ("first", self.first) if self.first is not None else ("last", self.last)
        if size is None or not 1 <= size <= MAX_PAGE_SIZE:
            raise BadUserInput(f"{name}: want 1 to {MAX_PAGE_SIZE}, got {size}.")


@dataclass(frozen=True, slots=True)
class Edge(Generic[Row]):
    """One row of a page with its cursor."""

    cursor: str
    node: Row


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Part of a list, and what lies around it."""

    edges: tuple[Edge[Row], ...]
    has_next_page: bool
    has_previous_page: bool
    total_count: int

    @property
    def page_info(self) -> "Page[Row]":
        """The page itself: it carries the fields of PageInfo."""
        return self

    @property
    def start_cursor(self) -> str | None:
        """Cursor of the first row, None on an empty page."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """Cursor of the last row, None on an empty page."""
        return self.edges[-1].cursor if self.edges else None


def page_of(
    rows: Sequence[Row], *, key: Callable[[Row], Key], order: str, arguments: PageArguments
) -> Page[Row]:
    """The page which the arguments ask for.

    rows: sorted by key, which tells any two rows apart. order: name of that order; a cursor made for another
    order is refused. Raises BadUserInput for a bad cursor.
    """
    low, high = 0, len(rows)
    if arguments.after is not None:
        low = bisect_right(rows, decode_cursor(order, arguments.after, "after"), key=key)
    if arguments.before is not None:
        high = max(low, bisect_left(rows, decode_cursor(order, arguments.before, "before"), key=key))
    if arguments.first is not None:
        high = min(high, low + arguments.first)
    elif arguments.last is not None:
        low = max(low, high - arguments.last)
    edges = tuple(Edge(encode_cursor(order, key(row)), row) for row in rows[low:high])
    return Page(edges, high < len(rows), low > 0, len(rows))


def encode_cursor(order: str, key: Key) -> str:
    """A cursor for the row with this key; callers must not look inside."""
    plain = json.dumps([order, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def decode_cursor(order: str, cursor: str, argument: str) -> Key:
    """The key in a cursor that encode_cursor made for the same order. BadUserInput for anything else."""
    if len(cursor) <= MAX_CURSOR_CHARS:
        try:
            plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            found = json.loads(plain)
        except (binascii.Error, ValueError, RecursionError):
            found = None
        if isinstance(found, list) and _has_form_of(order, found):
            return tuple(found[1:])
    raise BadUserInput(
        f"{argument}: this is not a cursor of this list. Use one from an answer to the same field."
    )


KEY_FORMS: dict[str, tuple[type, ...]] = {
    "sites": (str,),
    "tours": (str,),
    "experiences": (str,),
    "near": (int, str),  # distance in millimetres, id
}


def _has_form_of(order: str, found: list[Any]) -> bool:
    return found[:1] == [order] and tuple(type(part) for part in found[1:]) == KEY_FORMS[order]
