"""Pictures of a model: a poster, and stills around it, drawn from the `ar` file where that was made."""

from collections.abc import Callable, Mapping
from pathlib import Path

from asset_pipeline.models.document import Document
from asset_pipeline.models.find_file import ceiling_of
from asset_pipeline.models.make import make_file
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.posters.poster import DEFAULT_HEIGHT_PX, DEFAULT_WIDTH_PX, render_poster
from asset_pipeline.models.posters.turntable import render_turntable, turntable_measures
from asset_pipeline.models.prepare import Prepared
from asset_pipeline.models.recipes import AR, POSTER, TURNTABLE
from asset_pipeline.models.steps.reduce import drawn_triangles
from asset_pipeline.models.write_glb import GeometryCodec
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, warn
from heritage_sites.problem import Problem

PICTURE_RECIPES = (POSTER, TURNTABLE)


class NoPicture(Exception):  # empty scenes, machines without OpenGL
    """There is no picture; problems say why, as warnings."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def run_pictures(name: str, model: Prepared, made: Mapping[str, Path], workdir: Path) -> RecipeOutcome:
    """The poster or the turntable. Raises NoPicture where there is nothing to see, or no OpenGL."""
    if measure_bounds(model.document) is None:
        raise _left_out(name, "the model shows nothing.")
    if not drawn_triangles(model.document):
        raise _left_out(name, "the model has only points and lines, which would hardly be seen.")
    source = _source(model, made, workdir)
    folder = workdir / name
    folder.mkdir(parents=True)
    render, usage, quality, measures = _PICTURES[name]
    warnings = render(source, folder)
    if not any(folder.iterdir()):
        raise NoPicture(warnings)
    draft = DerivativeDraft(usage, quality, folder, measures)
    return RecipeOutcome(name, (*model.warnings, *warnings), (draft,))


_PICTURES: Mapping[
    str, tuple[Callable[[Path, Path], tuple[Problem, ...]], str, str, Mapping[str, object]]
] = {
    POSTER: (
        render_poster,
        "Image2D",
        "Medium",
        {"width_px": DEFAULT_WIDTH_PX, "height_px": DEFAULT_HEIGHT_PX},
    ),
    TURNTABLE: (
        render_turntable,
        "Turntable",
        "Medium",
        turntable_measures(),
    ),
}


def _left_out(name: str, reason: str) -> NoPicture:
    return NoPicture((warn(f"The {name} was left out: {reason}", where=name),))


def _source(model: Prepared, made: Mapping[str, Path], workdir: Path) -> Path:
    """The `ar` file, or one like it that the renderer can read."""
    drawable = _without_own_attributes(model.document)
    if AR.name in made and drawable is model.document:
        return made[AR.name]
    source = workdir / "picture.glb"
    if not source.exists():
        plain = Prepared(drawable, (), model.textures)
        body = make_file(plain, AR, ceiling_of(plain, AR), GeometryCodec.MESHOPT).body
        source.write_bytes(body)
    return source


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
