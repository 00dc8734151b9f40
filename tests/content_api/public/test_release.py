"""Opening a release: everything is checked against its digest, and what is spoilt is refused."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from content_api.public.errors import ReleaseCorrupt, ReleaseMissing
from content_api.public.open_release import OpenRelease, open_catalogue
from content_api.public.release import load_release
from content_api.public.watcher import ReleaseWatcher
from content_api.store import StoreUnavailable
from content_api.store.folder import FolderStore
from heritage_sites import Attribution, Catalogue, ExperienceKind, Trigger, TriggerKind, canonical_json
from tests.content_api.public.samples import experience, point_to, put_release, sample_catalogue

JSON = "application/json"


def test_a_release_opens_with_everything_in_it(release: OpenRelease) -> None:
    catalogue = sample_catalogue()
    assert release.sequence == 1
    assert list(release.sites_by_id) == sorted(catalogue.sites, key=lambda site: site.id)
    assert list(release.tours_by_id) == sorted(catalogue.tours, key=lambda tour: tour.id)
    assert [each.id for each in release.experiences_by_id] == [
        "dao-ti-top-panorama",
        "hang-dau-go-model",
        "hang-sung-sot-photo",
    ]
    assert set(release.experiences.values()) == set(catalogue.experiences)
    assert set(release.licences) == {licence.id for licence in catalogue.licences}
    assert release.languages == ("en", "vi")


def test_an_empty_store_has_no_release(tmp_path) -> None:
    with pytest.raises(ReleaseMissing):
        load_release(FolderStore(tmp_path / "nothing"))


def rewrite(store: FolderStore, name: str, change: Callable[[bytes], bytes]) -> None:
    [key] = [key for key in store.list("releases/") if key.endswith(name)]
    store.put(key, change(store.get(key, max_bytes=10**8)), media_type=JSON)


def republish(store: FolderStore, change: Callable[[dict], object]) -> None:
    """A release with other content, every digest right."""
    [key] = [key for key in store.list("releases/") if key.endswith("content.json")]
    content = json.loads(store.get(key, max_bytes=10**8))
    change(content)
    body = canonical_json(content)
    listed = {"path": "content.json", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    put_manifest(store, {"format": 1, "files": [listed]}, body)


def put_manifest(store: FolderStore, manifest: object, content: bytes = b"{}") -> None:
    body = canonical_json(manifest)
    release_id = hashlib.sha256(body).hexdigest()
    store.put(f"releases/{release_id}/content.json", content, media_type=JSON)
    store.put(f"releases/{release_id}/manifest.json", body, media_type=JSON)
    point_to(store, release_id, 2)


EMPTY_FILE = {"path": "content.json", "bytes": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda s: s.put("metadata/current.json", b"{", media_type=JSON), "not JSON"),
        (lambda s: s.put("metadata/current.json", b"[]", media_type=JSON), "want an object"),
        (lambda s: s.put("metadata/current.json", b" " * 5000, media_type=JSON), "5000 bytes"),
        (lambda s: point_to(s, "../masters", 1), "release_id is not a SHA-256"),
        (lambda s: point_to(s, "ab" * 32, 0), "sequence is not a number from 1"),
        (lambda s: point_to(s, "ab" * 32, True), "sequence is not a number from 1"),
        (lambda s: point_to(s, "ab" * 32, 2), "no such object"),
        (lambda s: rewrite(s, "manifest.json", lambda body: body + b" "), "SHA-256 is not the release id"),
        (
            lambda s: rewrite(s, "content.json", lambda body: body.replace(b"Dau Go", b"Dau Ga")),
            "content.json is not",
        ),
        (lambda s: rewrite(s, "content.json", lambda body: body[:-1]), "content.json is not"),
        (lambda s: rewrite(s, "content.json", lambda body: body + b" "), "were allowed"),
        (lambda s: put_manifest(s, []), "want an object"),
        (lambda s: put_manifest(s, {"format": 2, "files": []}), "want format 1"),
        (lambda s: put_manifest(s, {"format": 1}), "want a list"),
        (lambda s: put_manifest(s, {"format": 1, "files": []}), "lists no content.json"),
        (lambda s: put_manifest(s, {"format": 1, "files": ["x"]}), "a file is no object"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE | {"path": "../x"}]}), "path"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE | {"path": None}]}), "path"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE | {"bytes": 2**40}]}), "no length"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE | {"sha256": "x"}]}), "no SHA-256"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE] * 1001}), "at most 1000"),
        (lambda s: put_manifest(s, {"format": 1, "files": [EMPTY_FILE]}), "want format 1"),
        (lambda s: republish(s, lambda content: content.pop("experiences")), "are missing"),
        (lambda s: republish(s, lambda content: content["sites"][0].pop("kind")), "'kind' is missing"),
        (lambda s: republish(s, lambda content: content["sites"].append(content["sites"][0])), "site twice"),
    ],
)
def test_a_spoilt_release_is_refused(
    own_bay: FolderStore, spoil: Callable[[FolderStore], object], reason: str
) -> None:
    spoil(own_bay)
    with pytest.raises(ReleaseCorrupt, match=reason):
        load_release(own_bay)


def test_what_a_newer_version_adds_is_passed_over(own_bay: FolderStore) -> None:
    republish(own_bay, lambda content: content["sites"][0].update(audio_guide="new"))
    assert load_release(own_bay).sequence == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"site_id": "atlantis"}, "unknown site atlantis"),
        ({"attribution": Attribution("LicenseRef-none", "me")}, "unknown licence"),
        ({"triggers": (Trigger(TriggerKind.ENTER, "no-such-fence"),)}, "unknown geofence no-such-fence"),
    ],
)
def test_parts_must_speak_of_what_is_there(changes: dict, reason: str) -> None:
    seed = sample_catalogue()
    made = replace(experience("x", "hang-sung-sot", ExperienceKind.STORY), **changes)
    broken = replace(seed, experiences=(made,))
    with pytest.raises(ReleaseCorrupt, match=reason):
        open_catalogue(broken, release_id="ab" * 32, sequence=1)


def test_a_tour_must_stop_at_known_sites() -> None:
    seed = sample_catalogue()
    with pytest.raises(ReleaseCorrupt, match="stops at an unknown site"):
        open_catalogue(Catalogue((), seed.tours), release_id="ab" * 32, sequence=1)


# -- following the store ---------------------------------------------------------------------------------


class Unreachable(FolderStore):
    """A store that can be cut off."""

    cut = False

    def get(self, key: str, *, max_bytes: int) -> bytes:
        if self.cut:
            raise StoreUnavailable(f"{key}: no connection")
        return super().get(key, max_bytes=max_bytes)


def test_a_new_release_replaces_the_old_one(own_bay: FolderStore) -> None:
    watcher = ReleaseWatcher(own_bay, poll_s=1)
    assert watcher.current() is None
    watcher.look()
    first = watcher.current()
    assert first is not None
    watcher.look()
    assert watcher.current() is first  # the same release is not opened again
    release_id = put_release(own_bay, replace(sample_catalogue(), experiences=()), sequence=2)
    watcher.look()
    second = watcher.current()
    assert second is not None
    assert (second.release_id, second.sequence, len(second.experiences)) == (release_id, 2, 0)
    assert len(first.experiences) == 3  # who holds the old one keeps it whole


def test_rolling_back_is_old_content_under_a_higher_sequence(own_bay: FolderStore) -> None:
    watcher = ReleaseWatcher(own_bay, poll_s=1)
    watcher.look()
    first = watcher.current()
    put_release(own_bay, replace(sample_catalogue(), experiences=()), sequence=2)
    watcher.look()
    point_to(own_bay, first.release_id, 3)
    watcher.look()
    assert (watcher.current().release_id, watcher.current().sequence) == (first.release_id, 3)


@pytest.mark.parametrize("sequence", [1, 2])
def test_a_sequence_never_falls(own_bay: FolderStore, sequence: int) -> None:
    first_id = load_release(own_bay).release_id
    put_release(own_bay, replace(sample_catalogue(), experiences=()), sequence=2)
    watcher = ReleaseWatcher(own_bay, poll_s=1)
    watcher.look()
    held = watcher.current()
    point_to(own_bay, first_id, sequence)
    watcher.look()
    assert watcher.current() is held


def test_the_held_release_serves_on_while_the_store_is_spoilt_or_away(own_bay: FolderStore, caplog) -> None:
    store = Unreachable(own_bay.root)
    watcher = ReleaseWatcher(store, poll_s=1)
    watcher.look()
    held = watcher.current()
    caplog.clear()
    point_to(store, "cd" * 32, 2)
    for _ in range(3):
        watcher.look()
    assert watcher.current() is held
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # told once, not at every look
    assert "cannot open the current release" in caplog.text
    store.cut = True
    watcher.look()
    assert watcher.current() is held
    assert "no connection" in caplog.text
    store.cut = False
    release_id = put_release(own_bay, replace(sample_catalogue(), tours=()), sequence=2)
    watcher.look()
    assert watcher.current().release_id == release_id


def test_a_watcher_needs_time_between_looks(own_bay: FolderStore) -> None:
    with pytest.raises(ValueError, match="poll_s"):
        ReleaseWatcher(own_bay, poll_s=0)
