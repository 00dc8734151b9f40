"""The API over a store in S3: it answers with the bucket's addresses and serves no file itself."""

import hashlib
from datetime import UTC, datetime

import httpx
import pytest

from content_api.public.sdl import print_sdl
from content_api.publish.compile import compile_release
from content_api.publish.publish import publish_release
from content_api.store.s3 import S3Store
from tests.content_api.public.conftest import running
from tests.content_api.public.samples import sample_catalogue

pytestmark = pytest.mark.s3

QUERY = """{ experiences(first: 10) { edges { node { media { derivatives {
  derivativeId baseUrl fileListUrl entry { url sha256 } } } } } } }"""


@pytest.fixture(scope="module")
def bucket(s3_root: S3Store) -> S3Store:
    """The sample bay, published into a bucket by the publisher itself."""
    store = S3Store(s3_root.bucket, "public-api/bay", s3_root.client)
    release = compile_release(sample_catalogue(store), print_sdl())
    publish_release(release, store, clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
    return store


def test_answers_hold_addresses_that_anyone_may_read_and_verify(bucket: S3Store) -> None:
    with running(bucket) as app:
        assert app.get("/ready").json()["sequence"] == 1
        edges = app.ask(QUERY)["experiences"]["edges"]
        derivatives = [
            each for edge in edges for media in edge["node"]["media"] for each in media["derivatives"]
        ]
    assert len(derivatives) == 7
    for derivative in derivatives:
        assert derivative["baseUrl"].startswith("http://127.0.0.1:")
        assert derivative["entry"]["url"].startswith(derivative["baseUrl"])
        file_list = httpx.get(derivative["fileListUrl"])
        assert hashlib.sha256(file_list.content).hexdigest() == derivative["derivativeId"]
        entry = httpx.get(derivative["entry"]["url"])
        assert hashlib.sha256(entry.content).hexdigest() == derivative["entry"]["sha256"]


def test_files_are_not_served_by_the_api(bucket: S3Store) -> None:
    with running(bucket) as app:
        [edge, *_] = app.ask(QUERY)["experiences"]["edges"]
        derivative_id = edge["node"]["media"][0]["derivatives"][0]["derivativeId"]
        assert app.get(f"/derivatives/{derivative_id}/files.json").status_code == 404


def test_a_cdn_comes_before_the_buckets_own_address(bucket: S3Store) -> None:
    with running(bucket, MEDIA_URL="https://cdn.example") as app:
        [edge, *_] = app.ask(QUERY)["experiences"]["edges"]
    base_url = edge["node"]["media"][0]["derivatives"][0]["baseUrl"]
    assert base_url.startswith("https://cdn.example/derivatives/")
