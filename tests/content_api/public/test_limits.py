"""What a document may ask, at each limit and one past it."""

import re
import time
from pathlib import Path

import pytest
from graphql import parse
from halong_xr.documents import DOCUMENTS

from content_api.public import execution
from content_api.public.documents import MAX_CACHED_CHARS, MAX_DOCUMENTS, MAX_REFUSED, Documents
from content_api.public.limits import (
    MAX_ALIASES,
    MAX_DEPTH,
    MAX_DIRECTIVES,
    MAX_FRAGMENTS,
    MAX_INTROSPECTION_DEPTH,
    MAX_OPERATIONS,
    MAX_ROOT_FIELDS,
    MAX_SAME_NAME,
    MAX_TOKENS,
    LimitExceeded,
    check_limits,
)
from content_api.public.schema import SCHEMA
from tests.content_api.public.conftest import RunningApp


def deep(levels: int) -> str:
    return "{" + "a{" * (levels - 1) + "b" + "}" * levels


def deep_introspection(levels: int) -> str:
    return "{ __schema {" + "a{" * (levels - 1) + "b" + "}" * levels + "}"


def chained(levels: int) -> str:
    """As deep, but through fragments."""
    links = [f"fragment F{i} on T {{ a {{ ...F{i + 1} }} }}" for i in range(levels - 1)]
    return " ".join(["{ ...F0 }", *links, f"fragment F{levels - 1} on T {{ b }}"])


def fragments(count: int) -> str:
    return "{ a } " + " ".join(f"fragment F{i} on T {{ a }}" for i in range(count))


def same_name(count: int) -> str:
    """The same name over and over, few enough of them at the root."""
    return "{ x { " + "a " * count + "} }"


@pytest.mark.parametrize(
    ("document", "limit", "what"),
    [
        (deep, MAX_DEPTH, "levels"),
        (chained, MAX_DEPTH, "levels"),
        (deep_introspection, MAX_INTROSPECTION_DEPTH, "levels of introspection"),
        (lambda n: "{ x {" + " ".join(f"a{i}: a" for i in range(n)) + "} }", MAX_ALIASES, "aliases"),
        (lambda n: "{ a " + "@skip(if: false) " * n + "}", MAX_DIRECTIVES, "directives"),
        (lambda n: "query " + "@x " * n + "{ a }", MAX_DIRECTIVES, "directives"),
        (lambda n: "{" + " ".join(f"f{i}" for i in range(n)) + "}", MAX_ROOT_FIELDS, "root fields"),
        (
            lambda n: "{ ...F } fragment F on Query {" + " ".join(f"f{i}" for i in range(n)) + "}",
            MAX_ROOT_FIELDS,
            "root fields",
        ),
        (fragments, MAX_FRAGMENTS, "fragments"),
        (lambda n: " ".join(f"query Q{i} {{ a }}" for i in range(n)), MAX_OPERATIONS, "operations"),
        (same_name, MAX_SAME_NAME, "fields of one name"),
    ],
)
def test_limit(document, limit: int, what: str) -> None:
    check_limits(parse(document(limit)))
    with pytest.raises(LimitExceeded) as refusal:
        check_limits(parse(document(limit + 1)))
    assert str(refusal.value) == f"The document has too many {what}: at most {limit}."
    assert refusal.value.extensions == {"code": "LIMIT_EXCEEDED"}


def test_fragments_inside_themselves_are_left_to_validation() -> None:
    text = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A release { id } }"
    check_limits(parse(text))
    [error] = Documents(SCHEMA, introspection=False).prepare(text).errors
    assert error.extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "Cannot spread fragment" in error.message


def test_tokens_are_counted_while_reading() -> None:
    documents = Documents(SCHEMA, introspection=False)
    fits = "{ release { id } }" + " #" + "x" * 10
    assert documents.prepare(fits).errors == ()
    many = "{ " + "a " * (MAX_TOKENS - 2) + "}"
    [error] = documents.prepare(many).errors
    assert "fields of one name" in error.message  # exactly 1000 tokens are read
    [error] = documents.prepare(many + " #\n{").errors
    assert error.message == f"Syntax Error: Document contains more than {MAX_TOKENS} tokens. Parsing aborted."


HOSTILE = {
    "spreads that multiply": "{ ...F0 } "
    + " ".join(f"fragment F{i} on Query {{ {f'...F{i + 1} ' * 20} }}" for i in range(18))
    + " fragment F18 on Query { release { id } }",
    "one field, many times": "{ sites(first: 1) { edges { node { " + "slug " * 900 + "} } } }",
    "deep braces": "{a" * 450,
    "deep lists": "{ a(b: " + "[" * 900,
    "a long text": '{ site(slug: "' + "x" * 16_000 + '") { slug } }',
    "nonsense": "\ufeff" * 8000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_soon_and_sooner_again(name: str) -> None:
    documents = Documents(SCHEMA, introspection=False)
    start_s = time.process_time()
    prepared = documents.prepare(HOSTILE[name])
    took_s = time.process_time() - start_s
    if name != "a long text":
        assert prepared.errors
    assert took_s < 0.5  # most take 2 to 20 ms; without the limits, seconds
    start_s = time.process_time()
    for _ in range(100):
        assert documents.prepare(HOSTILE[name]) is prepared
    assert (time.process_time() - start_s) / 100 < 0.001


def test_at_most_five_errors_are_told() -> None:
    text = "{ " + " ".join(f"wrong{i}" for i in range(9)) + " }"
    errors = Documents(SCHEMA, introspection=False).prepare(text).errors
    assert len(errors) == 5
    assert {error.extensions["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


def test_the_document_cache_is_bounded_by_number_and_by_text() -> None:
    documents = Documents(SCHEMA, introspection=False)
    first = documents.prepare("{ release { id } }")
    for i in range(MAX_REFUSED + 50):
        documents.prepare(f"{{ wrong{i} }}")
    assert documents.prepare("{ release { id } }") is first  # refused ones do not push good ones out
    for i in range(MAX_DOCUMENTS):
        documents.prepare(f"{{ release {{ id }} }} # {i}")
    assert documents.prepare("{ release { id } }") is not first
    size = MAX_CACHED_CHARS // 4
    large = [f"{{ release {{ id }} }} # {i} " + "x" * size for i in range(4)]
    kept = [documents.prepare(text) for text in large]
    assert documents.prepare(large[-1]) is kept[-1]
    assert documents.prepare(large[0]) is not kept[0]


def test_an_answer_that_grows_too_large_is_cut_off(sandbox: RunningApp, monkeypatch) -> None:
    query = "{ sites(first: 100) { edges { node { slug names { text } } } } }"
    fields = 1 + 1 + 57 * (1 + 2) + 2 * 57
    monkeypatch.setattr(execution._Counted, "fields_left", fields)
    assert "errors" not in sandbox.post(query).json()
    monkeypatch.setattr(execution._Counted, "fields_left", fields - 1)
    answer = sandbox.post(query).json()
    assert "data" not in answer
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert error["message"] == "The answer would have more than 50000 fields: ask for less at once."


def test_the_questions_of_sdk_and_page_are_within_the_limits() -> None:
    """Their documents, as they are in their files."""
    page = (Path(__file__).parents[3] / "content_api/web/src/api.js").read_text(encoding="utf-8")
    asked = [*DOCUMENTS.values(), *re.findall(r"= `(query .*?)`;", page, re.DOTALL)]
    assert len(asked) >= 8
    documents = Documents(SCHEMA, introspection=False)
    assert [error.message for text in asked for error in documents.prepare(text).errors] == []
