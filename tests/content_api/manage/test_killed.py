"""Killed anywhere and repeated, an ingest leaves exactly what an undisturbed one leaves."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from content_api.manage.drafts import Drafts
from content_api.manage.ingest import ingest
from content_api.publish.whole import FILE_LIST, is_whole
from content_api.store import Store
from content_api.store.folder import FolderStore
from content_api.store.s3 import S3Store
from heritage_sites import load_catalogue
from tests.content_api.manage.deliveries import clock, copy_master, make_folder, row
from tests.content_api.publish.stopping import StoppingStore

ROOT = Path(__file__).parents[3]
CATALOGUE = load_catalogue()


def run(folder: Path, store: Store, tmp_path: Path) -> tuple[dict[str, bytes], list]:
    """Ingest undisturbed; the store's content and the drafts afterwards."""
    options = {"catalogue": CATALOGUE, "run_master": copy_master, "work": tmp_path / "work", "clock": clock}
    with Drafts(tmp_path / "drafts.sqlite3") as drafts:
        ingest(folder, store, drafts, **options)
        return {key: store.get(key, max_bytes=10**6) for key in store.list("")}, drafts.list_all()


def run_killed(folder: Path, places: Path, stores: str, points: list[str], env: dict[str, str]) -> None:
    arguments = [str(folder), str(places), stores, *points]
    killed = subprocess.run(
        [sys.executable, "-m", "tests.content_api.manage.killed_run", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
    assert killed.stdout.split() == [str(int(signal.SIGKILL))] * len(points), killed.stderr


def check_nothing_half_done(store: Store) -> None:
    """What is there now is whole: a list of files means all of its files."""
    for key in store.list("derivatives/"):
        derivative_id, name = key.split("/")[1:3]
        if name == FILE_LIST:
            assert is_whole(store, derivative_id)
            for file in ("photo.jpg", "photo.webp"):
                assert store.exists(f"derivatives/{derivative_id}/{file}")


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_folder(tmp_path / "delivery", [row(), row(file="b.jpg", site="hang-dau-go")])


def test_killed_at_every_point_and_repeated(folder, tmp_path) -> None:
    counting = StoppingStore(FolderStore(tmp_path / "whole" / "store"))
    expected = run(folder, counting, tmp_path / "whole")
    content, _drafts = expected
    assert len(content) == 14  # 2 masters, and 2 derivatives of 2 files and a list for each
    ingest_calls = counting.count - len(content) - 1  # `run` itself lists and reads at the end
    assert ingest_calls > len(content)

    points = ["clock-1", "clock-2", *(f"call-{number}" for number in range(ingest_calls))]
    run_killed(folder, tmp_path / "places", str(tmp_path / "stores"), points, {})
    for point in points:
        store, place = FolderStore(tmp_path / "stores" / point), tmp_path / "places" / point
        check_nothing_half_done(store)
        assert run(folder, store, place) == expected
        assert list((place / "work").iterdir()) == []


@pytest.mark.s3
def test_killed_on_s3_and_repeated(folder, tmp_path, s3_server, s3_root) -> None:
    expected = run(folder, FolderStore(tmp_path / "whole" / "store"), tmp_path / "whole")
    prefix, points = secrets.token_hex(6), ["call-3", "call-6", "clock-2"]
    run_killed(folder, tmp_path / "places", f"s3://{s3_root.bucket}/{prefix}", points, s3_server.env())
    for point in points:
        store = S3Store(s3_root.bucket, f"{prefix}/{point}", s3_root.client)
        check_nothing_half_done(store)
        assert run(folder, store, tmp_path / "places" / point) == expected
