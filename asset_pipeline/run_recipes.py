"""What happens inside the child process: choose the master's kind, run its recipes, hand back plain data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, Refused, refuse
from asset_pipeline.recipes import MasterKind, choose_recipes
from asset_pipeline.sniff import Route
from heritage_sites.problem import Problem, Severity


@dataclass(frozen=True, slots=True)
class MasterRun:
    """What the child made of a master: outcomes per recipe, or the Problems for which it was turned away."""

    outcomes: tuple[RecipeOutcome, ...]
    refusal: tuple[Problem, ...] = ()


def run_recipes(path: str, route: str, forced_kind: str, recipes: list[str], workdir: str) -> dict[str, Any]:
    """Run the recipes on the master; called in the child. forced_kind "" lets the file's content decide."""
    master, work = Path(path), Path(workdir)
    try:
        outcomes = _run(master, Route(route), forced_kind, recipes, work)
    except Refused as refusal:
        return {"refusal": [problem.as_json() for problem in refusal.problems], "outcomes": []}
    return {"refusal": [], "outcomes": [_outcome_as_json(outcome) for outcome in outcomes]}


def _run(
    master: Path, route: Route, forced_kind: str, wanted: Sequence[str], work: Path
) -> Sequence[RecipeOutcome]:
    if route is Route.MODEL:
        from asset_pipeline.models.run import run_model

        return run_model(master, recipes=choose_recipes(MasterKind.MODEL, wanted), workdir=work)
    from asset_pipeline.images.kind import choose_kind

    kind, warnings = choose_kind(master, forced_kind)
    recipes = choose_recipes(kind, wanted)
    if not recipes:
        return []
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
            }
            for draft in outcome.drafts
        ],
    }


def parse_run(value: dict[str, Any], workdir: Path) -> MasterRun:
    """The child's data as values; drafts must lie in the work folder. ValueError where they do not fit."""
    outcomes = tuple(
        RecipeOutcome(
            recipe=str(outcome["recipe"]),
            problems=tuple(_parse_problem(problem) for problem in outcome["problems"]),
            drafts=tuple(_parse_draft(draft, workdir) for draft in outcome["drafts"]),
            refused=bool(outcome["refused"]),
        )
        for outcome in value["outcomes"]
    )
    return MasterRun(outcomes, tuple(_parse_problem(problem) for problem in value["refusal"]))


def _parse_problem(value: dict[str, Any]) -> Problem:
    return Problem(
        file=str(value["file"]),
        where=str(value["where"]),
        message=str(value["message"]),
        advice=str(value["advice"]),
        severity=Severity(value["severity"]),
    )


def _parse_draft(value: dict[str, Any], workdir: Path) -> DerivativeDraft:
    folder = Path(value["folder"])
    if not folder.resolve().is_relative_to(workdir.resolve()) or not folder.is_dir():
        raise ValueError(f"draft: want a folder inside the work folder, got {folder.name!r}")
    return DerivativeDraft(value["usage"], value["quality"], folder, value["measures"])


def refuse_kind(kind: str, title: str) -> Refused:
    """The refusal of a master whose content does not fit the kind its sender gave it."""
    return refuse(
        f"It is given as a {kind}, but the file is a {title}.", advice="Correct the kind or the file."
    )
