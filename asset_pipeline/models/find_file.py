"""The file of a recipe: searched for with a renderer as judge, or the first that fits where there is none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asset_pipeline.model_options import NO_OPTIONS, ModelOptions
from asset_pipeline.models.judge import Judge, JudgeFailed, JudgeUnavailable, Scores, ViewPlan
from asset_pipeline.models.knobs import Range, Trial
from asset_pipeline.models.make import BAKED_COLOUR_PX, Made, bakes_colours, make_file
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.prepare import Prepared
from asset_pipeline.models.recipes import ModelRecipe, Target
from asset_pipeline.models.search import Limits, search
from asset_pipeline.models.settings import Settings, TextureKnob
from asset_pipeline.models.steps.reduce import drawn_triangles, simplify_modes
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_roles import TextureRole, collect_texture_roles
from asset_pipeline.models.steps.textures import texture_info
from asset_pipeline.models.write_glb import GeometryCodec
from asset_pipeline.outcome import warn
from asset_pipeline.stages import stage
from heritage_sites.problem import Problem

SMALL_BYTES = 16_000  # a file this small is not worth a search: a photograph in a page weighs more
JUDGE_TIMEOUT_S = 300.0  # for one file; 12 views of a million triangles take 6 s here
MIN_PX = 16
BAKED_PX, BAKED_QUALITY = 1024, 75
WORTH_BAKING = 0.015  # SSIM; a normal map weighs as much as some ten thousand triangles


@dataclass(frozen=True, slots=True, eq=False)
class FoundFile:
    """A recipe's file and how it was found. scores and trials are None and 0 where nothing was rendered."""

    made: Made
    settings: Settings
    codec: GeometryCodec
    scores: Scores | None
    trials: int
    warnings: tuple[Problem, ...]

    def as_measures(self) -> dict[str, Any]:
        """What the report says of the search."""
        return {
            **(self.scores.as_measures() if self.scores is not None else {}),
            "geometry_codec": str(self.codec),
            "settings": self.settings.as_json(),
            "trials": self.trials,
        }


Maker = Callable[[Settings, GeometryCodec], Made]


def find_file(
    model: Prepared, recipe: ModelRecipe, work: Path, *, stills: Path, options: ModelOptions = NO_OPTIONS
) -> FoundFile:
    """The cheapest file that looks as the recipe wants, within its budget as far as the model allows.

    work: for scratch files. stills: a folder that does not exist; it is made where pictures were taken.
    The budget is the caller's to check: a model that cannot be made to fit comes back too large.
    """

    def make(settings: Settings, codec: GeometryCodec) -> Made:
        return make_file(model, recipe, settings, codec)

    modes = _modes_worth_trials(simplify_modes(model.document))
    ceiling = ceiling_of(model, recipe, modes[0])
    looked_at = recipe.target is not None and measure_bounds(model.document) is not None
    if recipe.target is None or not looked_at or not (options.search or options.compare):
        return _first_that_fits(recipe, ceiling, make)
    try:
        plan = ViewPlan(recipe.target.view_px)
        with Judge.open(model.master_glb(work), plan, timeout_s=JUDGE_TIMEOUT_S) as judge:
            if options.search:
                found = _searched(recipe, recipe.target, ceiling, modes, make, judge, work)
            else:
                found = _first_that_fits(recipe, ceiling, make)
                scores = judge.compare(_scratch(work, found.made))
                found = replace(found, scores=scores, trials=1)
            stills.mkdir(parents=True)
            judge.write_stills(_scratch(work, found.made), stills)
            return found
    except (JudgeUnavailable, JudgeFailed) as reason:
        found = _first_that_fits(recipe, ceiling, make)
        message = f"The file was made with fixed settings and not compared with the master. {reason}"
        return replace(found, warnings=(*found.warnings, warn(message, where=recipe.name)))


def _modes_worth_trials(modes: tuple[SimplifyMode, ...]) -> tuple[SimplifyMode, ...]:
    """Where vertices may move, that looked better on every model but tiny ones; seams are the question."""
    moving = tuple(mode for mode in modes if mode.moves_vertices)
    return moving or modes


def ceiling_of(model: Prepared, recipe: ModelRecipe, mode: SimplifyMode = SimplifyMode.PLAIN) -> Settings:
    """The best that the recipe's budget and the master allow."""
    largest = dict.fromkeys(TextureRole, MIN_PX)
    for index, use in collect_texture_roles(model.document.json).items():
        info = texture_info(model.document.images[index].body)
        largest[use.role] = max(largest[use.role], info.width_px, info.height_px)
    if bakes_colours(model.document, recipe):
        largest[TextureRole.COLOR] = max(largest[TextureRole.COLOR], BAKED_COLOUR_PX)
    knobs = {
        role: TextureKnob(min(recipe.budget.texture_px, _power_of_two(px)), recipe.qualities[role][0])
        for role, px in largest.items()
    }
    return Settings(
        max(1, min(recipe.budget.triangles, drawn_triangles(model.document))),
        mode,
        recipe.position_bits,
        recipe.uv_bits,
        recipe.direction_bits,
        knobs[TextureRole.COLOR],
        knobs[TextureRole.NORMAL],
        knobs[TextureRole.DATA],
    )


def _power_of_two(px: int) -> int:
    """The next one from px upwards: sides are halved from there."""
    return 1 << (px - 1).bit_length()


def limits_of(recipe: ModelRecipe) -> Limits:
    """The recipe's hard limits on a file."""
    return Limits(recipe.budget.bytes, recipe.budget.gpu_bytes)


def _searched(
    recipe: ModelRecipe,
    target: Target,
    ceiling: Settings,
    modes: tuple[SimplifyMode, ...],
    make: Maker,
    judge: Judge,
    work: Path,
) -> FoundFile:
    codec, first = _smallest(recipe.geometry_codecs, ceiling, make)
    scores: dict[Settings, Scores] = {}

    def look(settings: Settings) -> Trial:
        stage(f"{recipe.name}: trial", done=len(scores) + 1, total=max_trials)
        made = first if settings == ceiling else make(settings, codec)
        scores[settings] = judge.compare(_scratch(work, made))
        return _trial(settings, made, scores[settings])

    is_worth_it = len(first.body) > SMALL_BYTES and not first.has_baked_colours  # baking takes its time
    max_trials = recipe.max_trials if is_worth_it else 1
    allowed = Range(modes, recipe.qualities, max_trials)
    found = search(ceiling, allowed, limits_of(recipe), target.ssim, look)
    best = found.best
    if recipe.may_bake_normals and best.ssim_lit < min(target.ssim - WORTH_BAKING, best.ssim_unlit):
        best = _better_with_baked_normals(best, limits_of(recipe), look)
    warnings: tuple[Problem, ...] = ()
    if best.ssim < target.ssim:
        warnings = (_target_missed(recipe, target, best.ssim),)
    made = make(best.settings, codec)
    return FoundFile(made, best.settings, codec, scores[best.settings], len(scores), warnings)


def _better_with_baked_normals(best: Trial, limits: Limits, look: Callable[[Settings], Trial]) -> Trial:
    """Where light shows more loss than colour does: the same with the master's relief as a normal map, if
    that looks better. Triangles are the cheaper cure, so this comes when the budget has no more of them.
    """
    if best.texture_bytes[TextureRole.NORMAL]:
        return best
    settings = best.settings.with_texture(TextureRole.NORMAL, TextureKnob(BAKED_PX, BAKED_QUALITY))
    baked = look(replace(settings, bakes_normals=True))
    return baked if limits.hold(baked) and baked.ssim >= best.ssim + WORTH_BAKING else best


def _smallest(
    codecs: tuple[GeometryCodec, ...], settings: Settings, make: Maker
) -> tuple[GeometryCodec, Made]:
    tries = [(codec, make(settings, codec)) for codec in codecs]
    return min(tries, key=lambda one: len(one[1].body))


def _trial(settings: Settings, made: Made, scores: Scores) -> Trial:
    return Trial(
        settings,
        len(made.body),
        made.texture_bytes,
        made.measures.gpu_bytes,
        scores.ssim_lit,
        scores.ssim_unlit,
    )


def _scratch(work: Path, made: Made) -> Path:
    path = work / "trial.glb"
    path.write_bytes(made.body)
    return path


def _first_that_fits(recipe: ModelRecipe, ceiling: Settings, make: Maker) -> FoundFile:
    """Without a judge: the ceiling, then half the triangles and sides each time, until the limits hold."""
    settings, limits = ceiling, limits_of(recipe)
    while True:
        codec, made = _smallest(recipe.geometry_codecs, settings, make)
        trial = Trial(settings, len(made.body), made.texture_bytes, made.measures.gpu_bytes, 1.0, 1.0)
        smaller = settings.halved(min_triangles=200, min_texture_px=64)
        if limits.hold(trial) or smaller == settings:
            return FoundFile(made, settings, codec, None, 0, ())
        settings = smaller


def _target_missed(recipe: ModelRecipe, target: Target, ssim: float) -> Problem:
    return warn(
        f"The {recipe.name} file looks less like the master than wanted: SSIM {ssim:.3f}, "
        f"wanted {target.ssim:g} at {target.view_px} px; its budget allows hardly any better.",
        where=recipe.name,
        advice="Look at the stills; fewer or larger details in the master would survive better.",
    )
