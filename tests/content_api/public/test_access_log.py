"""The access log tells how requests ended, and nothing about who asked or for what place."""

import asyncio
import logging
import re

import pytest

from content_api.public.access_log import AccessLog
from tests.content_api.public.conftest import RunningApp
from tests.content_api.public.test_media import raw

LINE = re.compile(r"[A-Z]+ \S+ \d{3} \d+B \d+\.\dms [0-9a-f]{16}")


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog) -> None:
    caplog.set_level(logging.DEBUG)


def access_lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "content_api.access"]


def test_a_line_for_each_request(sandbox: RunningApp, caplog) -> None:
    answer = sandbox.get("/health")
    sandbox.get("/nothing-here")
    first, second = access_lines(caplog)
    assert LINE.fullmatch(first)
    assert LINE.fullmatch(second)
    assert first.startswith(f"GET /health 200 {len(answer.content)}B ")
    assert first.endswith(answer.headers["x-request-id"])
    assert second.startswith("GET /nothing-here 404 ")


NEAR = "query($p: PositionInput!) { experiencesNear(position: $p, radiusM: 4321, first: 1) { totalCount } }"
POSITION = "position: {latDeg: 20.844321, lonDeg: 107.091234}, radiusM: 4321, first: 1"


@pytest.mark.parametrize(
    ("method", "query", "variables"),
    [
        ("GET", f"{{ experiencesNear({POSITION}) {{ totalCount }} }}", None),
        ("GET", f"{{ experiencesNear({POSITION}) {{ wrong }} }}", None),
        ("GET", f"{{ experiencesNear({POSITION}", None),
        ("POST", f"{{ experiencesNear({POSITION}) {{ totalCount }} }}", None),
        (
            "POST",
            NEAR,
            {"p": {"latDeg": 20.844321, "lonDeg": 107.091234}},
        ),
        (
            "POST",
            NEAR,
            {"p": {"latDeg": "20.844321", "lonDeg": 107.091234}},
        ),
        ("POST", '{ experiencesInCell(geohash: "w7g8z9q2", first: 1) { totalCount } }', None),
    ],
)
def test_no_position_is_ever_logged(
    sandbox: RunningApp, caplog, capfd, method: str, query: str, variables: dict | None
) -> None:
    headers = {"x-forwarded-for": "203.0.113.7", "user-agent": "Phone/107.091234", "accept-language": "vi"}
    caplog.clear()
    if method == "GET":
        sandbox.get("/graphql", params={"query": query}, headers=headers)
    else:
        sandbox.post(query, variables, headers=headers)
    written = caplog.text + "".join(capfd.readouterr())
    [line] = access_lines(caplog)
    assert LINE.fullmatch(line)
    assert line.startswith(f"{method} /graphql ")
    # the test's own client logs the address it asked; nothing of ours does
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("content_api")
    )
    for private in ("20.84", "107.09", "4321", "w7g8z", "experiencesNear", "203.0.113.7", "Phone", "?"):
        assert private not in ours
    assert "content_api.access" in written


def test_a_path_cannot_write_a_line_of_its_own(sandbox: RunningApp, caplog) -> None:
    raw(sandbox, "/x\nGET /fake 200 0B 0.0ms 0000000000000000 ☃\x1b[31m?lat=20.84&" + "y" * 500)
    [line] = access_lines(caplog)
    assert "\n" not in line
    assert "20.84" not in line
    assert line.startswith("GET /x_GET_/fake_200_0B_0.0ms_0000000000000000___[31m 404 ")
    assert len(line) < 300


def test_a_request_that_breaks_is_logged_too(caplog) -> None:
    async def broken(scope, receive, send) -> None:
        raise RuntimeError

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
    with pytest.raises(RuntimeError):
        asyncio.run(AccessLog(broken)(scope, None, None))
    [line] = access_lines(caplog)
    assert line.startswith("GET /x 0 0B ")
