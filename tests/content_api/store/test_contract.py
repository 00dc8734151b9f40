"""What a store promises, on a folder and on a real S3."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from content_api.store import (
    ContentChanged,
    KeyInvalid,
    NotFound,
    ObjectInfo,
    RangeInvalid,
    Store,
    TooLarge,
)
from content_api.store.folder import FolderStore

OCTETS = "application/octet-stream"
JSON = "application/json"


def test_what_was_put_is_what_comes_back(store: Store) -> None:
    store.put("metadata/current.json", b'{"sequence":1}', media_type=JSON)
    assert store.get("metadata/current.json", max_bytes=100) == b'{"sequence":1}'
    info = store.head("metadata/current.json")
    assert info is not None
    assert info == ObjectInfo(bytes=14, media_type=JSON, etag=info.etag)
    assert info.etag.startswith('"')


def test_put_replaces(store: Store) -> None:
    store.put("metadata/current.json", b"old and longer", media_type=JSON)
    old = store.head("metadata/current.json")
    store.put("metadata/current.json", b"new", media_type=JSON)
    new = store.head("metadata/current.json")
    assert store.get("metadata/current.json", max_bytes=100) == b"new"
    assert old is not None
    assert new is not None
    assert old.etag != new.etag
    assert list(store.list("")) == ["metadata/current.json"]


def test_put_new_leaves_what_is_there(store: Store) -> None:
    assert store.put_new("masters/aa", b"first", media_type=OCTETS) is True
    assert store.put_new("masters/aa", b"second", media_type=OCTETS) is False
    assert store.get("masters/aa", max_bytes=100) == b"first"


def test_replace_only_what_was_read(store: Store) -> None:
    key = "metadata/current.json"
    assert store.replace(key, b"early", media_type=JSON, etag='"none"') is False
    assert store.exists(key) is False
    assert store.replace(key, b"first", media_type=JSON, etag=None) is True
    assert store.replace(key, b"again", media_type=JSON, etag=None) is False
    first = store.head(key)
    assert first is not None
    assert store.replace(key, b"second", media_type=JSON, etag=first.etag) is True
    assert store.replace(key, b"third", media_type=JSON, etag=first.etag) is False
    assert store.get(key, max_bytes=100) == b"second"
    assert list(store.list("")) == [key]


def test_of_many_replacements_one_wins(store: Store) -> None:
    writers = 16
    store.put("metadata/current.json", b"old", media_type=JSON)
    old = store.head("metadata/current.json")
    assert old is not None
    start = threading.Barrier(writers)

    def write(number: int) -> bool:
        start.wait()
        return store.replace("metadata/current.json", b"%d" % number, media_type=JSON, etag=old.etag)

    with ThreadPoolExecutor(writers) as pool:
        made = list(pool.map(write, range(writers)))
    assert made.count(True) == 1
    assert store.get("metadata/current.json", max_bytes=100) == b"%d" % made.index(True)


def test_of_many_writers_one_wins(store: Store) -> None:
    writers = 32
    for turn in range(
        20 if isinstance(store, FolderStore) else 1
    ):  # SeaweedFS lines them up, some seconds a turn
        key = f"metadata/releases/{turn:08d}.json"
        start = threading.Barrier(writers)

        def write(number: int, key: str = key, start: threading.Barrier = start) -> bool:
            start.wait()
            return store.put_new(key, f"writer {number}".encode(), media_type=JSON)

        with ThreadPoolExecutor(writers) as pool:
            made = list(pool.map(write, range(writers)))
        assert made.count(True) == 1
        assert store.get(key, max_bytes=100) == f"writer {made.index(True)}".encode()


def test_of_many_file_writers_one_wins(store: Store, tmp_path) -> None:
    writers = 8
    paths = []
    for number in range(writers):
        path = tmp_path / f"file-{number}"
        path.write_bytes(bytes([number]) * 100_000)
        paths.append(path)
    start = threading.Barrier(writers)

    def write(number: int) -> bool:
        start.wait()
        return store.put_file_new("masters/race", paths[number], media_type=OCTETS)

    with ThreadPoolExecutor(writers) as pool:
        made = list(pool.map(write, range(writers)))
    assert made.count(True) == 1
    assert store.get("masters/race", max_bytes=100_000) == paths[made.index(True)].read_bytes()


def test_a_reader_sees_one_whole_version_while_it_is_replaced(store: Store) -> None:
    versions = {bytes([number]) * 200_000 for number in range(4)}
    store.put("metadata/current.json", min(versions), media_type=JSON)
    stop = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(store.get("metadata/current.json", max_bytes=200_000))

    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(read)
        for _turn in range(5):
            for version in sorted(versions):
                store.put("metadata/current.json", version, media_type=JSON)
        stop.set()
        reader.result()
    assert len(seen) > 1
    assert set(seen) <= versions


def test_missing(store: Store) -> None:
    with pytest.raises(NotFound) as refusal:
        store.get("masters/none", max_bytes=1)
    assert refusal.value.key == "masters/none"
    with pytest.raises(NotFound):
        store.get_range("masters/none", 0, 1)
    assert store.head("masters/none") is None
    assert store.exists("masters/none") is False
    assert list(store.list("")) == []
    store.delete("masters/none")


def test_a_folder_of_keys_is_no_object(store: Store) -> None:
    store.put("derivatives/d1/model.glb", b"glb", media_type="model/gltf-binary")
    assert store.head("derivatives/d1") is None
    with pytest.raises(NotFound):
        store.get("derivatives/d1", max_bytes=10)
    with pytest.raises(NotFound):
        store.get("derivatives/d1/model.glb/deeper", max_bytes=10)
    assert store.head("derivatives/d1/model.glb/deeper") is None


def test_delete(store: Store) -> None:
    store.put("private/a.json", b"{}", media_type=JSON)
    store.put("private/b.json", b"{}", media_type=JSON)
    store.delete("private/a.json")
    assert store.exists("private/a.json") is False
    assert list(store.list("")) == ["private/b.json"]


def test_size_limit_of_get(store: Store) -> None:
    store.put("masters/ten", b"0123456789", media_type=OCTETS)
    assert store.get("masters/ten", max_bytes=10) == b"0123456789"
    with pytest.raises(TooLarge) as refusal:
        store.get("masters/ten", max_bytes=9)
    assert (refusal.value.limit_bytes, refusal.value.actual_bytes) == (9, 10)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 1, b"0"),
        (0, 10, b"0123456789"),
        (0, 100, b"0123456789"),
        (3, 4, b"3456"),
        (8, 100, b"89"),
        (9, 1, b"9"),
    ],
)
def test_range(store: Store, start: int, length: int, expected: bytes) -> None:
    store.put("masters/ten", b"0123456789", media_type=OCTETS)
    assert store.get_range("masters/ten", start, length) == expected


def test_range_outside(store: Store) -> None:
    store.put("masters/ten", b"0123456789", media_type=OCTETS)
    store.put("masters/empty", b"", media_type=OCTETS)
    for key, start in [("masters/ten", 10), ("masters/ten", 11), ("masters/empty", 0)]:
        with pytest.raises(RangeInvalid):
            store.get_range(key, start, 1)
    for start, length in [(-1, 1), (0, 0), (0, -1)]:
        with pytest.raises(ValueError, match="want start >= 0 and length > 0"):
            store.get_range("masters/ten", start, length)


def test_empty_object(store: Store) -> None:
    assert store.put_new("masters/empty", b"", media_type=OCTETS) is True
    assert store.get("masters/empty", max_bytes=0) == b""
    assert store.put_new("masters/empty", b"x", media_type=OCTETS) is False


def test_list_is_in_byte_order_and_by_prefix(store: Store) -> None:
    # - and . come before / and letters: a server that walks folders would give another order
    keys = ["a-b/x", "a.b", "a/b", "a0", "a/a/c", "b", "a/b-c/d", "a/b.c", "a_b"]
    for key in keys:
        store.put_new(key, b"x", media_type=OCTETS)
    assert list(store.list("")) == sorted(keys, key=str.encode)
    assert list(store.list("a/")) == ["a/a/c", "a/b", "a/b-c/d", "a/b.c"]
    assert list(store.list("a/b")) == ["a/b", "a/b-c/d", "a/b.c"]
    assert list(store.list("a/b-c/")) == ["a/b-c/d"]
    assert list(store.list("c")) == []


def test_list_of_more_than_a_page(store: Store) -> None:
    keys = [f"derivatives/d/{level}/f{number}_{level}.jpg" for level in range(3) for number in range(350)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put_new(key, b"tile", media_type="image/jpeg"), keys))
    assert list(store.list("derivatives/d/")) == sorted(keys)


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", ".tmp-1", "a/.hidden",
        "_a", "-a", "A", "a b", "a\\b", "a\nb", "a\0b", "a?b", "a#b", "a%2fb", "a:b", "đảo", "a*",
        "x" * 251, "a/" * 449 + "bcd",
    ],
)  # fmt: skip
def test_odd_keys_are_refused(store: Store, key: str, tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for refused in (
        lambda: store.put(key, b"x", media_type=OCTETS),
        lambda: store.put_new(key, b"x", media_type=OCTETS),
        lambda: store.put_file_new(key, tmp_path / "file", media_type=OCTETS),
        lambda: store.get(key, max_bytes=1),
        lambda: store.get_range(key, 0, 1),
        lambda: store.head(key),
        lambda: store.exists(key),
        lambda: store.delete(key),
        lambda: store.public_url(key),
    ):
        with pytest.raises(KeyInvalid):
            refused()
    assert list(store.list("")) == []


@pytest.mark.parametrize("key", ["x" * 250, "a/" * 449 + "bc", "0", "a.b-c_d/1/f0_0.jpg".replace(".jpg", "")])
def test_keys_at_the_limits_are_taken(store: Store, key: str) -> None:
    store.put(key, b"x", media_type=OCTETS)
    assert list(store.list("")) == [key]


@pytest.mark.parametrize("prefix", ["..", "/", "a//", "../a", "a/../", "A", "a b", "ạ", "a/.b/c"])
def test_odd_prefixes_are_refused(store: Store, prefix: str) -> None:
    if prefix == "..":
        assert list(store.list(prefix)) == []  # could be the start of a name, and no key has such a name
        return
    with pytest.raises(KeyInvalid):
        list(store.list(prefix))


def test_the_media_type_is_the_one_of_the_suffix(store: Store) -> None:
    with pytest.raises(ValueError, match=r"want 'model/gltf-binary', got 'image/jpeg'"):
        store.put_new("derivatives/d/model.glb", b"x", media_type="image/jpeg")
    assert list(store.list("")) == []
    for name, media_type in [("a.webp", "image/webp"), ("b.glb", "model/gltf-binary"), ("c", OCTETS)]:
        store.put_new(f"derivatives/d/{name}", b"x", media_type=media_type)
        info = store.head(f"derivatives/d/{name}")
        assert info is not None
        assert info.media_type == media_type


def test_a_file_is_stored_once_and_checked_on_the_way(store: Store, tmp_path) -> None:
    path = tmp_path / "scan"
    path.write_bytes(b"scan" * 50_000)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ContentChanged, match=f"scan has SHA-256 {digest}, announced was {'0' * 64}"):
        store.put_file_new(f"masters/{digest}", path, media_type=OCTETS, sha256="0" * 64)
    assert list(store.list("")) == []
    assert store.put_file_new(f"masters/{digest}", path, media_type=OCTETS, sha256=digest) is True
    assert store.put_file_new(f"masters/{digest}", path, media_type=OCTETS, sha256=digest) is False
    assert store.get(f"masters/{digest}", max_bytes=200_000) == path.read_bytes()
    path.write_bytes(b"")
    assert store.put_file_new("masters/empty", path, media_type=OCTETS) is True
    assert store.get("masters/empty", max_bytes=0) == b""
