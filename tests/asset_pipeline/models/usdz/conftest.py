"""Tools for tests of USDZ: what a package shows, read back with USD and without our own writer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pxr import Usd, UsdGeom

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.usdz import write_usdz
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.usdz.pictures import png


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[Document], Path]:
    """Writes a Document as USDZ and returns its path."""

    def write(document: Document) -> Path:
        path = tmp_path / "model.usdz"
        write_usdz(document, path)
        return path

    return write


def textured_sheet(side: int = 5, **material: Any) -> Document:
    """A wavy sheet with one material and four pictures; `material` is its glTF JSON."""
    names = ("colour", "numbers", "normals", "glow")
    images = tuple(Image(png(8, 8, seed), "image/png", name) for seed, name in enumerate(names))
    document = sheet(
        side,
        materials=[material],
        textures=[{"source": index} for index in range(len(images))],
        meshes=[
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2},
                        "indices": 3,
                        "material": 0,
                    }
                ]
            }
        ],
    )
    return Document(document.json, document.accessors, images)


def meshes_of(stage: Any) -> Iterator[Any]:
    """Every mesh the stage draws."""
    for prim in stage.Traverse():
        if prim.IsA(UsdGeom.Mesh):
            yield UsdGeom.Mesh(prim)


def shown_triangles(stage: Any, time: float | None = None) -> np.ndarray:
    """(triangles, 3, 3) in the world, in order of the stage."""
    moment = Usd.TimeCode.Default() if time is None else Usd.TimeCode(time)
    cache = UsdGeom.XformCache(moment)
    parts = []
    for mesh in meshes_of(stage):
        assert set(mesh.GetFaceVertexCountsAttr().Get()) == {3}
        points = np.array(mesh.GetPointsAttr().Get(), np.float64)
        corners = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
        matrix = np.array(cache.GetLocalToWorldTransform(mesh.GetPrim()))
        parts.append((points @ matrix[:3, :3] + matrix[3, :3])[corners])
    return np.concatenate(parts)
