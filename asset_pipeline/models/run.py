"""All recipes of one model master: read once, weld once, then each recipe down its ladder until it fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asset_pipeline.models.budget import find_over_budget
from asset_pipeline.models.containers import GLB_MAGIC
from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.measure import ModelMeasures, measure
from asset_pipeline.models.mesh_files import load_mesh_file
from asset_pipeline.models.prune import prune
from asset_pipeline.models.quantize import quantize
from asset_pipeline.models.read_gltf import load_gltf
from asset_pipeline.models.recipes import MODEL_RECIPES, POSTER, RECIPE_NAMES, THUMB, ModelRecipe, Rung
from asset_pipeline.models.reduce import Reduced, reduce_triangles
from asset_pipeline.models.reorder import reorder
from asset_pipeline.models.retexture import TextureCache, retexture, settle_sources
from asset_pipeline.models.weld import weld
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, Refused, refused_outcome
from heritage_sites.problem import Problem


def run_model(path: Path, *, recipes: Sequence[str], workdir: Path) -> list[RecipeOutcome]:
    """One outcome per recipe asked for, in the order of RECIPE_NAMES; derivatives lie in folders under workdir.

    Raises Refused when the master cannot be read at all.
    """
    model = prepare(path)
    outcomes = []
    made: dict[str, Path] = {}
    for name in [name for name in RECIPE_NAMES if name in recipes]:
        try:
            if name == POSTER:
                outcomes.append(_run_poster(model, made, workdir))
                continue
            outcome = run_recipe(model, MODEL_RECIPES[name], workdir)
        except Refused as refusal:
            outcomes.append(refused_outcome(name, refusal))
            continue
        outcomes.append(outcome)
        made[name] = outcome.drafts[0].folder / "model.glb"
    return outcomes


@dataclass(slots=True, eq=False)
class Prepared:
    """A master read and welded, with what recipes share: encoded textures and reduced geometry."""

    document: Document
    warnings: tuple[Problem, ...]
    textures: TextureCache = field(default_factory=dict[tuple[object, ...], Image])
    reduced: dict[int, Reduced] = field(default_factory=dict[int, Reduced])

    def reduce(self, max_triangles: int) -> Reduced:
        """The model within a triangle budget, once per budget."""
        if max_triangles not in self.reduced:
            self.reduced[max_triangles] = reduce_triangles(self.document, max_triangles=max_triangles)
        return self.reduced[max_triangles]


def prepare(path: Path) -> Prepared:
    """Read a master of any kind and make it ready for recipes. Refused if it cannot be."""
    if _is_gltf(path):
        document, warnings = load_gltf(path)
    else:
        loaded = load_mesh_file(path)
        document, warnings = loaded.document, loaded.problems
    return Prepared(prune(settle_sources(weld(document))), warnings)


def _is_gltf(path: Path) -> bool:
    if path.suffix.lower() in (".glb", ".gltf"):
        return True
    with path.open("rb") as file:
        start = file.read(64)
    return start.startswith(GLB_MAGIC) or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def run_recipe(model: Prepared, recipe: ModelRecipe, workdir: Path) -> RecipeOutcome:
    """Down the ladder to the first rung that fits. Refused, with limit and actual, when none does."""
    body, measures, error_m = _try_rung(model, recipe, recipe.rungs[0])
    over = find_over_budget(recipe, measures, len(body))
    rung = recipe.rungs[0]
    for rung in recipe.rungs[1:]:
        if not over:
            break
        body, measures, error_m = _try_rung(model, recipe, rung)
        over = find_over_budget(recipe, measures, len(body))
    if over:
        raise Refused([*over, *model.warnings])
    folder = workdir / recipe.name
    folder.mkdir(parents=True)
    (folder / "model.glb").write_bytes(body)
    values = {**measures.as_json(), "geometric_error_m": error_m, "bytes": len(body)}
    draft = DerivativeDraft(recipe.usage, recipe.quality, folder, values)
    return RecipeOutcome(recipe.name, model.warnings, (draft,))


def _try_rung(model: Prepared, recipe: ModelRecipe, rung: Rung) -> tuple[bytes, ModelMeasures, float]:
    reduced = model.reduce(rung.triangles)
    document = retexture(
        reduced.document, max_px=rung.texture_px, quality=recipe.texture_quality, cache=model.textures
    )
    document = quantize(reorder(document), position_bits=recipe.position_bits, uv_bits=recipe.uv_bits)
    body = write_glb(document, WriteOptions(direction_bits=recipe.direction_bits))
    return body, measure(document), reduced.error_m


def _run_poster(model: Prepared, made: dict[str, Path], workdir: Path) -> RecipeOutcome:
    from asset_pipeline.models.poster import render_poster

    if not made:
        source = workdir / "poster-source"
        run_recipe(model, THUMB, source)
        made = {"thumb": source / "thumb" / "model.glb"}
    glb = made.get("high") or made.get("ar") or made["thumb"]
    folder = workdir / POSTER
    folder.mkdir(parents=True)
    render_poster(glb, folder)
    draft = DerivativeDraft("Image2D", "Medium", folder, {"width_px": 1280, "height_px": 960})
    return RecipeOutcome(POSTER, model.warnings, (draft,))
