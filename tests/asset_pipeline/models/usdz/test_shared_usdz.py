"""Every shared glTF as USDZ, read back with USD: the same triangles in the same places; our checks pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pxr import Ar, Usd, UsdGeom, UsdShade, UsdSkel

from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.reduce import drawn_triangles
from asset_pipeline.models.steps.retexture import settle_sources
from asset_pipeline.models.transforms import shown_nodes, world_matrices
from asset_pipeline.models.usdz import check_usdz, write_usdz
from asset_pipeline.models.usdz.package import read_entries
from asset_pipeline.outcome import Refused
from heritage_sites.problem import Problem
from tests.asset_pipeline.models.usdz.conftest import meshes_of, shown_triangles

WITHOUT_TRIANGLES = {"PropertyAttributesPointCloudHouse", "empty_nodes"}
OVER = {  # really over Quick Look's guide
    "2CylinderEngine": ["it has 121496 triangles; at most 100000 are taken."],
    "SheenCloth": ["it has 115200 triangles; at most 100000 are taken."],
}


@dataclass(frozen=True)
class Packed:
    document: Document
    path: Path
    warnings: tuple[Problem, ...]


def masters(shared: Path) -> list[Path]:
    folder = shared / "assets" / "gltf"
    return sorted([*folder.glob("*.glb"), *folder.glob("*/*.gltf")])


@pytest.fixture(scope="module")
def packed_masters(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packed]:
    folder = tmp_path_factory.mktemp("usdz")
    made = {}
    for master in masters(shared):
        document = settle_sources(load_gltf(master)[0])
        path = folder / f"{master.stem}.usdz"
        if master.stem in WITHOUT_TRIANGLES:
            with pytest.raises(Refused, match="no triangles"):
                write_usdz(document, path)
            assert not path.exists()
        else:
            made[master.stem] = Packed(document, path, write_usdz(document, path))
    assert len(made) >= 16
    return made


def corner_rows(document: Document, primitive: dict[str, Any], vertices: int) -> np.ndarray:
    if "indices" not in primitive:
        return np.arange(vertices)
    return document.accessors[primitive["indices"]].array[:, 0]


def gltf_corners(document: Document) -> np.ndarray:
    """Corners of all triangles of the default scene, in the world (skins as they stand unposed)."""
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    parts = []
    for index in shown_nodes(document.json):
        node = nodes[index]
        for primitive in document.items("meshes")[node["mesh"]]["primitives"] if "mesh" in node else []:
            if primitive.get("mode", 4) != 4:
                continue
            points = document.accessors[primitive["attributes"]["POSITION"]].as_floats().astype(np.float64)
            if "skin" not in node:
                points = points @ world[index][:3, :3].T + world[index][:3, 3]
            parts.append(points[corner_rows(document, primitive, len(points))])
    return np.concatenate(parts)


def test_triangles_and_bounds_are_those_of_the_master(packed_masters: dict[str, Packed]) -> None:
    for name, made in packed_masters.items():
        corners = shown_triangles(Usd.Stage.Open(str(made.path))).reshape(-1, 3)
        wanted = gltf_corners(made.document)
        assert len(corners) == len(wanted) == 3 * drawn_triangles(made.document), name
        size = np.ptp(wanted, axis=0).max()
        assert np.abs(corners.min(axis=0) - wanted.min(axis=0)).max() < 1e-5 * size, name
        assert np.abs(corners.max(axis=0) - wanted.max(axis=0)).max() < 1e-5 * size, name
        areas = [
            np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1).sum()
            for t in (corners.reshape(-1, 3, 3), wanted.reshape(-1, 3, 3))
        ]
        assert areas[0] == pytest.approx(areas[1], rel=1e-4), name


def test_our_checks_pass_except_where_the_model_is_over(packed_masters: dict[str, Packed]) -> None:
    found = {
        name: [problem.message for problem in check_usdz(made.path)] for name, made in packed_masters.items()
    }
    assert {name: messages for name, messages in found.items() if messages} == OVER


def test_every_texture_path_resolves_inside_the_package(packed_masters: dict[str, Packed]) -> None:
    textures = 0
    for name, made in packed_masters.items():
        stage = Usd.Stage.Open(str(made.path))
        for prim in stage.Traverse():
            if prim.IsA(UsdShade.Shader) and UsdShade.Shader(prim).GetShaderId() == "UsdUVTexture":
                resolved = UsdShade.Shader(prim).GetInput("file").Get().resolvedPath
                assert resolved.startswith(f"{made.path}["), (name, resolved)
                assert Ar.GetResolver().OpenAsset(Ar.ResolvedPath(resolved)).GetSize() > 0
                textures += 1
    assert textures > 30


def test_losses_are_named_and_nothing_else(packed_masters: dict[str, Packed]) -> None:
    words = {
        "2CylinderEngine": ["Cameras"],
        "Fox": ["2 animations"],
        "SheenCloth": ["KHR_materials_sheen"],
        "VertexColorTest": ["Vertex colours"],
    }
    assert {name: len(made.warnings) for name, made in packed_masters.items() if made.warnings} == {
        name: len(wanted) for name, wanted in words.items()
    }
    for name, wanted in words.items():
        for word, problem in zip(wanted, packed_masters[name].warnings, strict=True):
            assert word in problem.message


def test_the_same_model_gives_the_same_bytes(packed_masters: dict[str, Packed], tmp_path: Path) -> None:
    for name in ("Fox", "CesiumMilkTruck", "ClearCoatTest"):
        again = tmp_path / "again.usdz"
        write_usdz(packed_masters[name].document, again)
        assert again.read_bytes() == packed_masters[name].path.read_bytes(), name


def test_equal_meshes_are_stored_once(packed_masters: dict[str, Packed]) -> None:
    """2CylinderEngine draws 121,496 triangles from 57,848 stored ones... and USD stores equal arrays once."""
    made = packed_masters["2CylinderEngine"]
    entries = read_entries(made.path.read_bytes())
    stage = Usd.Stage.Open(str(made.path))
    drawn = sum(len(mesh.GetPointsAttr().Get()) for mesh in meshes_of(stage))
    assert entries[0].stored_bytes < drawn * 24  # points and normals alone would be that


def posed_fox(document: Document, time_s: float) -> np.ndarray:
    """The fox's skinned points by the letter of the glTF text, linear keys only."""
    nodes = [dict(node) for node in document.items("nodes")]
    animation = document.items("animations")[0]
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        keys = document.accessors[sampler["input"]].array[:, 0]
        values = document.accessors[sampler["output"]].array.astype(np.float64)
        place = int(np.clip(np.searchsorted(keys, time_s, side="right") - 1, 0, len(keys) - 2))
        share = (time_s - keys[place]) / (keys[place + 1] - keys[place])
        a, b = values[place], values[place + 1]
        if channel["target"]["path"] == "rotation":
            b = -b if a @ b < 0 else b
        value = a * (1 - share) + b * share  # keys lie close: as good as a slerp
        nodes[channel["target"]["node"]][channel["target"]["path"]] = value.tolist()
    world = world_matrices(nodes)
    skin = document.items("skins")[0]
    inverse_binds = document.accessors[skin["inverseBindMatrices"]].array.reshape(-1, 4, 4).transpose(0, 2, 1)
    matrices = np.array([world[joint] for joint in skin["joints"]]) @ inverse_binds
    primitive = document.items("meshes")[0]["primitives"][0]
    columns = {name: document.accessors[number] for name, number in primitive["attributes"].items()}
    points = np.pad(columns["POSITION"].as_floats(), ((0, 0), (0, 1)), constant_values=1)
    joints, weights = columns["JOINTS_0"].array, columns["WEIGHTS_0"].as_floats()
    blended = np.einsum("nk,nkij->nij", weights, matrices[joints])
    return np.einsum("nij,nj->ni", blended, points)[corner_rows(document, primitive, len(points)), :3]


@pytest.mark.parametrize("frame", [0, 7, 50, 90])
def test_the_fox_runs_as_gltf_says(packed_masters: dict[str, Packed], frame: int, tmp_path: Path) -> None:
    """USD's own skinning of what we wrote against glTF's formula: the same points in every frame."""
    made = packed_masters["Fox"]
    stage = Usd.Stage.Open(str(made.path))
    stage.SetEditTarget(stage.GetSessionLayer())
    assert (stage.GetStartTimeCode(), stage.GetTimeCodesPerSecond()) == (0, 30)
    assert stage.GetEndTimeCode() == 103  # 3.4167 s
    mesh = next(meshes_of(stage))
    cache = UsdSkel.Cache()
    root = UsdSkel.Root.Find(mesh.GetPrim())
    cache.Populate(root, Usd.PrimDefaultPredicate)
    query = cache.GetSkinningQuery(mesh.GetPrim())
    skeleton = cache.GetSkelQuery(UsdSkel.BindingAPI(mesh.GetPrim()).GetInheritedSkeleton())
    matrices = skeleton.ComputeSkinningTransforms(Usd.TimeCode(frame))
    points = mesh.GetPointsAttr().Get()
    assert query.ComputeSkinnedPoints(matrices, points, Usd.TimeCode(frame))
    corners = np.array(points)[np.array(mesh.GetFaceVertexIndicesAttr().Get())]
    wanted = posed_fox(made.document, frame / 30)
    size = np.ptp(wanted, axis=0).max()
    assert np.abs(corners - wanted).max() < 2e-3 * size
    if frame:
        assert np.abs(wanted - posed_fox(made.document, 0)).max() > 0.05 * size  # it does move


def test_the_trucks_wheels_turn(packed_masters: dict[str, Packed]) -> None:
    made = packed_masters["CesiumMilkTruck"]
    stage = Usd.Stage.Open(str(made.path))
    start, end = shown_triangles(stage, 0), shown_triangles(stage, 10)
    moved = np.abs(start - end).max(axis=(1, 2)) > 1e-3
    assert 0.1 < moved.mean() < 0.9
    turned = [
        op
        for prim in stage.Traverse()
        for op in UsdGeom.Xformable(prim).GetOrderedXformOps()
        if op.GetNumTimeSamples()
    ]
    assert [op.GetOpName() for op in turned] == ["xformOp:transform"] * 2
    assert [op.GetNumTimeSamples() for op in turned] == [stage.GetEndTimeCode() + 1] * 2


def test_a_compressed_master_gives_the_same_package(shared: Path, tmp_path: Path) -> None:
    document, _ = load_gltf(shared / "assets" / "gltf-compressed" / "BoxMeshopt.glb")
    write_usdz(document, tmp_path / "box.usdz")
    stage = Usd.Stage.Open(str(tmp_path / "box.usdz"))
    corners = shown_triangles(stage).reshape(-1, 3)
    wanted = gltf_corners(document)
    assert np.allclose(np.sort(corners, axis=0), np.sort(wanted, axis=0), atol=1e-6)
