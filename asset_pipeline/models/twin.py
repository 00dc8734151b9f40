"""The recipe for a city's digital twin: a 3D Tiles tileset of the model where it stands on the earth."""

from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.document import Document
from asset_pipeline.models.measure import measure
from asset_pipeline.models.prepare import Prepared
from asset_pipeline.models.recipes import ModelRecipe
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.retexture import retexture
from asset_pipeline.models.steps.texture_options import TextureOptions
from asset_pipeline.models.steps.texture_roles import TextureRole
from asset_pipeline.models.tiles.placement import GeoPlacement, parse_placement
from asset_pipeline.models.tiles.twin import make_twin
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, refuse, warn
from asset_pipeline.stages import stage

MIN_TEXTURE_PX = 256


def run_twin(model: Prepared, recipe: ModelRecipe, workdir: Path, options: ModelOptions) -> RecipeOutcome:
    """tileset.json and its tiles. Refused for a placement that is none; a warning where there is none."""
    placement = _placement(options)
    folder = workdir / recipe.name
    folder.mkdir(parents=True)

    def make_body(document: Document, height: int) -> bytes:
        stage(f"{recipe.name}: level {height}")
        return _body(recipe, document, height)

    facts = make_twin(
        model.document, folder, placement=placement, make_body=make_body, position_bits=recipe.position_bits
    )
    measures = {
        **measure(prune(model.document)).as_json(),
        "bytes": facts.bytes,
        "levels": facts.levels,
        "tiles": facts.tiles,
        "geometric_error_m": 0.0,  # of the finest level: it has every triangle
        "root_geometric_error_m": facts.geometric_error_m,
        "root_deviation_m": facts.deviation_m,
        "is_placed": placement is not None,
    }
    warnings = [*model.warnings, *facts.warnings]
    if placement is None:
        message = "The tileset does not say where on earth it stands: no position was given."
        warnings.append(warn(message, where=recipe.name, advice="Say --at LAT,LON,HEIGHT[,HEADING]."))
    draft = DerivativeDraft(recipe.usage, recipe.quality, folder, measures)
    return RecipeOutcome(recipe.name, tuple(warnings), (draft,))


def _placement(options: ModelOptions) -> GeoPlacement | None:
    if options.at is None:
        return None
    try:
        return parse_placement(options.at)
    except ValueError as error:
        message = f"The position cannot be read: {error}"
        raise refuse(message, where="--at", advice="Say --at LAT,LON,HEIGHT[,HEADING].") from error


def _body(recipe: ModelRecipe, document: Document, height: int) -> bytes:
    """One tile as GLB; each level up has textures of half the side."""
    best = {role: recipe.qualities[role][0] for role in TextureRole}
    px = max(MIN_TEXTURE_PX, recipe.budget.texture_px >> height)
    options = TextureOptions(px, best, recipe.texture_codec)
    textured = retexture(reorder(document), options, {})  # every cell has its own pictures
    stored = quantize(textured, position_bits=recipe.position_bits, uv_bits=recipe.uv_bits)
    return write_glb(stored, WriteOptions(recipe.geometry_codecs[0], direction_bits=recipe.direction_bits))
