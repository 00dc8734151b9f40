"""What a recipe hands back to the frame: a refusal, or folders that hold derivatives.

A step that cannot accept the master raises `Refused` with every Problem it found. Problems made inside a
recipe leave `file` empty; the frame fills in the master's name, which recipes never learn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from heritage_sites.problem import Problem, Severity


class Refused(Exception):
    """The master is not acceptable; the sender can fix it, and trying again is pointless.

    problems: every fault found, at least one of them an ERROR.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not any(problem.severity is Severity.ERROR for problem in self.problems):
            raise ValueError(f"Refused: want at least one Problem of severity ERROR, got {self.problems}")
        super().__init__("; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type["Refused"], tuple[tuple[Problem, ...]]]:
        return Refused, (self.problems,)  # crosses the boundary of a child process whole


def refuse(message: str, *, where: str = "", advice: str = "") -> Refused:
    """A refusal with one Problem, ready to be raised."""
    return Refused([Problem(file="", where=where, message=message, advice=advice)])


def warn(message: str, *, where: str = "", advice: str = "") -> Problem:
    """A Problem that does not stop the recipe but is reported with its result."""
    return Problem(file="", where=where, message=message, advice=advice, severity=Severity.WARNING)


@dataclass(frozen=True, slots=True)
class DerivativeDraft:
    """A derivative as a recipe leaves it, before it has an identity.

    folder holds exactly the derivative's files and nothing else; media types follow from the suffixes.
    measures is flat JSON, snake_case names with units. stills: a folder of pictures for the reviewer, which
    are no part of the derivative and do not change its id.
    """

    usage: str
    quality: str
    folder: Path
    measures: Mapping[str, Any] = field(default_factory=dict)
    stills: Path | None = None

    def __post_init__(self) -> None:
        if not self.usage or not self.quality:
            raise ValueError(f"DerivativeDraft: want usage and quality, got {self.usage!r}, {self.quality!r}")


@dataclass(frozen=True, slots=True)
class RecipeOutcome:
    """What one recipe made of one master: drafts, or the Problems for which it was refused."""

    recipe: str
    problems: tuple[Problem, ...] = ()
    drafts: tuple[DerivativeDraft, ...] = ()
    refused: bool = False

    def __post_init__(self) -> None:
        has_error = any(problem.severity is Severity.ERROR for problem in self.problems)
        if self.refused != has_error:
            raise ValueError(f"RecipeOutcome: refused={self.refused} does not fit problems {self.problems}")
        if self.refused and self.drafts:
            raise ValueError("RecipeOutcome: a refused recipe leaves no drafts")
        if not self.refused and not self.drafts:
            raise ValueError("RecipeOutcome: an accepted recipe leaves at least one draft")


def refused_outcome(recipe: str, refusal: Refused) -> RecipeOutcome:
    """The outcome of a recipe that raised `Refused`."""
    return RecipeOutcome(recipe, problems=refusal.problems, refused=True)


def with_file(problems: Iterable[Problem], file: str) -> tuple[Problem, ...]:
    """The same Problems, said of `file` where they named none."""
    return tuple(problem if problem.file else replace(problem, file=file) for problem in problems)
