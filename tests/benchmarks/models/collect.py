"""Lay the models of public repositories into the benchmark's folder, from clones, SHA-256 checked.

    python -m tests.benchmarks.models.collect CLONES

CLONES holds one clone a repository: OWNER/NAME, OWNER+NAME or NAME, bare or with a work tree. Files come out
of git at the commit of `sets.COMMITS`, else at HEAD.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.models.sets import COMMITS, DEMO, HELD_OUT, SHARED, TUNING, Model
from tests.benchmarks.models.sources import models_folder


def main(arguments: list[str]) -> int:
    """Exit code 0 if every file is in place, 1 if some could not be had."""
    if len(arguments) != 1:
        print("usage: python -m tests.benchmarks.models.collect CLONES", file=sys.stderr)
        return 2
    lacking = 0
    for model in (*TUNING, *HELD_OUT):
        if model.origin in (SHARED, DEMO):
            continue
        problem = collect(model, Path(arguments[0]), models_folder())
        print(f"{model.name}: {problem or 'in place'}")
        lacking += problem is not None
    return 1 if lacking else 0


def collect(model: Model, clones: Path, folder: Path) -> str | None:
    """One model's files; the reason in words where they could not be laid there."""
    git_folder = next(_git_folders(clones, model.origin), None)
    if git_folder is None:
        return f"no clone of {model.origin} under {clones}"
    for path in (model.path, *model.beside):
        body = _blob(git_folder, COMMITS.get(model.origin, "HEAD"), path) or _blob(git_folder, "HEAD", path)
        if body is None:
            return f"{model.origin} has no {path}"
        if path == model.path and hashlib.sha256(body).hexdigest() != model.sha256:
            return f"{path} is not the file measured (SHA-256 differs)"
        target = folder / model.origin / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return None


def _git_folders(clones: Path, origin: str) -> Iterator[Path]:
    for name in (origin, origin.replace("/", "+"), origin.split("/")[1]):
        for inside in ("", ".git", "repo", "repo/.git"):
            if (clones / name / inside / "HEAD").is_file():
                yield clones / name / inside


def _blob(git_folder: Path, commit: str, path: str) -> bytes | None:
    command = ["git", f"--git-dir={git_folder}", "cat-file", "blob", f"{commit}:{path}"]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
