"""What the comparison reads and writes of GLB files, its sources, its sets and its measuring of processes."""

import gzip
import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.benchmarks.harness import run_child
from tests.benchmarks.models import glb
from tests.benchmarks.models.peers import GEOMETRY_PEERS, command, ratios_for
from tests.benchmarks.models.sets import DEMO, HELD_OUT, SHARED, TUNING
from tests.benchmarks.models.sources import TEXTURE_PX, make_source, models_in


def picture(kind: str, side_px: int) -> bytes:
    out = io.BytesIO()
    PIL.Image.effect_noise((side_px, side_px), 50).convert("RGB").save(out, kind)
    return out.getvalue()


def quad(image: Image | None = None, *, instances: int = 1) -> Document:
    columns = (
        Accessor(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32), "VEC3"),
        Accessor(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), "VEC2"),
        Accessor(np.array([[0], [1], [2], [0], [2], [3]], np.uint32), "SCALAR"),
    )
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}
    tree = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": list(range(instances))}],
        "nodes": [{"mesh": 0, "translation": [index, 0, 0]} for index in range(instances)],
        "meshes": [{"primitives": [primitive]}], "materials": [{}],
    }  # fmt: skip
    if image is None:
        return Document(tree, columns)
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    tree["textures"] = [{"source": 0}]
    return Document(tree, columns, (image,))


def stored(folder: Path, body: bytes) -> Path:
    path = folder / f"{hashlib.sha256(body).hexdigest()[:12]}.glb"
    path.write_bytes(body)
    return path


def test_plain_file_holds_the_same_numbers_and_images(tmp_path: Path) -> None:
    image = Image(picture("PNG", 16), "image/png")
    path = stored(tmp_path, glb.write_plain_glb(quad(image)))
    read, _ = load_gltf(path)
    (primitive,) = read.json["meshes"][0]["primitives"]
    numbers = [
        primitive["attributes"]["POSITION"],
        primitive["attributes"]["TEXCOORD_0"],
        primitive["indices"],
    ]
    assert [read.accessors[number].array.tolist() for number in numbers] == [
        column.array.tolist() for column in quad().accessors
    ]
    assert read.images[0].body == image.body
    assert glb.codec_of(path) == "plain"


def test_geometry_is_the_file_without_its_images(tmp_path: Path) -> None:
    image = Image(picture("PNG", 64), "image/png")
    path = stored(tmp_path, glb.write_plain_glb(quad(image)))
    assert glb.image_bytes(path) == len(image.body)
    assert glb.geometry_bytes(path) == path.stat().st_size - len(image.body)
    body = path.read_bytes()
    assert glb.geometry_gzip_bytes(path) == len(gzip.compress(body.replace(image.body, b""), 9, mtime=0))


def test_triangles_count_once_per_node_that_shows_them(tmp_path: Path) -> None:
    assert glb.count_triangles(stored(tmp_path, glb.write_plain_glb(quad(instances=3)))) == 6


@pytest.mark.parametrize(
    ("codec", "words"), [(GeometryCodec.MESHOPT, "meshopt EXT v0"), (GeometryCodec.DRACO, "Draco")]
)
def test_codec_is_told_from_the_file(tmp_path: Path, codec: GeometryCodec, words: str) -> None:
    assert glb.codec_of(stored(tmp_path, write_glb(quad(), WriteOptions(codec)))) == words


@pytest.mark.parametrize(
    ("kind", "media_type", "side_px", "is_kept"),
    [("JPEG", "image/jpeg", 64, True), ("PNG", "image/png", 2050, False), ("WEBP", "image/webp", 64, False)],
)
def test_only_textures_that_all_tools_read_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, media_type: str, side_px: int, is_kept: bool
) -> None:
    monkeypatch.setattr("tests.benchmarks.models.sources.SOURCES", tmp_path / "sources")
    image = Image(picture(kind, side_px), media_type)
    original = stored(tmp_path, write_glb(quad(image), WriteOptions(GeometryCodec.NONE)))
    source = make_source("quad", original)
    (found,) = load_gltf(source.glb)[0].images
    assert (found.body == image.body) is is_kept
    assert found.media_type in ("image/jpeg", "image/png")
    assert max(PIL.Image.open(io.BytesIO(found.body)).size) == min(side_px, TEXTURE_PX)
    assert source.triangles == 2
    assert source.sha256 == hashlib.sha256(source.glb.read_bytes()).hexdigest()


def test_models_of_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a.glb", "a.obj", "b/a.ply", "b/readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [name for name, _ in models_in(tmp_path)] == ["a-glb", "a-obj", "b-a"]
    assert models_in(tmp_path / "a.glb") == [("a", tmp_path / "a.glb")]


def test_sets_share_no_model_and_public_files_have_a_digest() -> None:
    models = [*TUNING, *HELD_OUT]
    assert len({model.name for model in models}) == len(models)
    assert not {(model.origin, model.path) for model in TUNING} & {
        (model.origin, model.path) for model in HELD_OUT
    }
    assert all(len(model.sha256) == 64 for model in models if model.origin not in (SHARED, DEMO))


def test_ratios_leave_neither_too_few_triangles_nor_too_many() -> None:
    assert ratios_for(1_000_000) == (0.25, 0.1)
    assert ratios_for(10_000) == (0.5, 0.25, 0.1)
    assert ratios_for(1_000) == (0.5, 0.25)
    assert ratios_for(499) == ()


@pytest.mark.parametrize("peer", GEOMETRY_PEERS, ids=lambda peer: peer.name)
def test_ratio_reaches_the_command_line(peer: object) -> None:
    words = [str(word) for word in command(peer, Path("in.glb"), Path("out.glb"), 0.25)]  # type: ignore[arg-type]
    flag = "-si" if "-si" in words else "--simplify-ratio"
    assert words[words.index(flag) + 1] == "0.25"
    whole = [str(word) for word in command(peer, Path("in.glb"), Path("out.glb"), 1.0)]  # type: ignore[arg-type]
    assert flag not in whole


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_child_and_its_child_is_seen() -> None:
    inner = "b = bytearray(80_000_000); b[::4096] = b'x' * len(b[::4096]); import time; time.sleep(1)"
    own = "import subprocess, sys; a = bytearray(60_000_000); a[::4096] = b'x' * len(a[::4096])"
    outer = f"{own}; subprocess.run([sys.executable, '-c', {inner!r}])"
    cost = run_child([sys.executable, "-c", outer], sampling=True)
    assert 80_000_000 < cost.peak_bytes < 130_000_000
    assert 140_000_000 < cost.tree_peak_bytes < 220_000_000
