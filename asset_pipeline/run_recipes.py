"""What happens inside the child process: choose the master's kind, run its recipes, hand back plain data."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.child import MAX_RESULT_BYTES
from asset_pipeline.model_options import ModelOptions, parse_model_options
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, Refused, refuse
from asset_pipeline.recipes import MasterKind, choose_recipes
from asset_pipeline.report import parse_problem
from asset_pipeline.sniff import Route
from asset_pipeline.stages import stage
from heritage_sites.problem import Problem

FINISHED_FILE = "finished.jsonl"  # in the work folder: one outcome a line, as they come


@dataclass(frozen=True, slots=True)
class MasterRun:
    """What the child made of a master: outcomes per recipe, or the Problems for which it was turned away."""

    outcomes: tuple[RecipeOutcome, ...]
    refusal: tuple[Problem, ...] = ()


def run_recipes(
    path: str, route: str, forced_kind: str, recipes: list[str], workdir: str, model_options: dict[str, Any]
) -> dict[str, Any]:
    """Run the recipes on the master; called in the child. forced_kind "" lets the file's content decide.

    Each outcome is also written to the work folder as soon as it is there, for a parent whose child dies.
    """
    master, work = Path(path), Path(workdir)

    def finished(outcome: RecipeOutcome) -> None:
        with (work / FINISHED_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(_outcome_as_json(outcome), allow_nan=False) + "\n")

    try:
        if Route(route) is Route.MODEL:
            outcomes = _run_model(master, recipes, work, parse_model_options(model_options), finished)
        else:
            outcomes = _run_image(master, forced_kind, recipes, work)
    except Refused as refusal:
        return {"refusal": [problem.as_json() for problem in refusal.problems], "outcomes": []}
    return {"refusal": [], "outcomes": [_outcome_as_json(outcome) for outcome in outcomes]}


def _run_model(
    master: Path,
    wanted: Sequence[str],
    work: Path,
    options: ModelOptions,
    finished: Callable[[RecipeOutcome], None],
) -> Sequence[RecipeOutcome]:
    from asset_pipeline.models.run import run_model

    recipes = choose_recipes(MasterKind.MODEL, wanted)
    return run_model(master, recipes=recipes, workdir=work, options=options, finished=finished)


def _run_image(master: Path, forced_kind: str, wanted: Sequence[str], work: Path) -> Sequence[RecipeOutcome]:
    from asset_pipeline.images.kind import choose_kind

    stage("reading")
    kind, warnings = choose_kind(master, forced_kind)
    recipes = choose_recipes(kind, wanted)
    if not recipes:
        return []
    stage(str(kind))
    runner: Callable[..., list[RecipeOutcome]]
    if kind is MasterKind.PANORAMA:
        from asset_pipeline.panoramas.run import run_panorama as runner
    else:
        from asset_pipeline.photos.run import run_photo as runner
    outcomes = runner(master, recipes=recipes, workdir=work)
    return [_with_warnings(outcome, warnings) for outcome in outcomes]


def _with_warnings(outcome: RecipeOutcome, warnings: Sequence[Problem]) -> RecipeOutcome:
    return RecipeOutcome(outcome.recipe, (*warnings, *outcome.problems), outcome.drafts, outcome.refused)


def _outcome_as_json(outcome: RecipeOutcome) -> dict[str, Any]:
    return {
        "recipe": outcome.recipe,
        "refused": outcome.refused,
        "problems": [problem.as_json() for problem in outcome.problems],
        "drafts": [
            {
                "usage": str(draft.usage),
                "quality": str(draft.quality),
                "folder": str(draft.folder),
                "measures": dict(draft.measures),
                "stills": str(draft.stills) if draft.stills is not None else None,
            }
            for draft in outcome.drafts
        ],
    }


def parse_run(value: dict[str, Any], workdir: Path) -> MasterRun:
    """The child's data as values; drafts must lie in the work folder. ValueError where they do not fit."""
    outcomes = tuple(_parse_outcome(outcome, workdir) for outcome in value["outcomes"])
    return MasterRun(outcomes, tuple(parse_problem(problem) for problem in value["refusal"]))


def read_finished(workdir: Path) -> tuple[RecipeOutcome, ...]:
    """The outcomes a child had finished before it died; without the line it was writing.

    ValueError, KeyError or TypeError for data of a wrong form.
    """
    path = workdir / FINISHED_FILE
    if not path.is_file() or path.is_symlink() or path.stat().st_size > MAX_RESULT_BYTES:
        return ()
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return tuple(_parse_outcome(json.loads(line), workdir) for line in lines)


def _parse_outcome(value: dict[str, Any], workdir: Path) -> RecipeOutcome:
    return RecipeOutcome(
        recipe=str(value["recipe"]),
        problems=tuple(parse_problem(problem) for problem in value["problems"]),
        drafts=tuple(_parse_draft(draft, workdir) for draft in value["drafts"]),
        refused=bool(value["refused"]),
    )


def _parse_draft(value: dict[str, Any], workdir: Path) -> DerivativeDraft:
    stills = value["stills"]
    return DerivativeDraft(
        usage=value["usage"],
        quality=value["quality"],
        folder=_inside(value["folder"], workdir),
        measures=value["measures"],
        stills=None if stills is None else _inside(stills, workdir),
    )


def _inside(folder: str, workdir: Path) -> Path:
    path = Path(folder)
    if not path.resolve().is_relative_to(workdir.resolve()) or not path.is_dir():
        raise ValueError(f"draft: want a folder inside the work folder, got {path.name!r}")
    return path


def refuse_kind(kind: str, title: str) -> Refused:
    """The refusal of a master whose content does not fit the kind its sender gave it."""
    return refuse(
        f"It is given as a {kind}, but the file is a {title}.", advice="Correct the kind or the file."
    )
