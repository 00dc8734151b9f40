"""GraphQL over HTTP: the specification's audits that matter most, and what they miss."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import httpx
import pytest
from graphql import build_client_schema, get_introspection_query, print_schema

from content_api.public import release as release_module
from content_api.public.graphql_request import (
    MAX_BODY_BYTES,
    MAX_QUERY_STRING_BYTES,
    MAX_VARIABLES,
)
from content_api.public.negotiation import choose_media_type, is_readable_json
from content_api.public.schema import SCHEMA
from content_api.store.folder import FolderStore
from tests.content_api.public.conftest import RunningApp, running
from tests.content_api.public.samples import put_release, sample_catalogue

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
TYPENAME = "{ __typename }"
SECRET = "secret words about 20.91,107.02"


def post(app: RunningApp, body: object, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    return app.request("POST", "/graphql", content=content, headers=sent)


def get(app: RunningApp, method: str = "GET", headers: dict[str, str] | None = None, **parameters: str):
    return app.request(method, f"/graphql?{urlencode(parameters)}", headers=headers)


# -- media types -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", JSON),
        (f"{JSON};q=0.5, {RESPONSE};q=0.4", JSON),
        (f"{JSON};q=0.4, {RESPONSE};q=0.5", RESPONSE),
        (f"{RESPONSE}, */*;q=0.1", RESPONSE),
        (f"{JSON};q=0, */*", RESPONSE),
        ("application/*", JSON),
        (f"text/html, {RESPONSE.upper()}; charset=utf-8", RESPONSE),
        ("text/html", None),
        (f"{JSON};q=0, {RESPONSE};q=0", None),
        ("*/*;q=0", None),
        (f"{JSON};q=much", None),
        (f"{JSON};q=nan", None),
        ("," * 1001, None),
    ],
)
def test_accept(accept: str | None, wanted: str | None) -> None:
    assert choose_media_type(accept) == wanted


@pytest.mark.parametrize(
    ("content_type", "readable"),
    [
        (JSON, True),
        ("Application/JSON; Charset=UTF-8", True),
        ('application/json; charset="utf-8"', True),
        ("application/json; charset=latin-1", False),
        ("application/json; charset=utf-16", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/graphql", False),
        (None, False),
    ],
)
def test_content_type(content_type: str | None, readable: bool) -> None:
    assert is_readable_json(content_type) is readable


@pytest.mark.parametrize("media_type", [JSON, RESPONSE])
def test_the_answer_has_the_media_type_asked_for(sandbox: RunningApp, media_type: str) -> None:
    answer = post(sandbox, {"query": TYPENAME}, accept=media_type)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["vary"] == "Accept"


def test_nothing_acceptable_is_406(sandbox: RunningApp) -> None:
    answer = post(sandbox, {"query": TYPENAME}, accept="text/html")
    assert (answer.status_code, answer.headers["content-type"]) == (406, f"{JSON}; charset=utf-8")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=latin-1"])
def test_a_body_of_another_type_is_415(sandbox: RunningApp, content_type: str) -> None:
    answer = post(sandbox, {"query": TYPENAME}, content_type=content_type)
    assert answer.status_code == 415


def test_a_compressed_body_is_415(sandbox: RunningApp) -> None:
    assert post(sandbox, {"query": TYPENAME}, content_encoding="gzip").status_code == 415


# -- malformed requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b'"{ __typename }"',
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"[" * 2000,
        {},
        {"query": None},
        {"query": 1},
        {"query": ""},
        {"query": ["{ __typename }"]},
        {"query": TYPENAME, "variables": 1},
        {"query": TYPENAME, "variables": "{}"},
        {"query": TYPENAME, "variables": []},
        {"query": TYPENAME, "variables": {f"v{i}": 1 for i in range(MAX_VARIABLES + 1)}},
        {"query": TYPENAME, "operationName": 1},
        {"query": TYPENAME, "operationName": "x" * 201},
        {"query": TYPENAME, "extensions": "x"},
    ],
)
@pytest.mark.parametrize("media_type", [JSON, RESPONSE])
def test_what_is_no_request_is_400_in_both_media_types(sandbox: RunningApp, body, media_type: str) -> None:
    answer = post(sandbox, body, accept=media_type)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}
    assert "data" not in answer.json()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ wrong }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ site { slug } }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query($s: String!) { site(slug: $s) { slug } }"}, "BAD_USER_INPUT"),
        (
            {"query": "query($s: String!) { site(slug: $s) { slug } }", "variables": {"s": 1}},
            "BAD_USER_INPUT",
        ),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_REQUEST"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": "fragment F on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "mutation { __typename }"}, "OPERATION_REFUSED"),
        ({"query": "subscription { __typename }"}, "OPERATION_REFUSED"),
    ],
)
@pytest.mark.parametrize(("media_type", "status"), [(JSON, 200), (RESPONSE, 400)])
def test_what_cannot_run_is_400_in_the_newer_media_type(
    sandbox: RunningApp, body: dict, code: str, media_type: str, status: int
) -> None:
    answer = post(sandbox, body, accept=media_type)
    assert answer.status_code == status
    assert "data" not in answer.json()
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {code}


def test_the_operation_is_chosen_by_name(sandbox: RunningApp) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    answer = post(sandbox, {"query": query, "operationName": "B"})
    assert answer.json() == {"data": {"b": "Query"}}


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 413)])
def test_the_body_is_bounded(sandbox: RunningApp, extra: int, status: int) -> None:
    body = json.dumps({"query": TYPENAME}).encode()
    answer = post(sandbox, body + b" " * (MAX_BODY_BYTES + extra - len(body)))
    assert answer.status_code == status


def test_the_body_is_bounded_without_a_length(sandbox: RunningApp) -> None:
    async def pieces():
        for _ in range(40):
            yield b" " * 1000

    answer = sandbox.request("POST", "/graphql", content=pieces(), headers={"content-type": JSON})
    assert answer.status_code == 413


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 414)])
def test_the_query_string_is_bounded(sandbox: RunningApp, extra: int, status: int) -> None:
    query_string = f"query={TYPENAME}".replace(" ", "+")
    filler = "x" * (MAX_QUERY_STRING_BYTES + extra - len(query_string) - len("&pad="))
    assert sandbox.get(f"/graphql?{query_string}&pad={filler}").status_code == status


# -- methods ---------------------------------------------------------------------------------------------


def test_get_with_variables(sandbox: RunningApp) -> None:
    answer = get(
        sandbox,
        query="query Q($slug: String!) { site(slug: $slug) { slug } }",
        variables='{"slug":"hang-luon"}',
        operationName="Q",
        extensions="{}",
    )
    assert (answer.status_code, answer.json()) == (200, {"data": {"site": {"slug": "hang-luon"}}})


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query=%7B__typename%7D&variables=%7B",
        "query=%7B__typename%7D&variables=1",
        "query=%7B__typename%7D&extensions=1",
        "query=%7B__typename%7D&query=%7B__typename%7D",
        "query=%ff",
        "&".join(f"a{i}=1" for i in range(30)),
    ],
)
def test_a_malformed_query_string_is_400(sandbox: RunningApp, query_string: str) -> None:
    assert sandbox.get(f"/graphql?{query_string}").status_code == 400


@pytest.mark.parametrize("operation", ["mutation", "subscription"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_only_queries_over_get(sandbox: RunningApp, operation: str, method: str) -> None:
    answer = get(sandbox, method, query=f"{operation} {{ __typename }}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(sandbox: RunningApp, method: str) -> None:
    answer = sandbox.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


def test_head_is_get_without_a_body(sandbox: RunningApp) -> None:
    full, head = get(sandbox, query=TYPENAME), get(sandbox, "HEAD", query=TYPENAME)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "vary"):
        assert head.headers[name] == full.headers[name]


def test_pages_of_any_origin_may_ask(sandbox: RunningApp) -> None:
    preflight = sandbox.request("OPTIONS", "/graphql", headers={"origin": "https://app.example"})
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "Content-Type" in preflight.headers["access-control-allow-headers"]
    answer = post(sandbox, {"query": TYPENAME}, origin="https://app.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert post(sandbox, b"{", origin="https://app.example").headers["access-control-allow-origin"] == "*"


# -- caching ---------------------------------------------------------------------------------------------


def test_an_answer_over_get_may_be_kept_for_a_while(sandbox: RunningApp) -> None:
    answer = get(sandbox, query="{ release { id } }")
    assert answer.headers["cache-control"] == "public, max-age=30"
    etag = answer.headers["etag"]
    for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = get(sandbox, headers={"if-none-match": held}, query="{ release { id } }")
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == "public, max-age=30"
        assert again.headers["vary"] == "Accept"
        assert "content-length" not in again.headers
    other = get(sandbox, headers={"if-none-match": '"other"'}, query="{ release { id } }")
    assert (other.status_code, other.json()) == (200, answer.json())


def test_two_media_types_have_two_tags(sandbox: RunningApp) -> None:
    tags = {
        get(sandbox, headers={"accept": media_type}, query=TYPENAME).headers["etag"]
        for media_type in (JSON, RESPONSE)
    }
    assert len(tags) == 2


def test_errors_and_posts_are_not_kept(sandbox: RunningApp) -> None:
    for answer in (
        post(sandbox, {"query": TYPENAME}),
        get(sandbox, query="{ wrong }"),
        get(sandbox, query="{ sites { totalCount } }"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_a_new_release_changes_the_tag_and_is_picked_up_without_restart(own_bay: FolderStore) -> None:
    query = "{ release { id sequence experienceCount } }"
    with running(own_bay) as app:
        old = get(app, query=query)
        assert old.json()["data"]["release"]["sequence"] == 1
        release_id = put_release(own_bay, replace(sample_catalogue(), experiences=()), sequence=2)
        for _ in range(100):
            app.wait(0.05)
            new = get(app, query=query, headers={"if-none-match": old.headers["etag"]})
            if new.status_code == 200:
                break
        assert new.json()["data"]["release"] == {"id": release_id, "sequence": 2, "experienceCount": 0}


# -- who may look inside ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["{ __schema { queryType { name } } }", '{ __type(name: "Site") { name } }']
)
def test_introspection_is_for_the_sandbox(sandbox: RunningApp, production: RunningApp, query: str) -> None:
    assert "errors" not in post(sandbox, {"query": query}).json()
    answer = post(production, {"query": query}, accept=RESPONSE)
    assert answer.status_code == 400
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


def test_the_usual_introspection_query_fits_into_the_limits(sandbox: RunningApp) -> None:
    introspection = sandbox.ask(get_introspection_query())
    assert print_schema(build_client_schema(introspection)) == print_schema(SCHEMA)


def test_ad_hoc_queries_are_answered_outside_of_the_sandbox_too(production: RunningApp) -> None:
    assert production.ask('{ site(slug: "hang-luon") { __typename slug } }') == {
        "site": {"__typename": "Site", "slug": "hang-luon"}
    }


# -- when something breaks -------------------------------------------------------------------------------


def break_field(monkeypatch: pytest.MonkeyPatch, type_name: str, field: str, resolve) -> None:
    monkeypatch.setattr(SCHEMA.type_map[type_name].fields[field], "resolve", resolve)


def fail(*_args, **_options):
    raise RuntimeError(SECRET)


def test_our_own_errors_are_masked(sandbox: RunningApp, monkeypatch, caplog) -> None:
    break_field(monkeypatch, "Query", "site", fail)
    answer = sandbox.post('{ site(slug: "x") { slug } release { sequence } }')
    assert answer.status_code == 200
    assert answer.json()["data"] == {"site": None, "release": {"sequence": 1}}
    [error] = answer.json()["errors"]
    request_id = answer.headers["x-request-id"]
    assert error["message"] == f"Something went wrong here. Tell us the request id {request_id}."
    assert error["extensions"] == {"code": "INTERNAL"}
    assert error["path"] == ["site"]
    assert "secret" not in answer.text
    assert request_id in caplog.text
    assert "test_endpoint.py" in caplog.text  # where it happened
    assert "secret" not in caplog.text
    assert "20.91" not in caplog.text


def test_a_value_that_does_not_fit_the_schema_is_masked_too(sandbox: RunningApp, monkeypatch) -> None:
    break_field(monkeypatch, "Release", "sequence", lambda *_: "not a number: secret")
    answer = sandbox.post("{ release { sequence } }").json()
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL"]
    assert "secret" not in json.dumps(answer)


def test_what_breaks_outside_of_resolvers_is_500_and_masked(sandbox: RunningApp, monkeypatch, caplog) -> None:
    monkeypatch.setattr("content_api.public.endpoint.execute", fail)
    answer = sandbox.post(TYPENAME)
    assert answer.status_code == 500
    assert "secret" not in answer.text + caplog.text
    assert answer.headers["x-request-id"] in answer.json()["errors"][0]["message"]


def test_an_argument_whose_variable_was_left_out_is_the_callers_mistake(sandbox: RunningApp) -> None:
    query = "query($s: String) { experiences(first: 1, site: $s) { totalCount } }"
    assert sandbox.ask(query)["experiences"]["totalCount"] == 3
    query = "query($s: String! = null) { site(slug: $s) { slug } }"
    assert sandbox.refusal(query)[0] == "GRAPHQL_VALIDATION_FAILED"
    query = 'query($s: String = "x") { site(slug: $s) { slug } }'
    assert sandbox.refusal(query, s=None)[0] == "BAD_USER_INPUT"


# -- before the first release ----------------------------------------------------------------------------


def test_without_a_release_it_is_alive_but_not_ready(tmp_path, bay: FolderStore) -> None:
    store = FolderStore(tmp_path / "store")
    with running(store) as app:
        assert app.get("/health").json() == {"alive": True}
        assert (app.get("/ready").status_code, app.get("/ready").json()["ready"]) == (503, False)
        answer = app.post(TYPENAME)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["errors"][0]["extensions"] == {"code": "NOT_READY"}
        release_id = put_release(store, sample_catalogue())
        for _ in range(100):
            app.wait(0.05)
            if app.get("/ready").status_code == 200:
                break
        assert app.get("/ready").json() == {"ready": True, "release_id": release_id, "sequence": 1}
        assert app.post(TYPENAME).status_code == 200


def test_ready_follows_the_held_release_not_the_store(own_bay: FolderStore, monkeypatch) -> None:
    with running(own_bay) as app:
        own_bay.put(release_module.CURRENT_KEY, b"spoilt", media_type=JSON)
        app.wait(0.3)
        assert app.get("/ready").status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/schema.graphql"])
def test_small_routes_answer_get_and_head_only(sandbox: RunningApp, path: str) -> None:
    full, head = sandbox.get(path), sandbox.request("HEAD", path)
    assert (full.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]
    answer = sandbox.request("POST", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_schema_is_served(sandbox: RunningApp) -> None:
    answer = sandbox.get("/schema.graphql")
    assert answer.headers["content-type"] == "application/graphql; charset=utf-8"
    assert "type Query {" in answer.text
    again = sandbox.get("/schema.graphql", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
