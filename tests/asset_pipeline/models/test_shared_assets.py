"""Every shared glTF through every recipe: valid, compressed and decoded alike, and nothing lost."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.recipes import MODEL_RECIPES
from asset_pipeline.models.run import prepare, run_recipe
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, glb_json, gltf_json

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
    """What the recipes made of a master: GLB by recipe, and the master's warnings."""

    files: dict[str, Path]
    warnings: str
    measures: dict[str, dict[str, Any]]


def gltf_rows(shared: Path) -> list[dict[str, str]]:
    with (shared / "assets" / "GLTF-VALIDATION.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="session")
def written(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written | Refused]:
    results: dict[str, Written | Refused] = {}
    for row in gltf_rows(shared):
        folder = tmp_path_factory.mktemp("models")
        try:
            model = prepare(shared / "assets" / row["file"])
        except Refused as refusal:
            results[row["file"]] = refusal
            continue
        drafts = {name: run_recipe(model, recipe, folder).drafts[0] for name, recipe in MODEL_RECIPES.items()}
        results[row["file"]] = Written(
            {name: draft.folder / "model.glb" for name, draft in drafts.items()},
            " ".join(str(problem) for problem in model.warnings),
            {name: dict(draft.measures) for name, draft in drafts.items()},
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
            assert "EXT_meshopt_compression" not in glb_json(plain[-1]).get("extensionsUsed", [])
    errors = {path: report["errors"] for path, report in validate(plain).items() if report["errors"]}
    assert errors == {}


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
    from asset_pipeline.models.measure import measure_bounds

    return measure_bounds(load_gltf(path)[0])


def test_the_same_master_gives_the_same_bytes(
    shared: Path, written: dict[str, Written | Refused], tmp_path: Path
) -> None:
    for name in ("gltf/Ingenuity.glb", "gltf/SheenCloth.glb", "gltf/Fox/Fox.gltf"):
        model = prepare(shared / "assets" / name)
        outcome = run_recipe(model, MODEL_RECIPES["thumb"], tmp_path / Path(name).stem)
        again = (outcome.drafts[0].folder / "model.glb").read_bytes()
        assert again == accepted(written)[name].files["thumb"].read_bytes(), name
