"""Files larger than one request: in pieces, whole or not at all, in little memory."""

import hashlib
import tracemalloc

import pytest

from content_api.store import ContentChanged, Store, open_store
from content_api.store.s3 import S3Store

OCTETS = "application/octet-stream"
MIB = 1 << 20


@pytest.fixture
def large(tmp_path):
    """40 MiB in which each mebibyte is another one."""
    path = tmp_path / "large"
    path.write_bytes(b"".join(bytes([number]) * MIB for number in range(40)))
    return path


def test_a_large_file_is_streamed(store: Store, large) -> None:
    digest = hashlib.sha256(large.read_bytes()).hexdigest()
    key = f"masters/{digest}"
    tracemalloc.start()
    assert store.put_file_new(key, large, media_type=OCTETS, sha256=digest) is True
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 36 * MIB  # two parts of 16 MiB at most, never the whole file
    info = store.head(key)
    assert info is not None
    assert info.bytes == 40 * MIB
    for start in (0, 16 * MIB - 1, 32 * MIB - 1):
        expected = large.read_bytes()[start : start + 2]
        assert store.get_range(key, start, 2) == expected
    assert store.put_file_new(key, large, media_type=OCTETS, sha256=digest) is False


def test_a_large_file_that_changed_is_not_stored(store: Store, large) -> None:
    with pytest.raises(ContentChanged):
        store.put_file_new("masters/other", large, media_type=OCTETS, sha256="0" * 64)
    assert list(store.list("")) == []


@pytest.mark.s3
def test_parts_lose_the_race_to_a_finished_object(s3_server, large, monkeypatch) -> None:
    bucket = s3_server.new_bucket()
    store = open_store(f"s3://{bucket}", s3_server.env())
    assert isinstance(store, S3Store)
    monkeypatch.setattr(S3Store, "exists", lambda self, key: False)  # as if the other came while we sent
    store.put("masters/raced", b"the other one", media_type=OCTETS)
    assert store.put_file_new("masters/raced", large, media_type=OCTETS) is False
    assert store.get("masters/raced", max_bytes=100) == b"the other one"
    assert s3_server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
