"""What a run made is kept in `out/.runs/`, so that the same master, recipe and code never make it twice.

One file per master and recipe, named by a digest of everything that decides what comes out: the master with
all files it refers to, the recipe's version, what the sender said about it, the tools and the pipeline's own
code. Only results that are ok are kept: a refusal is cheap to repeat, and a fault of ours should be tried
again. A kept result counts only while each of its files has its digest and each of its stills is there.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from asset_pipeline.place import is_complete
from asset_pipeline.recipes import RECIPE_NAMES, versioned_name
from asset_pipeline.report import Result, Status, parse_result
from asset_pipeline.tools import code_sha256, tool_versions

RUNS = ".runs"
MAX_KEPT_BYTES = 64 * 1024 * 1024


def run_key(whole_sha256: str, recipe: str, said: dict[str, Any]) -> str:
    """The name under which a result is kept. said: what the sender told about the master, as plain JSON."""
    decides = [whole_sha256, versioned_name(recipe), said, tool_versions(), code_sha256()]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def find_kept(out: Path, key: str, *, name: str) -> Result | None:
    """The result kept under this key, told of a master called `name`; None where it is not all there."""
    path = out / RUNS / f"{key}.json"
    try:
        if path.stat().st_size > MAX_KEPT_BYTES:
            return None
        result = parse_result(json.loads(path.read_text(encoding="utf-8")))
        is_whole = all(
            is_complete(out / derivative.derivative_id, derivative.files) for derivative in result.derivatives
        )
        has_stills = all((out / path).is_file() for paths in result.stills.values() for path in paths)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never kept, or damaged by hand: it is made again
    return _told_of(result, name) if is_whole and has_stills else None


def keep(out: Path, key: str, result: Result, work: Path) -> None:
    """Keep an ok result, whole or not at all. work: a folder on the same file system.

    A warning that names another recipe as its place (`poster`) is not kept: that recipe is tried again.
    """
    if result.status is not Status.OK:
        raise ValueError(f"keep: want an ok result, got {result.status}")
    part = work / f"{key}.json"
    own = tuple(one for one in result.problems if one.where not in RECIPE_NAMES or one.where == result.recipe)
    text = json.dumps(
        _told_of(replace(result, problems=own), "").as_json(), ensure_ascii=False, separators=(",", ":")
    )
    part.write_text(text, encoding="utf-8")
    (out / RUNS).mkdir(exist_ok=True)
    part.replace(out / RUNS / part.name)


def _told_of(result: Result, name: str) -> Result:
    """The same result of a master that goes by another name; the files it refers to keep theirs."""
    problems = tuple(
        replace(problem, file=name) if problem.file == result.master else problem
        for problem in result.problems
    )
    return replace(result, master=name, problems=problems)
