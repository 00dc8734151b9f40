"""What is particular to a folder: kills, temporary files, keys below keys, a full or closed disk."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from content_api.store import KeyInvalid, NotFound, StoreUnavailable
from content_api.store.folder import TEMPORARY_PREFIX, FolderStore

OCTETS = "application/octet-stream"

ENDLESS_WRITER = """
import sys
from pathlib import Path
from content_api.store.folder import FolderStore

store, number = FolderStore(Path(sys.argv[1])), 0
while True:
    body = bytes([number % 250]) * 3_000_000
    store.put("metadata/current.json", body, media_type="application/json")
    store.put_new(f"masters/m{number}", body, media_type="application/octet-stream")
    number += 1
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_nothing_half_written(tmp_path) -> None:
    half_written = 0
    for turn in range(6):
        root = tmp_path / f"store-{turn}"
        writer = subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(root)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()  # one round is done, the next is under way
        time.sleep(0.003 * turn)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        store = FolderStore(root)
        keys = list(store.list(""))
        assert "metadata/current.json" in keys
        for key in keys:
            body = store.get(key, max_bytes=3_000_000)
            assert body == body[:1] * 3_000_000
        half_written += len(list(store.leftovers()))
    assert half_written > 0  # else no kill met a write, and this test has shown nothing


def test_a_folder_store_on_a_file_tree_of_others_shows_no_dot_names(tmp_path) -> None:
    store = FolderStore(tmp_path)
    store.put_new("masters/a", b"x", media_type=OCTETS)
    (tmp_path / "masters" / f"{TEMPORARY_PREFIX}1234").write_bytes(b"half")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"")
    assert list(store.list("")) == ["masters/a"]
    assert list(store.leftovers()) == [tmp_path / "masters" / f"{TEMPORARY_PREFIX}1234"]


def test_no_key_is_another_keys_folder(tmp_path) -> None:
    store = FolderStore(tmp_path)
    store.put_new("a/b", b"x", media_type=OCTETS)
    for write in (store.put, store.put_new):
        with pytest.raises(KeyInvalid):
            write("a", b"y", media_type=OCTETS)
        with pytest.raises(KeyInvalid):
            write("a/b/c", b"y", media_type=OCTETS)
    assert list(store.list("")) == ["a/b"]
    assert list(store.leftovers()) == []


def test_private_objects_are_for_their_owner_only(tmp_path) -> None:
    store = FolderStore(tmp_path)
    store.put("private/keys.json", b"{}", media_type="application/json")
    assert store.path_of("private/keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path, monkeypatch) -> None:
    store = FolderStore(tmp_path)
    real_open = os.open

    def open_on_full_disk(path, flags, *rest, **named):
        if TEMPORARY_PREFIX in str(path):
            real_open(path, flags, *rest, **named)
            return real_open("/dev/full", os.O_WRONLY)
        return real_open(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", open_on_full_disk)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        store.put("masters/a", b"x" * 1_000_000, media_type=OCTETS)
    monkeypatch.undo()
    assert list(store.list("")) == []
    assert list(store.leftovers()) == []


def test_a_missing_source_file_is_unavailable(tmp_path) -> None:
    store = FolderStore(tmp_path / "store")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.put_file_new("masters/a", tmp_path / "none", media_type=OCTETS)
    assert list(store.list("")) == []


def test_a_folder_serves_nobody(tmp_path) -> None:
    store = FolderStore(tmp_path)
    assert store.public_url("derivatives/d/model.glb") is None
    assert store.make_public_readable() == ()
    with pytest.raises(NotFound):
        store.get("derivatives/d/model.glb", max_bytes=1)
