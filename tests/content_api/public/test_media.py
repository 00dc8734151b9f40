"""Derivatives over HTTP: whole, in part, unchanged, and nothing else of the store."""

import hashlib
import json

import pytest

from content_api.public import media
from content_api.public.asgi import matches_etag
from content_api.public.ranges import ByteRange, RangeNotSatisfiable, parse_range
from content_api.store import StoreUnavailable
from content_api.store.folder import FolderStore
from heritage_sites import Quality, Usage
from tests.content_api.public.conftest import RunningApp, running
from tests.content_api.public.samples import add_derivative

BODY = bytes(range(256)) * 8 + b"!"  # 2049 bytes


@pytest.fixture(scope="module")
def url(bay: FolderStore) -> str:
    """A file of 2049 bytes."""
    made = add_derivative(bay, Usage.WEB_3D, Quality.LOW, {"model.glb": BODY, "1/f0_0.jpg": b"tile"})
    return f"/derivatives/{made.derivative_id}/model.glb"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-", ByteRange(0, 100)),
        ("bytes=99-", ByteRange(99, 1)),
        ("bytes=10-19", ByteRange(10, 10)),
        ("bytes=90-1000", ByteRange(90, 10)),
        ("bytes=-10", ByteRange(90, 10)),
        ("bytes=-1000", ByteRange(0, 100)),
        ("bytes= 5-6 ", ByteRange(5, 2)),
        ("bytes=6-5", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=1-2,4-5", None),
        ("items=1-2", None),
        ("bytes=٣-٤", None),
        ("bytes=1" + "0" * 30 + "-", None),
    ],
)
def test_range(header: str | None, wanted: ByteRange | None) -> None:
    assert parse_range(header, 100) == wanted


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_range_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(RangeNotSatisfiable):
        parse_range(header, size)


def test_a_file_comes_whole_and_may_be_kept_for_ever(sandbox: RunningApp, url: str) -> None:
    answer = sandbox.get(url)
    assert (answer.status_code, answer.content) == (200, BODY)
    wanted = {
        "content-type": "model/gltf-binary",
        "content-length": "2049",
        "cache-control": "public, max-age=31536000, immutable",
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert "Content-Range" in answer.headers["access-control-expose-headers"]
    head = sandbox.request("HEAD", url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "2049")
    assert head.headers["etag"] == answer.headers["etag"]


def test_a_file_held_already_is_not_sent_again(sandbox: RunningApp, url: str) -> None:
    etag = sandbox.get(url).headers["etag"]
    again = sandbox.get(url, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert sandbox.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    sibling = sandbox.get(url.replace("model.glb", "1/f0_0.jpg"))
    assert sibling.headers["etag"] != etag
    assert sibling.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("header", "start", "end"), [("bytes=0-0", 0, 0), ("bytes=2000-", 2000, 2048), ("bytes=-49", 2000, 2048)]
)
def test_a_part(sandbox: RunningApp, url: str, header: str, start: int, end: int) -> None:
    answer = sandbox.get(url, headers={"range": header})
    assert (answer.status_code, answer.content) == (206, BODY[start : end + 1])
    assert answer.headers["content-range"] == f"bytes {start}-{end}/2049"
    assert answer.headers["content-length"] == str(end - start + 1)


def test_a_download_resumes_only_into_the_same_file(sandbox: RunningApp, url: str) -> None:
    etag = sandbox.get(url).headers["etag"]
    resumed = sandbox.get(url, headers={"range": "bytes=2040-", "if-range": etag})
    assert (resumed.status_code, resumed.content) == (206, BODY[2040:])
    for other in ('"other"', f"W/{etag}", "Mon, 23 Nov 2026 00:00:00 GMT"):
        whole = sandbox.get(url, headers={"range": "bytes=2040-", "if-range": other})
        assert (whole.status_code, whole.content) == (200, BODY)


def test_a_part_behind_the_end_is_416(sandbox: RunningApp, url: str) -> None:
    answer = sandbox.get(url, headers={"range": "bytes=2049-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */2049")


def test_head_does_not_look_at_the_range(sandbox: RunningApp, url: str) -> None:
    answer = sandbox.request("HEAD", url, headers={"range": "bytes=0-0"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, "2049")


def test_a_large_file_comes_in_pieces(sandbox: RunningApp, bay: FolderStore, monkeypatch) -> None:
    monkeypatch.setattr(media, "CHUNK_BYTES", 1000)
    body = bytes(range(251)) * 40  # 10,040 bytes
    made = add_derivative(bay, Usage.WEB_3D, Quality.MEDIUM, {"model.glb": body})
    url = f"/derivatives/{made.derivative_id}/model.glb"
    assert sandbox.get(url).content == body
    assert sandbox.get(url, headers={"range": "bytes=999-5001"}).content == body[999:5002]


def test_an_empty_file(sandbox: RunningApp, bay: FolderStore) -> None:
    made = add_derivative(bay, Usage.WEB_3D, Quality.MEDIUM, {"model.glb": b""})
    answer = sandbox.get(f"/derivatives/{made.derivative_id}/model.glb")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


def test_the_file_list_vouches_for_every_file(sandbox: RunningApp) -> None:
    query = """{ experience(slug: "dao-ti-top-panorama") { media { derivatives {
      derivativeId fileListUrl baseUrl fileCount bytes files { path url sha256 bytes } } } } }"""
    [found] = sandbox.ask(query)["experience"]["media"]
    for derivative in found["derivatives"]:
        file_list = sandbox.get(derivative["fileListUrl"])
        assert file_list.headers["content-type"] == "application/json"
        assert hashlib.sha256(file_list.content).hexdigest() == derivative["derivativeId"]
        listed = {file["path"]: (file["sha256"], file["bytes"]) for file in json.loads(file_list.content)}
        assert listed == {file["path"]: (file["sha256"], file["bytes"]) for file in derivative["files"]}
        assert len(listed) == derivative["fileCount"]
        for file in derivative["files"]:
            assert file["url"] == derivative["baseUrl"] + file["path"]
            assert hashlib.sha256(sandbox.get(file["url"]).content).hexdigest() == file["sha256"]


ID = "ab" * 32


@pytest.fixture(scope="module")
def secrets(bay: FolderStore) -> FolderStore:
    """The bay's store with things that nobody may read, one of them beside the store."""
    bay.put_new(f"masters/{ID}", b"secret", media_type="application/octet-stream")
    bay.put_new("private/apikeys.json", b"secret", media_type="application/json")
    (bay.root.parent / "outside.json").write_bytes(b"secret")
    (bay.root / "derivatives" / ID).mkdir(parents=True)
    (bay.root / "derivatives" / ID / ".tmp-1234").write_bytes(b"secret")
    return bay


@pytest.mark.parametrize(
    "path",
    [
        f"/masters/{ID}",
        "/private/apikeys.json",
        "/metadata/current.json",
        "/derivatives/",
        f"/derivatives/{ID}",
        f"/derivatives/{ID}/",
        f"/derivatives/{ID}/model.glb",
        f"/derivatives/{ID}/.tmp-1234",
        f"/derivatives/../masters/{ID}",
        f"/derivatives/{ID}/../../masters/{ID}",
        f"/derivatives/{ID}/%2e%2e/%2e%2e/masters/{ID}",
        f"/derivatives/{ID}/..%2f..%2fmasters/{ID}",
        f"/derivatives/{ID}/..%5c..%5cmasters",
        "/derivatives/..%2fprivate%2fapikeys.json",
        f"/derivatives/{ID}/../../../outside.json",
        f"/derivatives/{ID}//etc/passwd",
        "/derivatives//etc/passwd",
        f"/derivatives/{ID}/%00",
        f"/derivatives/{ID}/model.glb%00.jpg",
        f"/derivatives/{ID}/model.glb%0a",
        f"/derivatives/{ID.upper()}/model.glb",
        f"/derivatives/{ID}/{'x' * 2000}",
        f"/derivatives/{ID}/{'a/' * 500}b",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_but_derivatives_is_served(
    secrets: FolderStore, sandbox: RunningApp, path: str, method: str
) -> None:
    answer = sandbox.request(method, path)
    assert answer.status_code == 404
    assert b"secret" not in answer.content


def raw(app: RunningApp, path: str) -> int:
    """The status for a path that no client library would send as it is."""
    statuses: list[int] = []

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
        "root_path": "",
    }
    app._runner.run(app._app(scope, None, send))
    return statuses[0]


@pytest.mark.parametrize("path", [f"/derivatives/{ID}/../../masters/{ID}", f"/derivatives/../masters/{ID}"])
def test_dots_that_arrive_are_refused_too(secrets: FolderStore, sandbox: RunningApp, path: str) -> None:
    assert raw(sandbox, path) == 404


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (f"/derivatives/{ID}/model.glb", f"derivatives/{ID}/model.glb"),
        (f"/derivatives/{ID}/3/f10_2.jpg", f"derivatives/{ID}/3/f10_2.jpg"),
        (f"/derivatives/../masters/{ID}", None),
        (f"/masters/{ID}/x", None),
        (f"/derivatives/{ID}/../{ID}/model.glb", None),
        (f"/derivatives/{ID[:-1]}/model.glb", None),
        (f"/derivatives/{ID}/model.glb/", None),
        (f"/derivatives/{ID}/model.glb\n", None),
    ],
)
def test_a_path_names_a_key_or_nothing(path: str, key: str | None) -> None:
    """The store would refuse bad keys too; this is the first of two doors."""
    assert media._key_of(path) == key


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_derivatives_are_only_read(sandbox: RunningApp, url: str, method: str) -> None:
    answer = sandbox.request(method, url)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_page_may_ask_for_parts(sandbox: RunningApp, url: str) -> None:
    preflight = sandbox.request("OPTIONS", url)
    assert preflight.status_code == 204
    assert "Range" in preflight.headers["access-control-allow-headers"]


def test_a_store_that_is_away_is_503(own_bay: FolderStore, monkeypatch) -> None:
    with running(own_bay) as app:
        monkeypatch.setattr(
            FolderStore, "head", lambda *_: (_ for _ in ()).throw(StoreUnavailable("no connection"))
        )
        answer = app.get(f"/derivatives/{ID}/model.glb")
    assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")


def test_media_urls_follow_the_setting(own_bay: FolderStore) -> None:
    query = """{ experiences(first: 1) { edges { node {
      media { derivatives { baseUrl fileListUrl entry { url } } } } } } }"""
    with running(own_bay, MEDIA_URL="https://cdn.example/bay/") as app:
        [edge] = app.ask(query)["experiences"]["edges"]
        first = edge["node"]["media"][0]["derivatives"][0]
        assert first["baseUrl"].startswith("https://cdn.example/bay/derivatives/")
        assert first["fileListUrl"] == first["baseUrl"] + "files.json"
        assert first["entry"]["url"].startswith(first["baseUrl"])
        path = first["entry"]["url"].removeprefix("https://cdn.example/bay")
        assert app.get(path).status_code == 200  # where the CDN fetches it


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_if_none_match(held: str | None, wanted: bool) -> None:
    assert matches_etag(held, '"a"') is wanted
