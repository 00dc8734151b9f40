"""Making the masters: once, whole, the same each time; and the folder an editor would hand in."""

import csv
from pathlib import Path

import cv2
import pytest
from PIL import Image

from content_api.demo.islands import grown_forms
from content_api.demo.manifest import COLUMNS, write_ingest_folder
from content_api.demo.masters import DemoMasters, MasterSizes, content_version, default_cache, make_masters
from content_api.demo.panorama import panorama_jpeg
from content_api.demo.photo import photo_jpeg
from content_api.demo.tower import tower_glb


def test_a_second_call_finds_them(small_masters: DemoMasters, small_sizes: MasterSizes, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_masters}
    told: list[str] = []
    assert make_masters(cache, told.append, small_sizes) == small_masters
    assert {path: path.stat().st_mtime_ns for path in small_masters} == before
    assert told == []


def test_nothing_but_the_three_is_left_in_the_cache(small_masters: DemoMasters, cache: Path) -> None:
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    assert files == sorted(small_masters)


def test_the_same_bytes_in_another_process_and_with_other_threads(
    small_masters: DemoMasters, small_sizes: MasterSizes
) -> None:
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)  # the masters were made with one
        forms = grown_forms(small_sizes.form_columns)
        assert panorama_jpeg(forms, small_sizes.panorama_px) == small_masters.panorama.read_bytes()
        assert photo_jpeg(forms, small_sizes.photo_px) == small_masters.photo.read_bytes()
        tower = tower_glb(small_sizes.tower_columns, small_sizes.tower_rows, small_sizes.texture_px)
        assert tower == small_masters.tower.read_bytes()
    finally:
        cv2.setNumThreads(threads)


def test_other_sizes_have_another_version(small_sizes: MasterSizes) -> None:
    assert content_version(small_sizes) == content_version(small_sizes)
    assert content_version(small_sizes) != content_version(MasterSizes())


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HALONG_XR_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("HALONG_XR_CACHE")
    assert default_cache() == Path.home() / ".cache" / "halong-xr"


def test_the_ingest_folder_holds_the_masters_and_their_manifest(
    small_masters: DemoMasters, tmp_path: Path
) -> None:
    folder = write_ingest_folder(tmp_path / "ingest", small_masters)
    assert write_ingest_folder(folder, small_masters) == folder  # repeating it is fine
    assert sorted(path.name for path in folder.iterdir()) == [
        "bay-panorama.jpg",
        "bay-photo.jpg",
        "karst-tower.glb",
        "manifest.csv",
    ]
    for master in small_masters:
        assert (folder / master.name).read_bytes() == master.read_bytes()
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["site"], row["kind"], row["file"]) for row in rows] == [
        ("hang-dau-go", "model", "karst-tower.glb"),
        ("dao-ti-top", "panorama", "bay-panorama.jpg"),
        ("hang-sung-sot", "photo", "bay-photo.jpg"),
    ]
    for row in rows:
        assert tuple(row) == COLUMNS
        assert all(row.values())
        assert (row["licence"], row["illustration"]) == ("CC0-1.0", "true")
        assert "illustration" in row["title_en"]
        assert "minh họa" in row["title_vi"]
        assert row["alt_en"].startswith("Illustration")
        assert row["alt_vi"].startswith("Hình minh họa")


@pytest.mark.slow
def test_the_full_masters(tmp_path: Path) -> None:
    masters = make_masters(tmp_path, lambda line: None)
    assert 20e6 < masters.tower.stat().st_size < 60e6
    with Image.open(masters.panorama) as panorama:
        assert panorama.size == (8192, 4096)
        assert b"<GPano:FullPanoWidthPixels>8192<" in panorama.info["xmp"]
    with Image.open(masters.photo) as photo:
        assert photo.size == (3000, 2000)
    glb = masters.tower.read_bytes()
    start = glb.index(b"\xff\xd8\xff")
    texture = tmp_path / "texture.jpg"
    texture.write_bytes(glb[start:])
    with Image.open(texture) as picture:
        assert picture.size == (4096, 4096)
