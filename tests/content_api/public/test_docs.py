"""docs/formats/graphql.md: its examples run, its limits are the code's."""

import json
import re
from pathlib import Path

import pytest

from content_api.public import errors, execution, graphql_request, limits, paging
from content_api.public.schema import common, media
from tests.content_api.public.conftest import RunningApp

PAGE = (Path(__file__).parents[3] / "docs/formats/graphql.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```graphql\n(.*?)```(?:\n\n```json\n(.*?)```)?", PAGE, re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7


@pytest.mark.parametrize(("query", "variables"), EXAMPLES)
def test_an_example_runs_and_answers_something(production: RunningApp, query: str, variables: str) -> None:
    data = production.ask(query, **json.loads(variables or "{}"))
    assert None not in data.values()
    for found in data.values():
        assert found.get("edges") != []
        assert all(each["derivatives"] for each in found.get("media", []))


def test_the_example_over_http_runs(production: RunningApp) -> None:
    [address] = re.findall(r"```http\nGET (\S+)\n```", PAGE)
    assert production.get(address).json() == {"data": {"release": {"sequence": 1}}}


def test_the_page_tells_every_error_code() -> None:
    codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}
    assert codes == set(re.findall(r"`([A-Z]+_?[A-Z_]*)`(?:,| \|)", PAGE.partition("extensions.code")[2]))


def test_the_page_tells_the_limits() -> None:
    section = PAGE.partition("## Limits")[2]
    told = dict(re.findall(r"^\| (.*?) \| ([\d,; ]+?)(?: bytes)? \|$", section, re.MULTILINE))
    wanted = {
        "body; query string": (graphql_request.MAX_BODY_BYTES, graphql_request.MAX_QUERY_STRING_BYTES),
        "tokens of a document": (limits.MAX_TOKENS,),
        "levels of fields": (limits.MAX_DEPTH,),
        "root fields; aliases; directives; fragments; operations": (
            limits.MAX_ROOT_FIELDS,
            limits.MAX_ALIASES,
            limits.MAX_DIRECTIVES,
            limits.MAX_FRAGMENTS,
            limits.MAX_OPERATIONS,
        ),
        "fields of one name in a document": (limits.MAX_SAME_NAME,),
        "rows of a page; files of a derivative": (paging.MAX_PAGE_SIZE, media.MAX_FILES),
        "fields of an answer": (execution.MAX_FIELDS,),
        "languages asked for at once": (common.MAX_LANGUAGES,),
    }
    assert told == {name: "; ".join(f"{value:,}" for value in values) for name, values in wanted.items()}
