"""One file of a model, made with given settings: fewer triangles, smaller textures, coarser grids, packed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from asset_pipeline.models.document import Document
from asset_pipeline.models.measure import ModelMeasures, measure
from asset_pipeline.models.prepare import Prepared
from asset_pipeline.models.recipes import Form, ModelRecipe
from asset_pipeline.models.settings import Settings
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.retexture import retexture
from asset_pipeline.models.steps.texture_options import TextureCodec, TextureOptions
from asset_pipeline.models.steps.texture_roles import TextureRole, collect_texture_roles
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from heritage_sites.problem import Problem

BAKED_COLOUR_PX = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A file; the model in it with its triangles reduced, and then also with its textures; its measures."""

    body: bytes = field(repr=False)
    reduced: Document = field(repr=False)
    document: Document = field(repr=False)
    measures: ModelMeasures
    texture_bytes: Mapping[TextureRole, int]
    problems: tuple[Problem, ...] = ()
    has_baked_colours: bool = False


def make_file(model: Prepared, recipe: ModelRecipe, settings: Settings, codec: GeometryCodec) -> Made:
    """The model as these settings make it, whether it fits the recipe's budget or not."""
    reduced = model.reduce(settings.triangles, recipe.budget.points, settings.mode)
    if settings.bakes_normals:
        reduced = model.with_baked_normals(reduced, settings.normal.max_px)
    coloured, problems = reduced, tuple[Problem, ...]()
    if bakes_colours(model.document, recipe):
        coloured, problems = model.with_baked_colours(reduced, BAKED_COLOUR_PX)
    document = retexture(reorder(coloured), texture_options(settings, recipe.texture_codec), model.textures)
    stored = document
    if codec is GeometryCodec.MESHOPT:
        stored = quantize(document, position_bits=settings.position_bits, uv_bits=settings.uv_bits)
    options = WriteOptions(codec, settings.position_bits, settings.uv_bits, settings.direction_bits)
    body = write_glb(stored, options)
    measures = measure(prune(stored))
    return Made(body, reduced, document, measures, texture_bytes(document), problems, coloured is not reduced)


def bakes_colours(document: Document, recipe: ModelRecipe) -> bool:
    """Whether the vertices' colours go into a texture, since what opens the file does not show them."""
    return recipe.form is Form.USDZ and any(
        "COLOR_0" in primitive["attributes"] for _, _, primitive in document.primitives()
    )


def texture_options(settings: Settings, codec: TextureCodec) -> TextureOptions:
    """What the settings ask of the textures."""
    return TextureOptions(
        max(knob.max_px for knob in settings.textures.values()),
        {role: knob.quality for role, knob in settings.textures.items()},
        codec,
        {role: knob.max_px for role, knob in settings.textures.items()},
    )


def texture_bytes(document: Document) -> dict[TextureRole, int]:
    """Bytes of the images that are shown, by what they are for."""
    sums = dict.fromkeys(TextureRole, 0)
    for index, use in collect_texture_roles(document.json).items():
        sums[use.role] += len(document.images[index].body)
    return sums
