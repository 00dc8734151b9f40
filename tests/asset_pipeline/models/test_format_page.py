"""docs/formats/models.md is what the tables say, and what the tables say of masters is what happens."""

import struct
from pathlib import Path

import DracoPy
import laspy
import numpy as np
import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.extensions import KNOWN_EXTENSIONS, Fate
from asset_pipeline.models.format_page import format_page
from asset_pipeline.models.format_tables import MASTER_FORMATS
from asset_pipeline.models.reading.mesh_files import LoadedMesh, load_mesh_file
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.reading.source_frame import GLTF_FRAME
from asset_pipeline.models.steps.place_units import find_scale_problems
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from asset_pipeline.sniff import FILE_TYPES, Route, sniff
from tests.asset_pipeline.models.conftest import REPOSITORY, sheet

# Khronos' registry of glTF extensions, "Ratified Khronos Extensions", read in November 2026
RATIFIED_MATERIALS = (
    "anisotropy", "clearcoat", "dispersion", "emissive_strength", "ior", "iridescence", "sheen", "specular",
    "transmission", "unlit", "variants", "volume",
)  # fmt: skip
TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)


def test_the_page_is_what_the_tables_say() -> None:
    page = REPOSITORY / "docs" / "formats" / "models.md"
    assert page.read_text(encoding="utf-8") == format_page(), (
        "run python -m asset_pipeline.models.format_page"
    )


def test_every_kind_of_model_that_is_taken_has_one_row() -> None:
    taken = sorted(name for name, kind in FILE_TYPES.items() if kind.route is Route.MODEL)
    assert sorted(name for row in MASTER_FORMATS for name in row.sniffed) == taken


def test_all_ratified_material_extensions_are_kept() -> None:
    for name in RATIFIED_MATERIALS:
        assert KNOWN_EXTENSIONS[f"KHR_materials_{name}"].fate is Fate.KEPT


def sample(folder: Path, kind: str) -> Path:
    """A small master of each kind; a cloud's coordinate system says nothing."""
    path = folder / f"sample.{kind}"
    bodies = {
        "glb": write_glb(sheet(), WriteOptions()),
        "gltf": b'{"asset": {"version": "2.0"}}',
        "obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n",
        "ply": b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\n"
        b"property float z\nend_header\n0 0 0\n1 1 1\n",
        "stl": bytes(80) + struct.pack("<I12fH", 1, 0, 0, 1, *TRIANGLE.reshape(-1).tolist(), 0),
        "draco": DracoPy.encode(TRIANGLE, np.array([[0, 1, 2]], np.uint32)),
        "xyz": b"0 0 0\n1 1 1\n",
    }
    if kind == "las":
        cloud = laspy.create(point_format=7, file_version="1.4")
        cloud.x, cloud.y, cloud.z = TRIANGLE.T.astype(float)
        cloud.write(str(path))
    else:
        path.write_bytes(bodies[kind])
    return path


@pytest.mark.parametrize("row", MASTER_FORMATS, ids=lambda row: row.sniffed[0])
def test_a_row_says_what_is_asked_of_its_masters(tmp_path: Path, row) -> None:
    for kind in row.sniffed:
        path = sample(tmp_path, kind)
        assert sniff(path).name == kind
        if kind in ("glb", "gltf"):
            loaded = LoadedMesh(*load_gltf(path), GLTF_FRAME)
        else:
            loaded = load_mesh_file(path)
        asked = " ".join(
            problem.message
            for problem in find_scale_problems(loaded.document, hints=ModelOptions(), frame=loaded.frame)
        )
        assert ("unit" in asked) == ("asked" in row.unit)
        assert ("which axis is up" in asked) == ("asked" in row.up)
