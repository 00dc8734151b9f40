"""What a stranger may read of a bucket that holds a release: all that is public, and nothing else."""

import httpx
import pytest

from tests.journey.trip import Trip
from tests.services.seaweedfs import SeaweedFS

pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def root(s3_trip: Trip, s3_server: SeaweedFS) -> str:
    """The address of the store for plain HTTP without credentials."""
    return f"{s3_server.endpoint}/{s3_trip.environment['HALONG_XR_STORE'].removeprefix('s3://')}"


def test_everything_public_is_read_by_anyone(s3_trip: Trip, root: str) -> None:
    keys = [
        key for prefix in ("derivatives/", "releases/", "metadata/") for key in s3_trip.store.list(prefix)
    ]
    assert {key.partition("/")[0] for key in keys} == {"derivatives", "releases", "metadata"}
    for key in keys:
        assert httpx.get(f"{root}/{key}", timeout=30).status_code == 200, key


def test_a_page_of_another_origin_may_read_them(s3_trip: Trip, root: str) -> None:
    answer = httpx.get(f"{root}/metadata/current.json", headers={"Origin": "https://example.org"}, timeout=30)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://example.org")
    assert answer.json()["sequence"] >= 2


def test_masters_and_private_objects_are_refused(s3_trip: Trip, root: str) -> None:
    masters = list(s3_trip.store.list("masters/"))
    assert len(masters) == 3
    s3_trip.store.put("private/note.json", b"{}", media_type="application/json")
    try:
        for key in (*masters, "private/note.json"):
            assert httpx.get(f"{root}/{key}", timeout=30).status_code == 403, key
            assert httpx.head(f"{root}/{key}", timeout=30).status_code == 403, key
    finally:
        s3_trip.store.delete("private/note.json")


def test_a_stranger_lists_and_writes_nothing(s3_trip: Trip, root: str) -> None:
    before = s3_trip.keys()
    bucket, _, prefix = s3_trip.environment["HALONG_XR_STORE"].removeprefix("s3://").partition("/")
    address = root.removesuffix(f"/{prefix}")
    assert address.endswith(bucket)
    for listing in (f"{address}?list-type=2&prefix={prefix}/", f"{address}/?prefix={prefix}/derivatives/"):
        assert httpx.get(listing, timeout=30).status_code == 403
    for key in ("metadata/current.json", "derivatives/new.txt", "masters/new"):
        assert httpx.put(f"{root}/{key}", content=b"mine", timeout=30).status_code == 403
        assert httpx.delete(f"{root}/{key}", timeout=30).status_code == 403
    assert s3_trip.keys() == before
