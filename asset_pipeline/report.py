"""What became of every master: one result per (master, recipe), and the report that lists them.

The report's JSON form is described in docs/formats/report.md; it names no folder of this machine but the
paths given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from heritage_sites.asset import Derivative, DerivativeFile, Quality, Usage
from heritage_sites.problem import Problem, Severity


class Status(StrEnum):
    """ok: derivatives exist. refused: the sender can fix it. failed: a fault of ours, named in the log."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What one recipe made of one master.

    master is the path as given on the command line, joined with the path below it where a folder was given.
    master_sha256 is "" where the file could not be read. recipe is "inspect" for a master that was turned
    away before any recipe ran. An ok result may carry warnings; any other carries at least one error.
    stills: pictures for the reviewer by derivative id, as paths below the output folder.
    """

    master: str
    master_sha256: str
    recipe: str
    status: Status
    problems: tuple[Problem, ...] = ()
    derivatives: tuple[Derivative, ...] = ()
    stills: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def __post_init__(self) -> None:
        has_error = any(problem.severity is Severity.ERROR for problem in self.problems)
        if (self.status is Status.OK) == has_error:
            raise ValueError(f"Result: status {self.status} does not fit problems {self.problems}")
        if self.status is not Status.OK and self.derivatives:
            raise ValueError(f"Result: status {self.status} carries no derivatives")

    def as_json(self) -> dict[str, Any]:
        """The result as it stands in a report."""
        return {
            "master": self.master,
            "master_sha256": self.master_sha256,
            "recipe": self.recipe,
            "status": str(self.status),
            "problems": [problem.as_json() for problem in self.problems],
            "derivatives": [
                derivative_as_json(derivative, self.stills.get(derivative.derivative_id, ()))
                for derivative in self.derivatives
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All results of a run, in the order in which the masters were found."""

    results: tuple[Result, ...]
    tools: tuple[tuple[str, str], ...] = ()  # (name, version) of what made the derivatives

    def count(self, status: Status) -> int:
        """How many results have this status."""
        return sum(result.status is status for result in self.results)

    @property
    def exit_code(self) -> int:
        """0 nothing refused or failed, 1 something refused, 3 something failed."""
        if self.count(Status.FAILED):
            return 3
        return 1 if self.count(Status.REFUSED) else 0

    def as_json(self) -> dict[str, Any]:
        """The whole report, in a fixed order."""
        return {"results": [result.as_json() for result in self.results], "tools": dict(self.tools)}


def parse_result(value: Mapping[str, Any]) -> Result:
    """The inverse of Result.as_json. ValueError, KeyError or TypeError for anything else."""
    derivatives = tuple(_parse_derivative(one, value["master_sha256"]) for one in value["derivatives"])
    return Result(
        master=value["master"],
        master_sha256=value["master_sha256"],
        recipe=value["recipe"],
        status=Status(value["status"]),
        problems=tuple(parse_problem(problem) for problem in value["problems"]),
        derivatives=derivatives,
        stills={
            one["derivative_id"]: tuple(str(path) for path in one["stills"])
            for one in value["derivatives"]
            if "stills" in one
        },
    )


def parse_problem(value: Mapping[str, Any]) -> Problem:
    """The inverse of Problem.as_json."""
    return Problem(
        file=str(value["file"]),
        where=str(value["where"]),
        message=str(value["message"]),
        advice=str(value["advice"]),
        severity=Severity(value["severity"]),
    )


def _parse_derivative(value: Mapping[str, Any], master_sha256: str) -> Derivative:
    return Derivative(
        derivative_id=value["derivative_id"],
        usage=Usage(value["usage"]),
        quality=Quality(value["quality"]),
        files=tuple(DerivativeFile(**file) for file in value["files"]),
        recipe=value["recipe"],
        measures=value["measures"],
        master_sha256=master_sha256,
    )


def derivative_as_json(derivative: Derivative, stills: Sequence[str] = ()) -> dict[str, Any]:
    """A derivative as reports write it; `stills` only where there are some."""
    value: dict[str, Any] = {
        "usage": str(derivative.usage),
        "quality": str(derivative.quality),
        "derivative_id": derivative.derivative_id,
        "files": [
            {"path": file.path, "media_type": file.media_type, "bytes": file.bytes, "sha256": file.sha256}
            for file in derivative.files
        ],
        "measures": dict(derivative.measures),
        "recipe": derivative.recipe,
    }
    return {**value, "stills": list(stills)} if stills else value


def without_duplicates(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same Problems, each once, in order."""
    return tuple(dict.fromkeys(problems))
