"""Pages of a sorted list by keyset cursors."""

import base64
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_api.public.errors import BadUserInput
from content_api.public.paging import (
    MAX_PAGE_SIZE,
    Page,
    PageArguments,
    decode_cursor,
    encode_cursor,
    page_of,
)

ROWS = list(string.ascii_lowercase)


def page(rows: list[str] = ROWS, **arguments: object) -> Page[str]:
    return page_of(rows, key=lambda row: (row,), order="sites", arguments=PageArguments(**arguments))


def nodes(found: Page[str]) -> str:
    return "".join(edge.node for edge in found.edges)


def cursor(row: str) -> str:
    return encode_cursor("sites", (row,))


@pytest.mark.parametrize(
    ("arguments", "wanted", "has_previous", "has_next"),
    [
        ({"first": 3}, "abc", False, True),
        ({"first": 3, "after": "c"}, "def", True, True),
        ({"first": 3, "after": "x"}, "yz", True, False),
        ({"first": 3, "after": "z"}, "", True, False),
        ({"first": 100}, "".join(ROWS), False, False),
        ({"last": 2}, "yz", True, False),
        ({"last": 2, "before": "y"}, "wx", True, True),
        ({"last": 2, "before": "b"}, "a", False, True),
        ({"first": 9, "after": "c", "before": "f"}, "de", True, True),
        ({"first": 9, "after": "f", "before": "c"}, "", True, True),
    ],
)
def test_page(arguments: dict, wanted: str, has_previous: bool, has_next: bool) -> None:
    for name in ("after", "before"):
        if name in arguments:
            arguments = arguments | {name: cursor(arguments[name])}
    found = page(**arguments)
    assert (nodes(found), found.has_previous_page, found.has_next_page) == (wanted, has_previous, has_next)
    assert found.total_count == 26
    assert found.start_cursor == (cursor(wanted[0]) if wanted else None)
    assert found.end_cursor == (cursor(wanted[-1]) if wanted else None)


@given(st.sets(st.sampled_from(ROWS)), st.integers(1, 9), st.booleans())
def test_pages_together_are_the_list(rows: set[str], size: int, backwards: bool) -> None:
    listed, seen, at = sorted(rows), "", None
    while True:
        found = page(listed, **({"last": size, "before": at} if backwards else {"first": size, "after": at}))
        seen = nodes(found) + seen if backwards else seen + nodes(found)
        more, at = (
            (found.has_previous_page, found.start_cursor)
            if backwards
            else (found.has_next_page, found.end_cursor)
        )
        if not more:
            break
    assert seen == "".join(listed)


def test_a_cursor_outlives_its_row() -> None:
    assert nodes(page([row for row in ROWS if row != "c"], first=2, after=cursor("c"))) == "de"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"first": 1, "last": 1}, {"first": 0}, {"first": -1}, {"last": 0}, {"first": MAX_PAGE_SIZE + 1}],
)
def test_first_or_last_is_needed_from_1_to_100(arguments: dict[str, int]) -> None:
    with pytest.raises(BadUserInput) as refusal:
        PageArguments(**arguments)
    assert "1 to 100" in str(refusal.value)
    assert refusal.value.extensions == {"code": "BAD_USER_INPUT"}


def plain(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "===",
        "not base64!",
        "ünicode",
        plain("sites"),
        plain(["tours", "a"]),
        plain(["sites"]),
        plain(["sites", 1]),
        plain(["sites", "a", "b"]),
        plain({"sites": "a"}),
        "A" * 201,
        plain(["sites", "a"]) + "=\n",
        base64.urlsafe_b64encode(b"[" * 140).decode(),
    ],
)
def test_a_bad_cursor_is_the_callers_mistake(bad: str) -> None:
    with pytest.raises(BadUserInput, match="after: this is not a cursor of this list"):
        decode_cursor("sites", bad, "after")


@given(st.integers(0, 50_000_000), st.text(alphabet=string.ascii_lowercase + "-", min_size=1, max_size=128))
def test_a_cursor_holds_its_key(distance_mm: int, slug: str) -> None:
    made = encode_cursor("near", (distance_mm, slug))
    assert set(made) <= set(string.ascii_letters + string.digits + "-_")
    assert decode_cursor("near", made, "after") == (distance_mm, slug)
