"""What a large master costs: all processes under the pipeline together, watched while it works."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.optimize import run_master
from asset_pipeline.report import Status
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.watch_cost import watched

MIB = 1024 * 1024


@pytest.mark.slow
def test_two_million_triangles_with_an_8k_texture_take_less_than_one_and_a_half_gib(tmp_path: Path) -> None:
    noise = np.random.default_rng(8).integers(0, 255, (1024, 1024, 3), np.uint8)
    picture = PIL.Image.fromarray(noise).resize((8192, 8192), PIL.Image.Resampling.BICUBIC)
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=85)
    document = sheet(
        1001,
        size_m=20.0,
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        textures=[{"source": 0}],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    document = Document(document.json, document.accessors, (Image(body.getvalue(), "image/jpeg"),))
    master = tmp_path / "large.glb"
    master.write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))
    del document, picture, noise

    out = tmp_path / "out"
    results, cost = watched(lambda: run_master(master, name=master.name, out=out, recipes=["ar"]))

    assert [(result.recipe, result.status) for result in results] == [("ar", Status.OK)]
    print(f"all processes together: {cost.peak_bytes / MIB:.0f} MiB")
    assert cost.peak_bytes < 1536 * MIB
