"""Valid masters with one thing spoiled: either refused in words, or what is written is valid."""

import json
from pathlib import Path
from typing import Any

import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.run import run_model
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate
from tests.asset_pipeline.models.random_gltf import COMPONENT, RandomModel

EXTENSIONS = ("KHR_materials_ior", "KHR_lights_punctual", "KHR_texture_transform", "EXT_mesh_gpu_instancing")
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 3, 7, 0.5, 1e39, -0.5, 2**31, 2**53, "", "x", "SCALAR", "VEC3", "MAT2", "BLEND",
    [], {}, [0], [0, 0], [0, 1, 0], [0.0, 0.0, 0.0, 0.0], {"a": 1}, {"index": 0}, "../x", "data:,",
    *COMPONENT.values(),
)  # fmt: skip


def places(tree: Any, owner_key: tuple[Any, Any] | None = None) -> list[tuple[Any, Any]]:
    """Every (owner, key) of a JSON tree."""
    found = [] if owner_key is None else [owner_key]
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            found += places(value, (tree, key))
    return found


def mutate(model: RandomModel) -> None:
    """Spoil one place of the tree, or some bytes."""
    rng = model.rng
    found = places(model.tree)
    top, per_kind = list(model.tree), {}
    for key in top:
        per_kind[key] = places(model.tree[key], (model.tree, key))
    owner, key = model.pick(model.pick(list(per_kind.values())) if model.chance(0.7) else found)
    match int(rng.integers(8)):
        case 0:
            del owner[key]
        case 1 | 2:
            owner[key] = model.pick(VALUES)
        case 3 | 4 if isinstance(owner[key], int | float):
            owner[key] = model.pick([owner[key] + 1, owner[key] - 1, -owner[key], owner[key] * 3, 0])
        case 5 if isinstance(owner, list):
            owner.append(json.loads(json.dumps(owner[key])))
        case 6 if isinstance(owner[key], dict) and isinstance(owner[key].get("extensions", {}), dict):
            owner[key].setdefault("extensions", {})[model.pick(EXTENSIONS)] = model.pick(
                [{}, {"ior": 2}, {"light": 0}]
            )
        case 7 if model.body:
            for place in rng.integers(0, len(model.body), 9):
                model.body[place] = int(model.pick([0, 255, 127, int(rng.integers(256))]))
        case _:
            _, other_value = other = model.pick(found)
            owner[key] = json.loads(json.dumps(other[0][other_value]))


def check(seeds: range, validate: Validate, tmp_path: Path) -> int:
    """Returns how many were accepted."""
    written: list[Path] = []
    for seed in seeds:
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        model = RandomModel(seed)
        mutate(model)
        try:
            outcomes = run_model(
                model.write(folder), recipes=["thumb"], workdir=folder, options=ModelOptions(search=False)
            )
        except Refused:
            continue
        for path in [draft.folder / "model.glb" for outcome in outcomes for draft in outcome.drafts]:
            plain = path.with_name("plain.glb")
            plain.write_bytes(write_glb(load_gltf(path)[0], WriteOptions(GeometryCodec.NONE)))
            written += [path, plain]
    errors = {path: report["errors"] for path, report in validate(written).items() if report["errors"]}
    assert errors == {}
    return len(written) // 2


def test_mutated_models(validate: Validate, tmp_path: Path) -> None:
    assert 30 < check(range(10_000, 10_150), validate, tmp_path) < 120


@pytest.mark.slow
def test_many_mutated_models(validate: Validate, tmp_path: Path) -> None:
    assert check(range(22_000, 22_600), validate, tmp_path) > 150
