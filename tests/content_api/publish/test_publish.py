"""Publishing: never wrong halfway, never done twice, one winner, a sequence that never falls."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from content_api.public.release import load_release
from content_api.publish.compile import compile_release
from content_api.publish.errors import PublishFailed, PublishRefused
from content_api.publish.pointer import CURRENT_KEY
from content_api.publish.publish import list_releases, publish_release, rollback
from content_api.publish.whole import is_whole
from content_api.store import Store, StoreUnavailable
from content_api.store.folder import FolderStore
from tests.content_api.publish.content import (
    AT,
    SDL,
    clock,
    make_catalogue,
    make_derivative,
    put_derivative,
)
from tests.content_api.publish.stopping import StoppingStore

OLD = compile_release(make_catalogue(b"old"), SDL)
NEW = compile_release(make_catalogue(b"old", b"new"), SDL)


def current_of(store: Store) -> tuple[str, int]:
    document = json.loads(store.get(CURRENT_KEY, max_bytes=1000))
    return document["release_id"], document["sequence"]


def snapshot(store: Store) -> dict[str, bytes]:
    return {key: store.get(key, max_bytes=10**6) for key in store.list("")}


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with the derivatives of both releases, the old one published."""
    for words in (b"old", b"new"):
        put_derivative(store, words)
    publish_release(OLD, store, clock=clock)
    return store


def test_published_is_what_readers_open(filled: Store) -> None:
    published = publish_release(NEW, filled, clock=clock)
    assert (published.release_id, published.sequence, published.is_new) == (NEW.release_id, 2, True)
    assert published.warnings == ()
    opened = load_release(filled)
    assert (opened.release_id, opened.sequence) == (NEW.release_id, 2)
    assert set(filled.list("releases/")) == {
        f"releases/{release.release_id}/{file.path}" for release in (OLD, NEW) for file in release.files
    }
    assert json.loads(filled.get("metadata/releases/00000002.json", max_bytes=1000)) == {
        "release_id": NEW.release_id,
        "sequence": 2,
        "published_at": "2026-11-23T09:30:00+00:00",
    }
    assert current_of(filled) == (NEW.release_id, 2)


def test_publishing_what_is_current_changes_nothing(filled: Store) -> None:
    before = snapshot(filled)
    again = publish_release(OLD, filled, clock=clock)
    assert (again.release_id, again.sequence, again.is_new) == (OLD.release_id, 1, False)
    assert snapshot(filled) == before


def test_stopped_after_every_store_call_readers_have_old_or_new_whole(tmp_path) -> None:
    def new_store(number: int) -> FolderStore:
        store = FolderStore(tmp_path / f"store-{number}")
        for words in (b"old", b"new"):
            put_derivative(store, words)
        publish_release(OLD, store, clock=clock)
        return store

    counter = StoppingStore(new_store(0))
    publish_release(NEW, counter, clock=clock)
    assert counter.count > 8  # 2 lists, 3 files, a record and the pointer at the least
    seen = []
    for calls in range(counter.count):
        store = new_store(calls + 1)
        with pytest.raises(StoreUnavailable, match=f"stopped after {calls} calls"):
            publish_release(NEW, StoppingStore(store, calls), clock=clock)
        opened = load_release(store)  # verifies every digest
        seen.append((opened.release_id, opened.sequence))
        repeated = publish_release(NEW, store, clock=clock)
        assert (repeated.sequence, repeated.is_new) == (2, True)  # goes on where it was: no third record
        opened = load_release(store)
        assert (opened.release_id, opened.sequence) == (NEW.release_id, 2)
        assert list(store.list("metadata/releases/")) == [
            "metadata/releases/00000001.json",
            "metadata/releases/00000002.json",
        ]
    assert seen == [(OLD.release_id, 1)] * counter.count


def test_the_first_publish_stopped_anywhere_leaves_no_release_or_a_whole_one(tmp_path) -> None:
    counter = StoppingStore(FolderStore(tmp_path / "counter"))
    put_derivative(counter.store, b"old")
    publish_release(OLD, counter, clock=clock)
    for calls in range(counter.count):
        store = FolderStore(tmp_path / f"store-{calls}")
        put_derivative(store, b"old")
        with pytest.raises(StoreUnavailable):
            publish_release(OLD, StoppingStore(store, calls), clock=clock)
        assert not store.exists(CURRENT_KEY)
        publish_release(OLD, store, clock=clock)
        assert load_release(store).sequence == 1


def test_a_derivative_that_is_not_whole_stops_the_publish(filled: Store) -> None:
    whole = make_derivative(b"new").derivative_id
    filled.delete(f"derivatives/{whole}/files.json")
    before = snapshot(filled)
    with pytest.raises(PublishRefused) as refusal:
        publish_release(NEW, filled, clock=clock)
    assert [problem.where for problem in refusal.value.problems] == [whole]
    assert snapshot(filled) == before
    filled.put(f"derivatives/{whole}/files.json", b"[]", media_type="application/json")
    assert is_whole(filled, whole) is False
    with pytest.raises(PublishRefused):
        publish_release(NEW, filled, clock=clock)


def test_rollback_is_a_higher_sequence(filled: Store) -> None:
    publish_release(NEW, filled, clock=clock)
    back = rollback(filled, OLD.release_id[:8], clock=clock)
    assert (back.release_id, back.sequence, back.is_new) == (OLD.release_id, 3, True)
    opened = load_release(filled)
    assert (opened.release_id, opened.sequence) == (OLD.release_id, 3)
    again = rollback(filled, OLD.release_id, clock=clock)
    assert (again.sequence, again.is_new) == (3, False)
    listed = [(one.record.sequence, one.record.release_id, one.is_current) for one in list_releases(filled)]
    assert listed == [
        (1, OLD.release_id, False),
        (2, NEW.release_id, False),
        (3, OLD.release_id, True),
    ]
    assert {one.record.published_at for one in list_releases(filled)} == {AT}


@pytest.mark.parametrize("wanted", ["0" * 64, "", "../x", OLD.release_id[:7], OLD.release_id.upper()])
def test_rollback_to_what_never_was_is_refused(filled: Store, wanted: str) -> None:
    before = snapshot(filled)
    with pytest.raises(PublishRefused, match="There is no release with this id"):
        rollback(filled, wanted, clock=clock)
    assert snapshot(filled) == before


def test_rollback_to_a_damaged_release_is_refused(filled: Store) -> None:
    publish_release(NEW, filled, clock=clock)
    filled.put(f"releases/{OLD.release_id}/content.json", b"{}", media_type="application/json")
    before = snapshot(filled)
    with pytest.raises(PublishRefused, match="This release is damaged in the store"):
        rollback(filled, OLD.release_id, clock=clock)
    assert snapshot(filled) == before


def test_publishers_at_once_each_get_a_sequence_and_the_highest_is_current(store: Store) -> None:
    releases = [compile_release(make_catalogue(b"photo %d" % number), SDL) for number in range(4)]
    for number in range(4):
        put_derivative(store, b"photo %d" % number)
    start = threading.Barrier(4)

    def publish(number: int) -> int:
        start.wait()
        return publish_release(releases[number], store, clock=clock).sequence

    with ThreadPoolExecutor(4) as pool:
        sequences = list(pool.map(publish, range(4)))
    assert sorted(sequences) == [1, 2, 3, 4]
    assert current_of(store) == (releases[sequences.index(4)].release_id, 4)
    assert [one.record.sequence for one in list_releases(store)] == [1, 2, 3, 4]


def test_the_same_release_published_at_once_is_one_record(tmp_path) -> None:
    store = FolderStore(tmp_path)
    put_derivative(store, b"old")
    start = threading.Barrier(6)

    def publish(_number: int) -> int:
        start.wait()
        return publish_release(OLD, store, clock=clock).sequence

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(publish, range(6))) == [1] * 6
    assert len(list_releases(store)) == 1


def test_a_slow_publisher_does_not_pull_the_pointer_back(tmp_path) -> None:
    store = FolderStore(tmp_path)
    for words in (b"old", b"new"):
        put_derivative(store, words)

    class Overtaken(StoppingStore):
        """Between the slow publisher's record and its pointer, another one publishes."""

        def put_new(self, key: str, body: bytes, *, media_type: str) -> bool:
            made = super().put_new(key, body, media_type=media_type)
            if key == "metadata/releases/00000001.json":
                assert publish_release(NEW, self.store, clock=clock).sequence == 2
            return made

    assert publish_release(OLD, Overtaken(store), clock=clock).sequence == 1
    assert current_of(store) == (NEW.release_id, 2)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"release_id":"x","sequence":1}', b'{"release_id":"%s","sequence":0}']
)
def test_a_damaged_pointer_is_told(tmp_path, body: bytes) -> None:
    store = FolderStore(tmp_path)
    put_derivative(store, b"old")
    store.put(CURRENT_KEY, body.replace(b"%s", b"0" * 64), media_type="application/json")
    with pytest.raises(PublishFailed, match=r"metadata/current\.json"):
        publish_release(OLD, store, clock=clock)
