"""A master through all recipes: what comes out, in which order, and what is said."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.model_options import NO_OPTIONS, ModelOptions
from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.prepare import prepare
from asset_pipeline.models.recipes import (
    AR,
    MODEL_RECIPES,
    POSTER,
    POSTER_VERSION,
    RECIPE_NAMES,
    THUMB,
    TURNTABLE,
    TURNTABLE_VERSION,
)
from asset_pipeline.models.run import run_model, run_recipe
from asset_pipeline.models.usdz.check_usdz import check_usdz
from asset_pipeline.outcome import Refused
from asset_pipeline.recipes import RECIPE_VERSIONS, MasterKind
from heritage_sites.problem import Severity
from tests.asset_pipeline.models.conftest import glb_json, sheet


def test_recipes_come_in_order_each_with_its_files(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    work = tmp_path / "work"
    outcomes = run_model(plain_glb(sheet(21)), recipes=("poster", "high", "thumb"), workdir=work)
    assert [outcome.recipe for outcome in outcomes] == ["thumb", "high", "poster"]
    drafts = [outcome.drafts[0] for outcome in outcomes if outcome.drafts]
    assert [(draft.usage, draft.quality) for draft in drafts][:2] == [("Web3D", "Thumb"), ("Web3D", "High")]
    assert [path.name for path in drafts[0].folder.iterdir()] == ["model.glb"]
    if len(drafts) == 3:  # a machine without OpenGL makes no poster, and says so
        assert sorted(path.name for path in drafts[2].folder.iterdir()) == ["poster.jpg", "poster.webp"]
    else:
        assert "poster was left out" in str(outcomes[0].problems)
    assert drafts[0].measures["triangles"] == 800
    assert drafts[0].measures["bounds_m"]["max"][0] == pytest.approx(1.0, abs=1e-3)


def test_a_scene_with_nothing_in_it_has_no_poster_but_is_fine(
    plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    path = plain_glb(Document({"asset": {"version": "2.0"}, "nodes": [{}], "scenes": [{"nodes": [0]}]}))
    outcomes = run_model(path, recipes=("thumb", "ar", "high", "poster"), workdir=tmp_path / "work")
    assert [(outcome.recipe, outcome.refused) for outcome in outcomes] == [
        ("thumb", False), ("ar", False), ("high", False),
    ]  # fmt: skip
    (problem,) = outcomes[0].problems
    assert (problem.severity, "shows nothing" in problem.message) == (Severity.WARNING, True)
    (alone,) = run_model(path, recipes=["poster"], workdir=tmp_path / "other")
    assert (alone.recipe, alone.refused) == ("poster", True)


def test_a_file_fits_its_byte_budget_however_small(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    document = sheet(81)
    rough = document.accessors[0].array.copy()
    rough[:, 2] += np.random.default_rng(3).normal(0, 0.002, len(rough)).astype(np.float32)
    accessors = (Accessor(rough, "VEC3"), *document.accessors[1:])
    model = prepare(plain_glb(Document(document.json, accessors)), NO_OPTIONS)
    free = run_recipe(model, THUMB, tmp_path / "a", NO_OPTIONS).drafts[0].measures
    limit = free["bytes"] * 2 // 3
    recipe = replace(THUMB, budget=replace(THUMB.budget, bytes=limit))
    less = run_recipe(model, recipe, tmp_path / "b", NO_OPTIONS).drafts[0].measures
    assert less["bytes"] <= limit
    assert less["triangles"] < free["triangles"] <= 12_800
    assert 0 < less["geometric_error_mean_m"] < less["geometric_error_m"] < 0.05


def test_a_budget_that_nothing_meets_is_refused_with_limit_and_actual(
    plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    model = prepare(plain_glb(sheet(41)), NO_OPTIONS)
    recipe = replace(THUMB, budget=replace(THUMB.budget, bytes=500))
    with pytest.raises(Refused, match=r"at most 500 bytes are allowed, the smallest try has \d{3,4}\."):
        run_recipe(model, recipe, tmp_path / "b", NO_OPTIONS)
    assert not (tmp_path / "b" / "thumb").exists()


def test_a_searched_file_says_how_it_looks_and_leaves_stills(
    plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    path = plain_glb(sheet(81))
    (searched,) = run_model(path, recipes=["ar"], workdir=tmp_path / "a")
    (fixed,) = run_model(path, recipes=["ar"], workdir=tmp_path / "b", options=ModelOptions(search=False))
    measures = searched.drafts[0].measures
    if "rendered_ssim_lit" not in measures:  # a machine without OpenGL compares nothing, and says so
        assert "not compared with the master" in str(searched.problems)
        return
    assert AR.target is not None
    assert min(measures["rendered_ssim_lit"], measures["rendered_ssim_unlit"]) >= AR.target.ssim
    assert measures["bytes"] < fixed.drafts[0].measures["bytes"]
    assert 1 < measures["trials"] <= AR.max_trials
    assert searched.drafts[0].stills is not None
    assert (searched.drafts[0].stills / "after-worst.webp").is_file()
    assert "rendered_ssim_lit" not in fixed.drafts[0].measures
    assert fixed.drafts[0].stills is None
    assert next(verdict["device"] for verdict in measures["verdicts"]) == "Scene Viewer"


def test_the_archive_keeps_every_number_and_every_image(
    plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    document = sheet(9)
    (outcome,) = run_model(plain_glb(document), recipes=["archive"], workdir=tmp_path / "work")
    tree = glb_json(outcome.drafts[0].folder / "model.glb")
    assert "extensionsRequired" not in tree
    again = prepare(outcome.drafts[0].folder / "model.glb", NO_OPTIONS).document
    primitive = again.items("meshes")[0]["primitives"][0]
    kept = again.accessors[primitive["attributes"]["POSITION"]].array[
        again.accessors[primitive["indices"]].array[:, 0]
    ]
    first = document.items("meshes")[0]["primitives"][0]
    wanted = document.accessors[first["attributes"]["POSITION"]].array[
        document.accessors[first["indices"]].array[:, 0]
    ]
    assert np.array_equal(kept, wanted)


def test_a_twin_stands_where_it_was_put_or_says_that_it_stands_nowhere(
    plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    path = plain_glb(sheet(21))
    at = ModelOptions(at="20.80,107.05,5")
    (placed,) = run_model(path, recipes=["twin"], workdir=tmp_path / "a", options=at)
    (nowhere,) = run_model(path, recipes=["twin"], workdir=tmp_path / "b")
    (wrong,) = run_model(path, recipes=["twin"], workdir=tmp_path / "c", options=ModelOptions(at="107,20"))
    tileset = json.loads((placed.drafts[0].folder / "tileset.json").read_text())
    assert placed.drafts[0].measures["is_placed"] is True
    assert math.dist(tileset["root"]["transform"][12:15], (0, 0, 0)) == pytest.approx(6_375_500, rel=1e-3)
    assert "transform" not in json.loads((nowhere.drafts[0].folder / "tileset.json").read_text())["root"]
    assert "does not say where on earth" in str(nowhere.problems)
    assert wrong.refused
    assert "LAT,LON,HEIGHT" in str(wrong.problems)


def test_quick_look_gets_a_package(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    (outcome,) = run_model(plain_glb(sheet(21)), recipes=["ar_ios"], workdir=tmp_path / "work")
    (path,) = outcome.drafts[0].folder.iterdir()
    assert path.name == "model.usdz"
    assert (outcome.drafts[0].usage, check_usdz(path)) == ("iOSApp3D", [])
    assert outcome.drafts[0].measures["bytes"] == path.stat().st_size


def test_textures_are_scaled_to_the_recipe(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    PIL.Image.fromarray(np.kron(noise, np.ones((16, 16, 1), np.uint8))).save(picture)
    document = sheet(
        9,
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        textures=[{"source": 0}],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    document = Document(
        document.json, document.accessors, (Image(picture.read_bytes(), "image/png", "noise"),)
    )
    fixed = ModelOptions(search=False)
    work = tmp_path / "work"
    outcomes = run_model(plain_glb(document), recipes=("thumb", "ar"), workdir=work, options=fixed)
    assert [outcome.drafts[0].measures["texture_px_max"] for outcome in outcomes] == [512, 1024]
    tree = glb_json(outcomes[0].drafts[0].folder / "model.glb")
    assert tree["images"][0]["mimeType"] == "image/webp"
    assert tree["images"][0]["name"] == "noise"
    assert tree["textures"] == [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
    assert "EXT_texture_webp" in tree["extensionsRequired"]


def test_ktx2_becomes_webp_where_that_is_smaller(
    shared: Path, plain_glb: Callable[..., Path], tmp_path: Path
) -> None:
    ktx2 = (shared / "assets" / "gltf-compressed" / "test.ktx2").read_bytes()
    document = sheet(
        9,
        materials=[{"emissiveTexture": {"index": 0}}],
        textures=[{"extensions": {"KHR_texture_basisu": {"source": 0}}}],
        extensionsUsed=["KHR_texture_basisu"],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    document = Document(document.json, document.accessors, (Image(ktx2, "image/ktx2"),))
    (outcome,) = run_model(plain_glb(document), recipes=["ar"], workdir=tmp_path / "work")
    tree = glb_json(outcome.drafts[0].folder / "model.glb")
    assert tree["images"][0]["mimeType"] == "image/webp"
    assert tree["textures"] == [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
    assert "KHR_texture_basisu" not in tree["extensionsRequired"]


def test_own_attributes_and_a_point_cloud_are_kept(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    document = sheet(9)
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive.update(mode=0, attributes={"POSITION": 0, "_LABEL": 4})
    del primitive["indices"]
    labels = Accessor(np.arange(81, dtype=np.uint16).reshape(-1, 1), "SCALAR")
    path = plain_glb(Document(document.json, (*document.accessors, labels)))
    outcomes = run_model(path, recipes=("thumb", "poster"), workdir=tmp_path / "work")
    assert [outcome.recipe for outcome in outcomes] == ["thumb"]
    assert "only points and lines" in str(outcomes[0].problems[0])
    again = prepare(outcomes[0].drafts[0].folder / "model.glb", NO_OPTIONS).document
    attributes = again.items("meshes")[0]["primitives"][0]["attributes"]
    assert again.accessors[attributes["_LABEL"]].array[:, 0].tolist() == list(range(81))


def test_the_names_and_versions_of_recipes_are_the_same_everywhere() -> None:
    versions = {recipe.name: recipe.version for recipe in MODEL_RECIPES.values()}
    pictures = {POSTER: POSTER_VERSION, TURNTABLE: TURNTABLE_VERSION}
    assert RECIPE_VERSIONS[MasterKind.MODEL] == {**versions, **pictures}
    assert tuple(RECIPE_VERSIONS[MasterKind.MODEL]) == RECIPE_NAMES
