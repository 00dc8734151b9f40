"""All recipes of one model master: read once, weld once, then each recipe down its ladder until it fits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.budget import find_over_budget
from asset_pipeline.models.deviation import Deviation, measure_deviation
from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.measure import ModelMeasures, measure, measure_bounds
from asset_pipeline.models.posters.poster import (
    DEFAULT_HEIGHT_PX,
    DEFAULT_WIDTH_PX,
    POSTER_FILES,
    render_poster,
)
from asset_pipeline.models.reading.containers import GLB_MAGIC
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.recipes import AR, MODEL_RECIPES, POSTER, RECIPE_NAMES, ModelRecipe, Rung
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles, shown_corners
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.retexture import TextureCache, retexture, settle_sources
from asset_pipeline.models.steps.texture_options import TextureOptions
from asset_pipeline.models.steps.textures import check_texture
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, Refused, refused_outcome, warn
from asset_pipeline.stages import first_look_done, stage
from heritage_sites.problem import Problem, Severity

MODEL_FILE = "model.glb"
NO_OPTIONS = ModelOptions()


def run_model(
    path: Path,
    *,
    recipes: Sequence[str],
    workdir: Path,
    options: ModelOptions = NO_OPTIONS,  # noqa: ARG001
    finished: Callable[[RecipeOutcome], None] | None = None,
) -> list[RecipeOutcome]:
    """One outcome per recipe asked for, in the order of RECIPE_NAMES; derivatives lie in folders under
    workdir.

    finished is told each outcome as soon as it is there. Raises Refused when the master cannot be read at
    all.
    """
    model = prepare(path)
    outcomes: list[RecipeOutcome] = []
    made: dict[str, Path] = {}
    for name in [name for name in RECIPE_NAMES if name in recipes]:
        stage(name)
        try:
            if name == POSTER:
                outcomes.append(run_poster(model, made, workdir))
            else:
                outcomes.append(run_recipe(model, MODEL_RECIPES[name], workdir))
                made[name] = outcomes[-1].drafts[0].folder / MODEL_FILE
        except NoPoster as reason:
            outcomes = _without_poster(outcomes, reason.problems)
        except Refused as refusal:
            outcomes.append(refused_outcome(name, refusal))
        if finished is not None and outcomes[-1].recipe == name:
            finished(outcomes[-1])
    return outcomes


class NoPoster(Exception):  # empty scenes, machines without OpenGL
    """There is no poster; problems say why, as warnings."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def _without_poster(outcomes: list[RecipeOutcome], warnings: tuple[Problem, ...]) -> list[RecipeOutcome]:
    """The other recipes' outcomes with the warnings on the first accepted one; alone, a refusal."""
    for index, outcome in enumerate(outcomes):
        if not outcome.refused:
            told = replace(outcome, problems=(*outcome.problems, *warnings))
            return [*outcomes[:index], told, *outcomes[index + 1 :]]
    errors = [replace(warning, severity=Severity.ERROR) for warning in warnings]
    return [*outcomes, refused_outcome(POSTER, Refused(errors))]


@dataclass(slots=True, eq=False)
class Prepared:
    """A master read and welded, with what recipes share: encoded textures and reduced geometry."""

    document: Document
    warnings: tuple[Problem, ...]
    textures: TextureCache = field(default_factory=dict[tuple[object, ...], Image])
    _reduced: dict[int, Document] = field(default_factory=dict[int, Document])
    _deviations: dict[int, Deviation] = field(default_factory=dict[int, Deviation])

    def reduce(self, max_triangles: int) -> Document:
        """The model within a triangle budget, made once per budget."""
        if max_triangles not in self._reduced:
            self._reduced[max_triangles] = reduce_triangles(self.document, max_triangles=max_triangles)
        return self._reduced[max_triangles]

    def deviation(self, max_triangles: int) -> Deviation:
        """How far the reduced model lies from the master, measured once per budget."""
        if max_triangles not in self._deviations:
            reduced = self.reduce(max_triangles)
            found = Deviation(0.0, 0.0)
            if reduced is not self.document:
                found = measure_deviation(shown_corners(self.document), shown_corners(reduced))
            self._deviations[max_triangles] = found
        return self._deviations[max_triangles]


def prepare(path: Path) -> Prepared:
    """Read a master of any kind and make it ready for recipes. Refused if it cannot be."""
    stage("reading")
    if _is_gltf(path):
        document, warnings = load_gltf(path)
    else:
        loaded = load_mesh_file(path)
        document, warnings = loaded.document, loaded.problems
    document = prune(settle_sources(document))
    for index, image in enumerate(document.images):
        check_texture(image.body, where=f"/images/{index}")  # before geometry costs anything
    first_look_done()
    stage("welding")
    return Prepared(weld(document), warnings)


def _is_gltf(path: Path) -> bool:
    if path.suffix.lower() in (".glb", ".gltf"):
        return True
    with path.open("rb") as file:
        start = file.read(64)
    return start.startswith(GLB_MAGIC) or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def run_recipe(model: Prepared, recipe: ModelRecipe, workdir: Path) -> RecipeOutcome:
    """Down the ladder to the first rung that fits. Refused, with limit and actual, when none does."""
    over: list[Problem] = []
    for rung in recipe.rungs:
        made = make_rung(model, recipe, rung)
        over = find_over_budget(recipe, made.measures, len(made.body))
        if not over:
            break
        if recipe.max_bytes is not None and made.json_bytes > recipe.max_bytes:
            raise Refused([*over, *model.warnings])  # no rung makes the tree of nodes and names smaller
    else:
        raise Refused([*over, *model.warnings])
    folder = workdir / recipe.name
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(made.body)
    deviation = model.deviation(rung.triangles)
    measures = {
        **made.measures.as_json(),
        "bytes": len(made.body),
        "geometric_error_m": deviation.max_m,
        "geometric_error_mean_m": deviation.mean_m,
    }
    draft = DerivativeDraft(recipe.usage, recipe.quality, folder, measures)
    return RecipeOutcome(recipe.name, model.warnings, (draft,))


@dataclass(frozen=True, slots=True)
class Made:
    """One rung's file and its measures."""

    body: bytes = field(repr=False)
    measures: ModelMeasures

    @property
    def json_bytes(self) -> int:
        """How much of the body is its JSON."""
        return int.from_bytes(self.body[12:16], "little")


def make_rung(model: Prepared, recipe: ModelRecipe, rung: Rung) -> Made:
    """The model as one rung of a recipe makes it, whether it fits the budget or not."""
    document = reorder(model.reduce(rung.triangles))
    options = TextureOptions.of_color_quality(rung.texture_px, recipe.texture_quality)
    document = retexture(document, options, model.textures)
    document = quantize(document, position_bits=recipe.position_bits, uv_bits=recipe.uv_bits)
    body = write_glb(document, WriteOptions(direction_bits=recipe.direction_bits))
    return Made(body, measure(prune(document)))


def run_poster(model: Prepared, made: Mapping[str, Path], workdir: Path) -> RecipeOutcome:
    """A picture of the model, of the `ar` file if that was made. Raises NoPoster where there is none."""
    if measure_bounds(model.document) is None:
        raise NoPoster((warn("The poster was left out: the model shows nothing.", where=POSTER),))
    if not drawn_triangles(model.document):
        message = "The poster was left out: the model has only points and lines, which would hardly be seen."
        raise NoPoster((warn(message, where=POSTER),))
    drawable = _without_own_attributes(model.document)
    source = made.get(AR.name)
    if source is None or drawable is not model.document:
        source = workdir / "poster.glb"
        plain = Prepared(drawable, (), model.textures)
        source.write_bytes(make_rung(plain, AR, AR.rungs[0]).body)
    folder = workdir / POSTER
    folder.mkdir(parents=True)
    warnings = render_poster(source, folder)
    if not (folder / POSTER_FILES[0]).exists():
        raise NoPoster(warnings)
    measures = {"width_px": DEFAULT_WIDTH_PX, "height_px": DEFAULT_HEIGHT_PX}
    draft = DerivativeDraft("Image2D", "Medium", folder, measures)
    return RecipeOutcome(POSTER, (*model.warnings, *warnings), (draft,))


def _without_own_attributes(document: Document) -> Document:
    """Without the sender's own attributes (`_NAME`), which the renderer cannot read."""
    if not any(
        name.startswith("_") for _, _, primitive in document.primitives() for name in primitive["attributes"]
    ):
        return document
    editor = document.edit()
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            for name in [name for name in primitive["attributes"] if name.startswith("_")]:
                del primitive["attributes"][name]
    return editor.finish()
