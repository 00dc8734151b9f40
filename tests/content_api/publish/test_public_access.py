"""From a delivery to a stranger's download: the real pipeline, a real bucket, no credentials at the end."""

import hashlib

import httpx
import pytest
from PIL import Image

from asset_pipeline.optimize import run_master
from content_api.manage.approve import approve
from content_api.manage.drafts import Drafts
from content_api.manage.ingest import ItemStatus, ingest
from content_api.public.release import load_release
from content_api.publish.approved import load_publish_input
from content_api.publish.compile import compile_release
from content_api.publish.publish import publish_release
from content_api.publish.whole import file_list_key
from content_api.store import open_store
from content_api.store.s3 import S3Store
from heritage_sites import canonical_file_list, load_catalogue
from tests.content_api.manage.deliveries import clock, make_folder, row
from tests.content_api.publish.content import SDL


@pytest.mark.s3
def test_a_stranger_gets_what_is_published_and_nothing_else(s3_server, tmp_path) -> None:
    folder = tmp_path / "delivery"
    folder.mkdir()
    Image.linear_gradient("L").resize((1200, 800)).convert("RGB").save(folder / "photo.jpg")
    make_folder(folder, [row()])
    store = open_store(f"s3://{s3_server.new_bucket()}/bay", s3_server.env())
    assert isinstance(store, S3Store)
    with Drafts(tmp_path / "drafts.sqlite3") as drafts:
        report = ingest(
            folder, store, drafts, catalogue=load_catalogue(), run_master=run_master, work=tmp_path / "work"
        )
        assert [item.status for item in report.items] == [ItemStatus.ADDED], report.problems
        (draft,) = drafts.list_all()
        approve(drafts, draft.id, by="Trần Thị B", clock=clock)
        content = load_publish_input(store, drafts, load_catalogue())
    published = publish_release(compile_release(content, SDL), store, clock=clock)
    assert published.warnings == ()

    (experience,) = load_release(store).experiences.values()
    assert {one.quality.value for medium in experience.media for one in medium.derivatives} >= {
        "Low",
        "Medium",
    }
    for derivative in draft.derivatives:
        listed = httpx.get(url(store, file_list_key(derivative.derivative_id)))
        assert listed.content == canonical_file_list(derivative.files)
        for file in derivative.files:
            got = httpx.get(url(store, f"derivatives/{derivative.derivative_id}/{file.path}"))
            assert (got.status_code, got.headers["content-type"]) == (200, file.media_type)
            assert hashlib.sha256(got.content).hexdigest() == file.sha256
    (master,) = store.list("masters/")
    assert master == f"masters/{hashlib.sha256((folder / 'photo.jpg').read_bytes()).hexdigest()}"
    root = f"{s3_server.endpoint}/{store.bucket}"
    for closed in (f"{root}/bay/{master}", f"{root}/bay/masters/", f"{root}?list-type=2", root):
        assert httpx.get(closed).status_code == 403


def url(store: S3Store, key: str) -> str:
    address = store.public_url(key)
    assert address is not None
    return address
