"""All recipes of one model master: read once, weld once, then each recipe's file searched for and written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from asset_pipeline.model_options import NO_OPTIONS, ModelOptions
from asset_pipeline.models.budget import find_over_budget
from asset_pipeline.models.find_file import FoundFile, find_file
from asset_pipeline.models.measure import measure
from asset_pipeline.models.pictures import PICTURE_RECIPES, NoPicture, run_pictures
from asset_pipeline.models.prepare import Prepared, prepare
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.recipes import MODEL_RECIPES, RECIPE_NAMES, Form, ModelRecipe
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.twin import run_twin
from asset_pipeline.models.usdz.check_usdz import check_usdz
from asset_pipeline.models.usdz.write_usdz import write_usdz
from asset_pipeline.models.uv_drift import measure_uv_drift
from asset_pipeline.models.verdicts import device_verdicts, find_facts
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, Refused, refused_outcome
from asset_pipeline.stages import stage
from heritage_sites.problem import Problem, Severity

MODEL_FILE, USDZ_FILE = "model.glb", "model.usdz"


def run_model(
    path: Path,
    *,
    recipes: Sequence[str],
    workdir: Path,
    options: ModelOptions = NO_OPTIONS,
    finished: Callable[[RecipeOutcome], None] | None = None,
) -> list[RecipeOutcome]:
    """One outcome per recipe asked for, in the order of RECIPE_NAMES; derivatives lie in folders under
    workdir.

    finished is told each outcome as soon as it is there. Raises Refused when the master cannot be read at
    all.
    """
    model = prepare(path, options)
    outcomes: list[RecipeOutcome] = []
    made: dict[str, Path] = {}
    for name in [name for name in RECIPE_NAMES if name in recipes]:
        stage(name)
        try:
            outcome = _run_one(name, model, made, workdir, options)
        except NoPicture as reason:
            outcomes = _without_picture(name, outcomes, reason.problems)
            continue
        except Refused as refusal:
            outcome = refused_outcome(name, refusal)
        outcomes.append(outcome)
        if finished is not None:
            finished(outcome)
    return outcomes


def _run_one(
    name: str, model: Prepared, made: dict[str, Path], workdir: Path, options: ModelOptions
) -> RecipeOutcome:
    if name in PICTURE_RECIPES:
        return run_pictures(name, model, made, workdir)
    recipe = MODEL_RECIPES[name]
    if recipe.form is Form.TILES:
        return run_twin(model, recipe, workdir, options)
    if recipe.form is Form.PLAIN:
        return _run_archive(model, recipe, workdir)
    outcome = run_recipe(model, recipe, workdir, options)
    if recipe.form is Form.GLB:
        made[name] = outcome.drafts[0].folder / MODEL_FILE
    return outcome


def _without_picture(
    name: str, outcomes: list[RecipeOutcome], warnings: tuple[Problem, ...]
) -> list[RecipeOutcome]:
    """The other recipes' outcomes with the warnings on the first accepted one; alone, a refusal."""
    for index, outcome in enumerate(outcomes):
        if not outcome.refused:
            told = replace(outcome, problems=(*outcome.problems, *warnings))
            return [*outcomes[:index], told, *outcomes[index + 1 :]]
    errors = [replace(warning, severity=Severity.ERROR) for warning in warnings]
    return [*outcomes, refused_outcome(name, Refused(errors))]


def run_recipe(model: Prepared, recipe: ModelRecipe, workdir: Path, options: ModelOptions) -> RecipeOutcome:
    """The best file within the budget. Refused, with limit and actual, where the model cannot be made to
    fit.
    """
    stills = workdir / f"{recipe.name}-stills"
    found = find_file(model, recipe, workdir, stills=stills, options=options)
    over = find_over_budget(recipe, found.made.measures, len(found.made.body))
    if over:
        raise Refused([*over, *model.warnings])
    folder = workdir / recipe.name
    folder.mkdir(parents=True)
    warnings = [*model.warnings, *found.warnings, *found.made.problems]
    if recipe.form is Form.USDZ:
        warnings += _write_usdz(recipe, found, folder / USDZ_FILE)
    else:
        (folder / MODEL_FILE).write_bytes(found.made.body)
    draft = DerivativeDraft(
        recipe.usage,
        recipe.quality,
        folder,
        _measures(model, recipe, found, folder),
        stills if stills.is_dir() else None,
    )
    return RecipeOutcome(recipe.name, tuple(warnings), (draft,))


def _write_usdz(recipe: ModelRecipe, found: FoundFile, path: Path) -> list[Problem]:
    """Write the package and hold it against ARKit's rules. Refused where one is broken."""
    warnings = write_usdz(found.made.document, path)
    broken = check_usdz(path)
    size_bytes = path.stat().st_size
    if recipe.budget.bytes is not None and size_bytes > recipe.budget.bytes:
        broken += find_over_budget(recipe, found.made.measures, size_bytes)
    errors = [problem for problem in broken if problem.severity is Severity.ERROR]
    if errors:
        raise Refused([*broken, *warnings])
    return [*warnings, *broken]


def _measures(model: Prepared, recipe: ModelRecipe, found: FoundFile, folder: Path) -> Mapping[str, object]:
    """What a device and a reviewer need to know of the file, taken from the file itself where we can read it:
    grids and Draco's dropped triangles are part of the truth.
    """
    (file,) = folder.iterdir()
    read = load_gltf(file)[0] if file.name == MODEL_FILE else None
    deviation = model.deviation(found.made.reduced, read)
    drift = measure_uv_drift(model.document, found.made.reduced)
    measures: dict[str, object] = {
        **(found.made.measures if read is None else measure(prune(read))).as_json(),
        "bytes": file.stat().st_size,
        "texture_formats": sorted({image.media_type for image in found.made.document.images}),
        "geometric_error_m": deviation.max_m,
        "geometric_error_mean_m": deviation.mean_m,
        "uv_drift_mean": None if drift is None else drift.mean,
        "uv_drift_share_over_0_02": None if drift is None else drift.share_over_0_02,
        **found.as_measures(),
        **_target(recipe, found),
        **model.master_measures(),
    }
    verdicts = [verdict.as_json() for verdict in device_verdicts(measures, find_facts(file))]
    return {**measures, "verdicts": verdicts}


def _target(recipe: ModelRecipe, found: FoundFile) -> Mapping[str, object]:
    """What was asked of the looks, and whether they are so; empty where nobody looked."""
    if recipe.target is None or found.scores is None:
        return {}
    return {"target_ssim": recipe.target.ssim, "target_met": found.scores.ssim >= recipe.target.ssim}


def _run_archive(model: Prepared, recipe: ModelRecipe, workdir: Path) -> RecipeOutcome:
    """The whole model as plain GLB: every triangle, number and texel, and nothing compressed."""
    folder = workdir / recipe.name
    folder.mkdir(parents=True)
    body = write_glb(model.document, WriteOptions(GeometryCodec.NONE))
    (folder / MODEL_FILE).write_bytes(body)
    measures = {**measure(model.document).as_json(), "bytes": len(body), "geometric_error_m": 0.0}
    draft = DerivativeDraft(recipe.usage, recipe.quality, folder, measures)
    return RecipeOutcome(recipe.name, model.warnings, (draft,))
