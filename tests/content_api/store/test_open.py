"""From an address to a store."""

import socket

import pytest

from content_api.store import StoreUnavailable, open_store
from content_api.store.folder import FolderStore
from content_api.store.s3 import S3Store

ENV = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def test_a_path_is_a_folder(tmp_path) -> None:
    store = open_store(str(tmp_path / "data"), {})
    assert isinstance(store, FolderStore)
    assert store.root == tmp_path / "data"
    assert not (tmp_path / "data").exists()  # opening writes nothing


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [("s3://bay", "bay", ""), ("s3://bay/", "bay", ""), ("s3://bay/a/b/", "bay", "a/b/")],
)
def test_s3_address(url: str, bucket: str, prefix: str) -> None:
    store = open_store(url, {**ENV, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == (bucket, prefix)
    assert (
        store.public_url("metadata/current.json") == f"http://127.0.0.1:9/bay/{prefix}metadata/current.json"
    )


def test_the_s3_endpoint_goes_before_the_general_one() -> None:
    env = {**ENV, "AWS_ENDPOINT_URL": "http://127.0.0.1:8", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    store = open_store("s3://bay", env)
    assert isinstance(store, S3Store)
    assert store.client.meta.endpoint_url == "http://127.0.0.1:9"
    assert store.client.meta.region_name == "us-east-1"
    store = open_store("s3://bay", {**ENV, "AWS_REGION": "ap-southeast-1"})
    assert isinstance(store, S3Store)
    assert store.client.meta.region_name == "ap-southeast-1"


@pytest.mark.parametrize(
    "url", ["", "s3://", "s3:///a", "http://bay/a", "s3://bay/a?b", "s3://bay/A B", "s3://u@bay"]
)
def test_other_addresses_are_wrong(url: str) -> None:
    with pytest.raises(ValueError, match=r"want a"):
        open_store(url, ENV)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as closed:  # bound, not listening: connecting is refused
        closed.bind(("127.0.0.1", 0))
        env = {**ENV, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{closed.getsockname()[1]}"}
        with pytest.raises(StoreUnavailable, match="Could not connect"):
            open_store("s3://bay", env).put("a", b"x", media_type="application/octet-stream")
