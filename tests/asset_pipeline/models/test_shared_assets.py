"""Every shared glTF through the recipes: valid, compressed and decoded alike, as near as reported, nothing
lost.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.document import TRIANGLES, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.measure import measure, measure_bounds
from asset_pipeline.models.prepare import Prepared, prepare
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.recipes import MODEL_RECIPES
from asset_pipeline.models.run import USDZ_FILE, run_model, run_recipe
from asset_pipeline.models.steps.reduce import skin_placement
from asset_pipeline.models.transforms import shown_nodes, world_matrices
from asset_pipeline.models.usdz.check_usdz import check_usdz
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, glb_json, gltf_json

FIXED = ModelOptions(search=False)
GLB_RECIPES = ("thumb", "ar", "high", "archive")
FLOAT_STEP = 2.0**-22  # of a coordinate: readers compute positions in single precision
MENDED = {
    "gltf/ClearCoatTest/ClearCoatTest.gltf": "tangents",
    "gltf/Fox/Fox.gltf": "byteStride",
    "gltf/Ingenuity.glb": "outside 0",
    "gltf-invalid/validator_glb/bom.glb": "byte order mark",
    "gltf-invalid/validator_glb/two_images.glb": "2 of the images are shown by no material",
    "gltf-invalid/validator_image/invalid_image_data.gltf": "1 of the images are shown by no material",
    "gltf-invalid/validator_image/unrecognized_format.gltf": "1 of the images are shown by no material",
    "gltf-invalid/validator_json/bom.gltf": "byte order mark",
}


@dataclass(frozen=True)
class Written:
    """What the recipes made of a master: GLB by recipe, and the master's warnings.

    usdz: the package, or the Problems for which there is none.
    """

    model: Prepared
    files: dict[str, Path]
    warnings: str
    measures: dict[str, dict[str, Any]]
    usdz: Path | Refused


def gltf_rows(shared: Path) -> list[dict[str, str]]:
    with (shared / "assets" / "GLTF-VALIDATION.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="session")
def written(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written | Refused]:
    results: dict[str, Written | Refused] = {}
    for row in gltf_rows(shared):
        folder = tmp_path_factory.mktemp("models")
        path = shared / "assets" / row["file"]
        try:
            model = prepare(path, FIXED)
        except Refused as refusal:
            results[row["file"]] = refusal
            continue
        outcomes = run_model(path, recipes=GLB_RECIPES, workdir=folder, options=FIXED)
        assert [outcome.recipe for outcome in outcomes] == list(GLB_RECIPES), row["file"]
        drafts = {outcome.recipe: outcome.drafts[0] for outcome in outcomes}
        usdz: Path | Refused
        try:
            outcome = run_recipe(model, MODEL_RECIPES["ar_ios"], folder, FIXED)
            usdz = outcome.drafts[0].folder / USDZ_FILE
        except Refused as refusal:
            usdz = refusal
        results[row["file"]] = Written(
            model,
            {name: draft.folder / "model.glb" for name, draft in drafts.items()},
            " ".join(str(problem) for problem in model.warnings),
            {name: dict(draft.measures) for name, draft in drafts.items()},
            usdz,
        )
    return results


def accepted(written: dict[str, Written | Refused]) -> dict[str, Written]:
    return {name: result for name, result in written.items() if isinstance(result, Written)}


def test_files_without_errors_are_accepted_and_broken_ones_refused(
    shared: Path, written: dict[str, Written | Refused]
) -> None:
    wanted = {row["file"] for row in gltf_rows(shared) if row["errors"] == "0"} | set(MENDED)
    assert set(accepted(written)) == wanted
    for name, result in written.items():
        if isinstance(result, Refused):
            assert all(len(problem.message.split()) >= 4 for problem in result.problems), name


def test_what_was_mended_is_said(written: dict[str, Written | Refused]) -> None:
    said = {name: result.warnings for name, result in accepted(written).items() if result.warnings}
    assert set(said) == set(MENDED)
    for name, word in MENDED.items():
        assert word in said[name]


def test_every_file_passes_the_khronos_validator(
    written: dict[str, Written | Refused], validate: Validate
) -> None:
    files = [path for result in accepted(written).values() for path in result.files.values()]
    reports = validate(files)
    assert len(reports) == len(files) > 80
    assert {path: report["errors"] for path, report in reports.items() if report["errors"]} == {}
    for result in accepted(written).values():
        for recipe, path in result.files.items():
            assert reports[path]["info"]["totalTriangleCount"] == result.measures[recipe]["triangles"]


def test_every_compressed_view_decodes_to_a_valid_model(
    written: dict[str, Written | Refused], validate: Validate, tmp_path: Path
) -> None:
    """The validator does not look into compressed views, so they are decoded and written plainly for it."""
    plain = []
    for number, result in enumerate(accepted(written).values()):
        for recipe, path in result.files.items():
            document, warnings = load_gltf(path)
            assert warnings == ()
            plain.append(tmp_path / f"{number}-{recipe}.glb")
            plain[-1].write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))
            used = glb_json(plain[-1]).get("extensionsUsed", [])
            assert not {"EXT_meshopt_compression", "KHR_draco_mesh_compression"} & set(used)
    errors = {path: report["errors"] for path, report in validate(plain).items() if report["errors"]}
    assert errors == {}


def test_draco_and_meshopt_were_both_decoded(written: dict[str, Written | Refused]) -> None:
    def used(recipe: str) -> list[str]:
        trees = [glb_json(result.files[recipe]) for result in accepted(written).values()]
        return [name for tree in trees for name in tree.get("extensionsRequired", [])]

    assert used("ar").count("KHR_draco_mesh_compression") >= 18
    assert used("high").count("EXT_meshopt_compression") >= 18
    assert not {"EXT_meshopt_compression", "KHR_draco_mesh_compression"} & set(used("archive"))


def test_what_is_reported_is_what_lies_in_the_file(written: dict[str, Written | Refused]) -> None:
    for name, result in accepted(written).items():
        for recipe, path in result.files.items():
            found = measure(load_gltf(path)[0]).as_json()
            if recipe == "archive":  # stored indices are the shortest that hold; in memory all have 32 bits
                assert found.pop("gpu_bytes") <= result.measures[recipe]["gpu_bytes"]
            reported = {key: result.measures[recipe].get(key) for key in found}
            assert reported == found, (name, recipe)
            assert result.measures[recipe]["bytes"] == path.stat().st_size


@pytest.mark.parametrize("recipe", GLB_RECIPES)
def test_geometry_decodes_to_within_the_reported_error(
    written: dict[str, Written | Refused], recipe: str
) -> None:
    """Every corner of the file lies within the reported error of the master's surface, which is spread with
    points here, independently of how the error was measured.

    The report is the largest of 8192 distances, a lower bound of the largest of all: twice that is allowed.
    """
    random = np.random.default_rng(7)
    for name, result in accepted(written).items():
        master = shown_triangles(result.model.document)
        if not len(master):
            continue
        corners = shown_triangles(load_gltf(result.files[recipe])[0]).reshape(-1, 3)
        corners = corners[random.integers(0, len(corners), 2000)]
        cloud, gap_m = spread(master, 60_000, random)
        if result.measures[recipe]["triangles"] == result.measures["archive"]["triangles"]:
            gap_m = 0.0  # every corner has its own in the master, and those are in the cloud
        error_m = result.measures[recipe]["geometric_error_m"]
        allowed_m = 2 * error_m + gap_m + float(np.abs(master).max()) * FLOAT_STEP
        away = cKDTree(cloud).query(corners)[0]
        assert away.max() <= allowed_m, (name, recipe, error_m)
        if recipe == "archive":
            assert error_m == 0.0
        elif name not in ("gltf/nested.glb", "gltf/UnlitTest/UnlitTest.gltf"):
            size_m = float(np.ptp(master.reshape(-1, 3), axis=0).max())
            assert error_m < size_m * {"thumb": 0.03, "ar": 0.005, "high": 2e-4}[recipe], name


def shown_triangles(document: Document) -> np.ndarray:
    """(n, 3 corners, 3) of every node's mesh in the rest pose, in the world."""
    found = [np.empty((0, 3, 3))]
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    for number in shown_nodes(document.json):
        if "mesh" not in nodes[number]:
            continue
        skin = nodes[number].get("skin")
        matrix = world[number] if skin is None else skin_placement(document, skin, world)
        for primitive in document.items("meshes")[nodes[number]["mesh"]]["primitives"]:
            geometry = geometry_of(document, primitive)
            if geometry.mode != TRIANGLES or not geometry.vertices:
                continue
            points = geometry.attributes["POSITION"].as_floats().astype(np.float64)
            placed = points @ matrix[:3, :3].T + matrix[:3, 3]
            rows = np.arange(len(points)) if geometry.indices is None else geometry.indices
            found.append(placed[rows].reshape(-1, 3, 3))
    return np.concatenate(found)


def spread(triangles: np.ndarray, count: int, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """Points on the triangles by area, with all corners, and how far apart they may lie on the surface."""
    sides = triangles[:, 1:] - triangles[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    chosen = random.choice(len(areas), count, p=areas / areas.sum())
    shares = random.dirichlet((1, 1, 1), count)
    inside = (triangles[chosen] * shares[:, :, None]).sum(axis=1)
    cloud = np.concatenate([inside, triangles.reshape(-1, 3)])
    return cloud, 4 * float(np.sqrt(areas.sum() / count))


def test_a_usdz_keeps_the_rules_or_says_why_there_is_none(written: dict[str, Written | Refused]) -> None:
    made = {}
    for name, result in accepted(written).items():
        if isinstance(result.usdz, Refused):
            (problem,) = result.usdz.problems[:1]
            assert "shows no triangles" in problem.message, (name, problem)
            assert not len(shown_triangles(result.model.document)), name
        else:
            made[name] = [problem for problem in check_usdz(result.usdz) if problem.severity == "error"]
    assert len(made) >= 18
    assert {name: problems for name, problems in made.items() if problems} == {}


def test_budgets_hold(written: dict[str, Written | Refused]) -> None:
    for name, result in accepted(written).items():
        assert result.files["thumb"].stat().st_size <= 200_000, name
        assert result.measures["thumb"]["triangles_drawn"] <= 20_000, name
        assert result.measures["thumb"]["texture_px_max"] <= 512, name
        assert result.files["ar"].stat().st_size <= 10_000_000, name
        assert result.measures["ar"]["triangles_drawn"] <= 100_000, name
        assert result.measures["ar"]["texture_px_max"] <= 2048, name


def contents(tree: dict[str, Any]) -> dict[str, Any]:
    """What must come out as it went in."""
    attributes: set[str] = set()
    targets: set[int] = set()
    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            attributes |= set(primitive["attributes"])
            targets.add(len(primitive.get("targets", [])))
    return {
        "channels": [len(animation["channels"]) for animation in tree.get("animations", [])],
        "animation names": [animation.get("name") for animation in tree.get("animations", [])],
        "joints": [len(skin["joints"]) for skin in tree.get("skins", [])],
        "attributes": attributes,
        "targets": targets,
        "materials": [
            (material.get("name"), material.get("alphaMode"), sorted(material.get("extensions", {})))
            for material in tree.get("materials", [])
        ],
        "names": {node.get("name") for node in tree.get("nodes", [])} | {None},
        "cameras": len(tree.get("cameras", [])),
        "primitives": [len(mesh["primitives"]) for mesh in tree.get("meshes", [])],
        "extras": tree.get("extras"),
        "scenes": len(tree.get("scenes", [])),
    }


def test_nothing_is_lost(shared: Path, written: dict[str, Written | Refused]) -> None:
    for name, result in accepted(written).items():
        before = contents(gltf_json(shared / "assets" / name)) if "bom" not in name else None
        for path in result.files.values():
            after = contents(glb_json(path))
            if name == "gltf/ClearCoatTest/ClearCoatTest.gltf":
                after["attributes"] -= {"TANGENT"}  # computed: its material needs them
            if before is not None and not before["materials"] and after["materials"]:
                assert after["materials"] == [(None, None, [])]  # the default, spelled out
                after["materials"] = []
            if before is not None:
                assert after == before, name


def test_the_interesting_ones_are_what_they_were(written: dict[str, Written | Refused]) -> None:
    found = {name: contents(glb_json(result.files["ar"])) for name, result in accepted(written).items()}
    fox = found["gltf/Fox/Fox.gltf"]
    assert (len(fox["channels"]), fox["joints"]) == (3, [24])
    assert found["gltf/CesiumMilkTruck.glb"]["channels"] == [2]
    assert "TEXCOORD_1" in found["gltf/atoncube.glb"]["attributes"]
    assert "COLOR_0" in found["gltf/VertexColorTest/VertexColorTest.gltf"]["attributes"]
    assert "KHR_materials_sheen" in found["gltf/SheenCloth.glb"]["materials"][0][2]
    assert {"JOINTS_0", "WEIGHTS_0"} <= found["gltf-compressed/DracoSparseMesh/DracoSparseMesh.gltf"][
        "attributes"
    ]
    house = glb_json(
        accepted(written)["gltf/PointCloudHouse/PropertyAttributesPointCloudHouse.gltf"].files["thumb"]
    )
    assert house["meshes"][0]["primitives"][0]["mode"] == 0
    assert set(house["extensions"]) == {"EXT_structural_metadata"}


def test_bounds_stay_within_a_grid_step(shared: Path, written: dict[str, Written | Refused]) -> None:
    for name, result in accepted(written).items():
        master = load_bounds(shared / "assets" / name)
        if master is None:
            continue
        size = max(high - low for low, high in zip(*master, strict=True))
        found = result.measures["high"]["bounds_m"]
        for wanted, got in zip((*master[0], *master[1]), (*found["min"], *found["max"]), strict=True):
            assert got == pytest.approx(wanted, abs=size * 2e-4 + 2e-6), name


def load_bounds(path: Path) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    return measure_bounds(load_gltf(path)[0])


@pytest.mark.parametrize("recipe", ["thumb", "ar"])
def test_the_same_master_gives_the_same_bytes(
    shared: Path, written: dict[str, Written | Refused], tmp_path: Path, recipe: str
) -> None:
    for name in ("gltf/Ingenuity.glb", "gltf/SheenCloth.glb", "gltf/Fox/Fox.gltf"):
        model = prepare(shared / "assets" / name, FIXED)
        outcome = run_recipe(model, MODEL_RECIPES[recipe], tmp_path / Path(name).stem, FIXED)
        again = (outcome.drafts[0].folder / "model.glb").read_bytes()
        assert again == accepted(written)[name].files[recipe].read_bytes(), name


@pytest.mark.parametrize(
    ("name", "recipe", "runs"),
    [
        ("gltf/Ingenuity.glb", "thumb", 1),
        ("gltf/Fox/Fox.gltf", "thumb", 2),
        ("gltf/VertexColorTest/VertexColorTest.gltf", "thumb", 2),
        ("gltf/pirate.glb", "ar", 1),
    ],
)
def test_the_search_meets_its_target_or_says_so(
    shared: Path, tmp_path: Path, name: str, recipe: str, runs: int
) -> None:
    searched = MODEL_RECIPES[recipe]
    bodies = []
    for run in range(runs):
        model = prepare(shared / "assets" / name, ModelOptions())
        outcome = run_recipe(model, searched, tmp_path / str(run), ModelOptions())
        (draft,) = outcome.drafts
        measures = draft.measures
        seen = min(measures["rendered_ssim_lit"], measures["rendered_ssim_unlit"])
        missed = any("looks less like the master than wanted" in p.message for p in outcome.problems)
        assert missed == (seen < searched.target.ssim), seen
        assert 1 <= measures["trials"] <= searched.max_trials + 1
        assert measures["triangles_drawn"] <= searched.budget.triangles
        assert measures["texture_px_max"] <= searched.budget.texture_px
        assert measures["bytes"] <= searched.budget.bytes
        bodies.append((draft.folder / "model.glb").read_bytes())
    assert len(set(bodies)) == 1
