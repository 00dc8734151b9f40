"""A master through all recipes: what comes out, in which order, and what is said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.recipes import MODEL_RECIPES, THUMB, ModelRecipe, Rung
from asset_pipeline.models.run import RECIPE_NAMES, prepare, run_model, run_recipe
from asset_pipeline.outcome import Refused
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
    outcomes = run_model(path, recipes=RECIPE_NAMES, workdir=tmp_path / "work")
    assert [(outcome.recipe, outcome.refused) for outcome in outcomes] == [
        ("thumb", False), ("ar", False), ("high", False),
    ]  # fmt: skip
    (problem,) = outcomes[0].problems
    assert (problem.severity, "shows nothing" in problem.message) == (Severity.WARNING, True)
    (alone,) = run_model(path, recipes=["poster"], workdir=tmp_path / "other")
    assert (alone.recipe, alone.refused) == ("poster", True)


def tight(**changes: Any) -> ModelRecipe:
    values = {name: getattr(THUMB, name) for name in THUMB.__slots__}
    return ModelRecipe(**{**values, **changes})


def test_the_first_rung_that_fits_is_taken(plain_glb: Callable[..., Path], tmp_path: Path) -> None:
    model = prepare(plain_glb(sheet(81)))
    rungs = (Rung(12_000, 512), Rung(4_000, 512), Rung(500, 512), Rung(100, 512))
    first = run_recipe(model, tight(rungs=rungs), tmp_path / "a").drafts[0].measures
    assert first["triangles"] == 12_000
    less = (
        run_recipe(model, tight(rungs=rungs, max_bytes=first["bytes"] - 1), tmp_path / "b").drafts[0].measures
    )
    assert less["triangles"] in range(3_900, 4_001)
    assert less["bytes"] < first["bytes"]
    assert 0 < less["geometric_error_mean_m"] < less["geometric_error_m"] < 0.02


@pytest.mark.parametrize(("short_by", "accepted"), [(0, True), (1, False)])
def test_a_budget_holds_to_the_byte(
    plain_glb: Callable[..., Path], tmp_path: Path, short_by: int, accepted: bool
) -> None:
    model = prepare(plain_glb(sheet(41)))
    rungs = (Rung(3_200, 512),)
    size = run_recipe(model, tight(rungs=rungs), tmp_path / "a").drafts[0].measures["bytes"]
    recipe = tight(rungs=rungs, max_bytes=size - short_by)
    if accepted:
        assert run_recipe(model, recipe, tmp_path / "b").drafts[0].measures["bytes"] == size
    else:
        with pytest.raises(
            Refused, match=f"at most {size - 1} bytes are allowed, the smallest try has {size}"
        ):
            run_recipe(model, recipe, tmp_path / "b")
        assert not (tmp_path / "b").exists()


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
    outcomes = run_model(plain_glb(document), recipes=("thumb", "ar"), workdir=tmp_path / "work")
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
    again = prepare(outcomes[0].drafts[0].folder / "model.glb").document
    attributes = again.items("meshes")[0]["primitives"][0]["attributes"]
    assert again.accessors[attributes["_LABEL"]].array[:, 0].tolist() == list(range(81))


def test_recipes_are_within_their_own_budgets() -> None:
    for recipe in MODEL_RECIPES.values():
        assert recipe.rungs[0] == Rung(recipe.max_triangles, recipe.max_texture_px)
    with pytest.raises(ValueError, match="above its own budget"):
        tight(rungs=(Rung(20_001, 512),))
