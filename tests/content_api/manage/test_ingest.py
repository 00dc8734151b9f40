"""Ingest: all or nothing of a manifest, each row on its own after that, nothing twice."""

import hashlib
from dataclasses import replace

import pytest

from content_api.manage.approve import approve
from content_api.manage.drafts import Drafts, DraftStatus
from content_api.manage.ingest import IngestItem, IngestReport, ItemStatus, ingest
from content_api.publish.approved import load_publish_input
from content_api.publish.errors import PublishRefused
from content_api.publish.whole import file_list_key, is_whole
from content_api.store import Store
from content_api.store.folder import FolderStore
from heritage_sites import (
    NO_POSITION,
    Anchor,
    AnchorKind,
    GeoPose,
    LatLon,
    LocalisedText,
    MediaRole,
    Severity,
    Trigger,
    TriggerKind,
    derivative_id_of,
    load_catalogue,
)
from tests.content_api.manage.deliveries import clock, copy_master, make_folder, manifest_bytes, row
from tests.content_api.publish.stopping import StoppingStore

CATALOGUE = load_catalogue()


@pytest.fixture
def drafts(tmp_path):
    with Drafts(tmp_path / "drafts.sqlite3") as opened:
        yield opened


def run(folder, store: Store, drafts: Drafts, tmp_path, **options) -> IngestReport:
    defaults = {"catalogue": CATALOGUE, "run_master": copy_master, "work": tmp_path / "work", "clock": clock}
    return ingest(folder, store, drafts, **{**defaults, **options})


def snapshot(store: Store) -> dict[str, bytes]:
    return {key: store.get(key, max_bytes=10**6) for key in store.list("")}


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def draft_id(name: str, site: str = "hang-sung-sot", kind: str = "photo") -> str:
    return f"{site}-{kind}-{sha(f'picture {name}'.encode())[:12]}"


def test_a_delivery_becomes_masters_derivatives_and_drafts(store: Store, drafts: Drafts, tmp_path) -> None:
    rows = [row(), row(file="b.jpg", site="hang-dau-go", kind="panorama", lat="20.9112", lon="107.0186")]
    folder = make_folder(tmp_path / "delivery", rows)
    seen: list[tuple[int, int, str]] = []
    report = run(folder, store, drafts, tmp_path, progress=lambda *done: seen.append(done), jobs=2)
    ids = [draft_id("photo.jpg"), draft_id("b.jpg", "hang-dau-go", "panorama")]
    assert report == IngestReport(
        (
            IngestItem(2, "photo.jpg", ids[0], ItemStatus.ADDED),
            IngestItem(3, "b.jpg", ids[1], ItemStatus.ADDED),
        ),
        (),
    )
    assert report.exit_code == 0
    assert seen == [(1, 2, "photo.jpg"), (2, 2, "b.jpg")]
    saved = {draft.id: draft for draft in drafts.list_all()}
    assert set(saved) == set(ids)
    expected = {f"masters/{sha(b'picture photo.jpg')}", f"masters/{sha(b'picture b.jpg')}"}
    for draft in saved.values():
        assert draft.status is DraftStatus.DRAFT
        assert [(one.quality.value, len(one.files)) for one in draft.derivatives] == [
            ("Medium", 2),
            ("High", 2),
        ]
        for derivative in draft.derivatives:
            assert is_whole(store, derivative.derivative_id)
            assert derivative.derivative_id == derivative_id_of(derivative.files)
            for file in derivative.files:
                key = f"derivatives/{derivative.derivative_id}/{file.path}"
                assert sha(store.get(key, max_bytes=1000)) == file.sha256
                expected.add(key)
            expected.add(file_list_key(derivative.derivative_id))
    assert set(store.list("")) == expected
    assert list((tmp_path / "work").iterdir()) == []


def test_the_experience_says_what_the_row_says(drafts: Drafts, tmp_path) -> None:
    changes = {"lat": "20.9112", "lon": "107.0186", "illustration": "yes", "summary_vi": "Tóm tắt"}
    folder = make_folder(tmp_path / "delivery", [row(site="hang-dau-go", **changes)])
    run(folder, FolderStore(tmp_path / "store"), drafts, tmp_path)
    (draft,) = drafts.list_all()
    made = draft.experience
    assert made.title == LocalisedText.of({"vi": "Ảnh hang", "en": "Photo of the cave"})
    assert made.summary == LocalisedText.of({"vi": "Tóm tắt"})
    assert made.illustration is True
    assert made.triggers == (Trigger(TriggerKind.ENTER, "hang-dau-go-area"),)
    assert made.anchor == Anchor(AnchorKind.GROUND, GeoPose(LatLon(20.9112, 107.0186)))
    assert [(medium.role, medium.alt.texts["en"].text) for medium in made.media] == [
        (MediaRole.PHOTO, "A cave of stone")
    ]
    assert draft.master_sha256 == sha(b"picture photo.jpg")


def test_a_site_without_position_has_no_trigger(drafts: Drafts, tmp_path) -> None:
    site = next(site for site in CATALOGUE.sites if site.position == NO_POSITION)
    folder = make_folder(tmp_path / "delivery", [row(site=site.id)])
    run(folder, FolderStore(tmp_path / "store"), drafts, tmp_path)
    (draft,) = drafts.list_all()
    assert (draft.experience.triggers, draft.experience.anchor) == ((), None)


def test_a_position_in_a_manifest_makes_no_geofence_live(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(site="hang-dau-go", lat="20.9112", lon="107.0186")])
    store = FolderStore(tmp_path / "store")
    run(folder, store, drafts, tmp_path)
    approve(drafts, drafts.list_all()[0].id, by="B", clock=clock)
    published = load_publish_input(store, drafts, CATALOGUE)
    assert published.sites == CATALOGUE.sites
    assert not any(geofence.live_use for site in published.sites for geofence in site.geofences)


def test_again_adds_nothing(store: Store, drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="b.jpg")])
    run(folder, store, drafts, tmp_path)
    before, rows_before = snapshot(store), drafts.list_all()

    def never(*_arguments, **_named):
        raise AssertionError("the pipeline need not run again")

    report = run(folder, store, drafts, tmp_path, run_master=never)
    assert [item.status for item in report.items] == [ItemStatus.UNCHANGED] * 2
    assert (snapshot(store), drafts.list_all()) == (before, rows_before)


def test_new_words_change_the_draft_and_need_approval_again(drafts: Drafts, tmp_path) -> None:
    store = FolderStore(tmp_path / "store")
    folder = make_folder(tmp_path / "delivery", [row(), row(file="b.jpg")])
    run(folder, store, drafts, tmp_path)
    for draft in drafts.list_all():
        approve(drafts, draft.id, by="B", clock=clock)
    make_folder(folder, [row(title_en="New words"), row(file="b.jpg")])
    report = run(folder, store, drafts, tmp_path)
    assert [item.status for item in report.items] == [ItemStatus.CHANGED, ItemStatus.UNCHANGED]
    assert [draft.id for draft in drafts.list_all(DraftStatus.APPROVED)] == [draft_id("b.jpg")]


def test_a_derivative_lost_from_the_store_is_made_again(drafts: Drafts, tmp_path) -> None:
    store = FolderStore(tmp_path / "store")
    folder = make_folder(tmp_path / "delivery", [row()])
    run(folder, store, drafts, tmp_path)
    before = snapshot(store)
    derivative = drafts.list_all()[0].derivatives[0]
    for file in ("files.json", "photo.jpg"):
        store.delete(f"derivatives/{derivative.derivative_id}/{file}")
    approve(drafts, draft_id("photo.jpg"), by="B", clock=clock)
    with pytest.raises(PublishRefused) as refusal:
        load_publish_input(store, drafts, CATALOGUE)
    assert [problem.file for problem in refusal.value.problems] == [
        f"experiences/{draft_id('photo.jpg')}.json"
    ]
    report = run(folder, store, drafts, tmp_path)
    assert [item.status for item in report.items] == [ItemStatus.UNCHANGED]
    assert snapshot(store) == before


def test_one_problem_of_the_manifest_stops_everything(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="b.jpg", licence="")])
    store = FolderStore(tmp_path / "store")
    report = run(folder, store, drafts, tmp_path)
    assert report.items == ()
    assert [problem.where for problem in report.problems] == ["row 3, licence"]
    assert report.exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["delivery"]  # no store, no database, no work


def test_a_dry_run_writes_nothing(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="b.jpg", alt_vi="", alt_en="")])
    counting = StoppingStore(FolderStore(tmp_path / "store"), 0)
    report = run(folder, counting, drafts, tmp_path, dry_run=True)
    assert [(item.draft_id, item.status) for item in report.items] == [
        (draft_id("photo.jpg"), ItemStatus.CHECKED),
        (draft_id("b.jpg"), ItemStatus.CHECKED),
    ]
    assert [(problem.where, problem.severity) for problem in report.problems] == [
        ("row 3, alt_vi", Severity.WARNING)
    ]
    assert report.exit_code == 0
    assert counting.count == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["delivery"]


def test_files_with_the_same_bytes_for_one_place_are_a_problem(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="copy.jpg"), row(file="b.jpg")])
    (folder / "copy.jpg").write_bytes((folder / "photo.jpg").read_bytes())
    report = run(folder, FolderStore(tmp_path / "store"), drafts, tmp_path, dry_run=True)
    assert [(problem.where, problem.message) for problem in report.problems] == [
        ("row 3, file", "The file holds the same as that of row 2, for the same site and kind.")
    ]


def test_one_master_at_two_sites_is_stored_once(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(site="hang-dau-go")])
    store = FolderStore(tmp_path / "store")
    report = run(folder, store, drafts, tmp_path, jobs=2)
    assert [item.status for item in report.items] == [ItemStatus.ADDED] * 2
    assert len(list(store.list("masters/"))) == 1
    first, second = drafts.list_all()
    assert first.derivatives == second.derivatives


def test_a_refused_master_is_a_problem_and_the_rest_go_on(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(file=name) for name in ("a.jpg", "bad.jpg", "c.jpg")])
    (folder / "bad.jpg").write_bytes(b"bad")
    store = FolderStore(tmp_path / "store")
    report = run(folder, store, drafts, tmp_path)
    assert [item.status for item in report.items] == [
        ItemStatus.ADDED,
        ItemStatus.REFUSED,
        ItemStatus.ADDED,
    ]
    assert [(problem.where, problem.message) for problem in report.problems] == [
        ("row 3, first byte", "This picture cannot be read.")
    ]
    assert report.exit_code == 1
    assert [draft.id for draft in drafts.list_all()] == sorted([draft_id("a.jpg"), draft_id("c.jpg")])
    assert f"masters/{sha(b'bad')}" not in set(store.list("masters/"))


def test_a_fault_of_ours_is_not_the_editors(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="broken.jpg")])
    (folder / "broken.jpg").write_bytes(b"broken")
    report = run(folder, FolderStore(tmp_path / "store"), drafts, tmp_path)
    assert [item.status for item in report.items] == [ItemStatus.ADDED, ItemStatus.FAILED]
    assert report.exit_code == 3


def test_a_file_that_changes_meanwhile_is_refused(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row()])
    store = FolderStore(tmp_path / "store")

    def change_then_copy(path, **named):
        path.write_bytes(b"the camera is still writing")
        return copy_master(path, **named)

    def copy_then_change(path, **named):
        results = copy_master(path, **named)
        path.write_bytes(b"the camera is still writing more")
        return results

    for meddling in (change_then_copy, copy_then_change):
        report = run(folder, store, drafts, tmp_path, run_master=meddling)
        assert [problem.message for problem in report.problems] == ["The file changed while it was read."]
        assert list(store.list("")) == []
        assert drafts.list_all() == []


def test_recipes_that_give_the_same_bytes_keep_both_uses_of_them(drafts: Drafts, tmp_path) -> None:
    def twice(path, **named):
        (result,) = copy_master(path, **named)
        first = result.derivatives[0]
        return [result, replace(result, derivatives=(replace(first, quality="Low"),))]

    folder = make_folder(tmp_path / "delivery", [row()])
    store = FolderStore(tmp_path / "store")
    run(folder, store, drafts, tmp_path, run_master=twice)
    (draft,) = drafts.list_all()
    assert [one.quality.value for one in draft.derivatives] == ["Medium", "High", "Low"]
    assert draft.derivatives[0].derivative_id == draft.derivatives[2].derivative_id
    assert len([key for key in store.list("derivatives/") if key.endswith("files.json")]) == 2


def test_what_a_master_refers_to_is_kept_with_it(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(file="scan/tower.obj", kind="model")])
    files = {
        "tower.obj": b"mtllib tower.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "tower.mtl": b"newmtl stone\nmap_Kd textures/stone.png\n",
        "textures/stone.png": b"\x89PNG\r\n\x1a\n",
        "unrelated.png": b"\x89PNG",
    }
    for name, body in files.items():
        path = folder / "scan" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    store = FolderStore(tmp_path / "store")
    run(folder, store, drafts, tmp_path)
    main = sha(files["tower.obj"])
    kept = {f"masters/{sha(files[name])}" for name in ("tower.obj", "tower.mtl", "textures/stone.png")}
    assert set(store.list("masters/")) == kept | {f"masters/{main}.files.json"}
    listed = store.get(f"masters/{main}.files.json", max_bytes=1000).decode()
    assert listed == (
        f'[{{"path":"textures/stone.png","sha256":"{sha(files["textures/stone.png"])}"}},'
        f'{{"path":"tower.mtl","sha256":"{sha(files["tower.mtl"])}"}}]'
    )


def test_only_approved_drafts_are_published(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row(), row(file="b.jpg")])
    store = FolderStore(tmp_path / "store")
    run(folder, store, drafts, tmp_path)
    assert load_publish_input(store, drafts, CATALOGUE) == CATALOGUE
    approve(drafts, draft_id("b.jpg"), by="B", clock=clock)
    published = load_publish_input(store, drafts, CATALOGUE)
    assert [experience.id for experience in published.experiences] == [draft_id("b.jpg")]
    assert replace(published, experiences=()) == CATALOGUE


def test_the_manifest_may_have_a_byte_order_mark(drafts: Drafts, tmp_path) -> None:
    folder = make_folder(tmp_path / "delivery", [row()])
    (folder / "manifest.csv").write_bytes(b"\xef\xbb\xbf" + manifest_bytes([row()]))
    report = run(folder, FolderStore(tmp_path / "store"), drafts, tmp_path)
    assert [item.status for item in report.items] == [ItemStatus.ADDED]
