"""The doctor: nothing to say of a store in order, and the right words for each fault."""

import json
import os
import time

import pytest

from content_api.publish.compile import compile_release
from content_api.publish.doctor import check_store
from content_api.publish.publish import publish_release
from content_api.store import Store, open_store
from content_api.store.folder import FolderStore
from content_api.store.s3 import S3Store
from heritage_sites import Severity
from tests.content_api.publish.content import SDL, clock, make_catalogue, make_derivative, put_derivative

RELEASE = compile_release(make_catalogue(b"photo"), SDL)


@pytest.fixture
def published(store: Store) -> Store:
    put_derivative(store, b"photo")
    publish_release(RELEASE, store, clock=clock)
    return store


def test_a_store_in_order(published: Store) -> None:
    before = list(published.list(""))
    assert check_store(published) == []
    assert list(published.list("")) == before


def test_an_empty_store_is_a_warning(store: Store) -> None:
    (problem,) = check_store(store)
    assert (problem.where, problem.severity) == ("release", Severity.WARNING)
    assert problem.advice == "Ingest, approve, then publish."


def test_a_lost_derivative(published: Store) -> None:
    derivative_id = make_derivative(b"photo").derivative_id
    published.delete(f"derivatives/{derivative_id}/files.json")
    (problem,) = check_store(published)
    assert (problem.where, problem.severity) == (derivative_id, Severity.ERROR)


def test_a_damaged_release(published: Store) -> None:
    published.put(f"releases/{RELEASE.release_id}/content.json", b"{}", media_type="application/json")
    (problem,) = check_store(published)
    assert problem.message.startswith("The current release is damaged: ")


def test_leftovers_of_killed_writers(tmp_path) -> None:
    store = FolderStore(tmp_path)
    put_derivative(store, b"photo")
    publish_release(RELEASE, store, clock=clock)
    fresh, old = tmp_path / "masters" / ".tmp-fresh", tmp_path / "masters" / ".tmp-old"
    fresh.parent.mkdir()
    for path in (fresh, old):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    (problem,) = check_store(store)
    assert (problem.message, problem.severity) == (
        "1 unfinished files of killed writers lie in the store, such as .tmp-old.",
        Severity.WARNING,
    )


def test_a_store_that_cannot_be_used(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (problem,) = check_store(FolderStore(tmp_path / "file"))
    assert (problem.where, problem.severity) == ("access", Severity.ERROR)


@pytest.mark.s3
def test_a_bucket_whose_masters_anyone_can_read(s3_server) -> None:
    store = open_store(f"s3://{s3_server.new_bucket()}", s3_server.env())
    assert isinstance(store, S3Store)
    put_derivative(store, b"photo")
    publish_release(RELEASE, store, clock=clock)
    assert check_store(store) == []
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{store.bucket}/*"],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3_server.client().put_bucket_policy(Bucket=store.bucket, Policy=json.dumps(policy))
    assert [problem.message for problem in check_store(store)] == [
        "Anyone can read masters/ of this bucket.",
        "Anyone can read private/ of this bucket.",
    ]
