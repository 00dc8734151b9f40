"""Masters nobody has seen: what we write of each is valid, also decompressed, and holds what the master
held.
"""

from pathlib import Path
from typing import Any

import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.run import run_model
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.conftest import Validate, glb_json, gltf_json
from tests.asset_pipeline.models.random_gltf import RandomModel

STORAGE = {
    "EXT_meshopt_compression",
    "KHR_draco_mesh_compression",
    "KHR_mesh_quantization",
    "EXT_texture_webp",
    "KHR_texture_basisu",
    "KHR_texture_transform",  # undoes the UV grid
}
SAID = (  # all that there is to say about valid masters, whose sizes are random too
    "stand in no scene",
    "are shown by no material",
    "hardly meant",
    "they were turned round",
)


def census(tree: dict[str, Any], nodes: int) -> dict[str, Any]:
    """What must be the same before and after, for the master's own nodes.

    Behind them stand nodes that undo the grid of a mesh; a node's weights move there with the mesh.
    """
    primitives = [primitive for mesh in tree.get("meshes", []) for primitive in mesh["primitives"]]
    lights = tree.get("extensions", {}).get("KHR_lights_punctual", {}).get("lights", [])
    return {
        **{kind: len(tree.get(kind, [])) for kind in ("meshes", "scenes", "cameras")},
        "materials": max(len(tree.get("materials", [])), 1),  # parts without any may get the plain one
        "lights": len(lights),
        "names": [
            [item.get("name") for item in tree.get(kind, [])] for kind in ("scenes", "meshes", "skins")
        ],
        "nodes": [
            (node.get("name"), node.get("extras"), node.get("camera")) for node in tree["nodes"][:nodes]
        ],
        "scene": tree.get("scene"),
        "channels": [
            [
                (path := channel["target"]["path"], path != "weights" and channel["target"].get("node"))
                for channel in animation["channels"]
            ]
            for animation in tree.get("animations", [])
        ],
        "keys": [
            [tree["accessors"][sampler["input"]]["count"] for sampler in animation["samplers"]]
            for animation in tree.get("animations", [])
        ],
        "joints": [skin["joints"] for skin in tree.get("skins", [])],
        "columns": [sorted(primitive["attributes"]) for primitive in primitives],
        "targets": [[sorted(target) for target in primitive.get("targets", [])] for primitive in primitives],
        "variants": [
            {name: what for name, what in primitive.get("extensions", {}).items() if name not in STORAGE}
            for primitive in primitives
        ],
        "extensions": set(tree.get("extensionsUsed", [])) - STORAGE,
        "required": set(tree.get("extensionsRequired", [])) - STORAGE,
    }


def check(seeds: range, validate: Validate, tmp_path: Path) -> None:
    masters: dict[Path, Path] = {}  # what came out: of which master
    plain: dict[Path, Path] = {}
    for seed in seeds:
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        master = RandomModel(seed).write(folder)
        outcomes = run_model(
            master, recipes=["thumb", "ar"], workdir=folder, options=ModelOptions(search=False)
        )
        for outcome in outcomes:
            assert not outcome.refused, (seed, outcome.problems)
            path = outcome.drafts[0].folder / "model.glb"
            masters[path] = master
            document, warnings = load_gltf(path)
            said = {problem.message for problem in (*outcome.problems, *warnings)}
            assert {line for line in said if not any(word in line for word in SAID)} == set(), seed
            plain[path] = path.with_name("plain.glb")
            plain[path].write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))
    reports = validate([*set(masters.values()), *masters, *plain.values()])
    assert {path: report["errors"] for path, report in reports.items() if report["errors"]} == {}
    for path, master in masters.items():
        before = gltf_json(master)
        count = len(before["nodes"])
        assert census(glb_json(path), count) == census(before, count), path


def test_random_models(validate: Validate, tmp_path: Path) -> None:
    check(range(120), validate, tmp_path)


@pytest.mark.slow
def test_many_random_models(validate: Validate, tmp_path: Path) -> None:
    check(range(1_000, 1_300), validate, tmp_path)
