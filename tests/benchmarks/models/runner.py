"""One model from its file to its result, in a process of its own; results are kept under
build/bench/models."""

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.models.judge import JudgeFailed, JudgeUnavailable
from asset_pipeline.outcome import Refused
from tests.benchmarks.harness import OUT_FOLDER, commit
from tests.benchmarks.models import glb
from tests.benchmarks.models.compare import compare_geometry
from tests.benchmarks.models.controls import control, off_by
from tests.benchmarks.models.own import FILES, Own, pipeline_version
from tests.benchmarks.models.peers import RUNS, ratios_for
from tests.benchmarks.models.scoring import Eye
from tests.benchmarks.models.sources import Source, make_source
from tests.benchmarks.models.totals import compare_total

RESULTS = OUT_FOLDER / "models" / "results"


@dataclass(frozen=True, slots=True)
class Task:
    """A model to compare. described: what the report says of it. ratios: empty for all that make sense."""

    name: str
    set_name: str
    path: Path
    described: dict[str, str]
    ratios: tuple[float, ...] = ()
    with_totals: bool = True
    with_controls: bool = True


def end_with_parent() -> None:
    """For a pool's process: do not outlive the benchmark, however it ends."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_task(task: Task) -> dict[str, Any]:
    """The model's result, or why there is none under "problem"."""
    started = time.perf_counter()
    result: dict[str, Any] = {"name": task.name, "set": task.set_name, **task.described, "geometry": []}
    try:
        source = make_source(task.name, task.path)
        result |= _facts(source)
        possible = ratios_for(source.triangles)
        ratios = tuple(ratio for ratio in task.ratios if ratio in possible) if task.ratios else possible
        if ratios:
            result |= _compared(task, source, ratios)
        else:
            result["problem"] = "too few triangles are left to compare"
    except (Refused, JudgeFailed, JudgeUnavailable) as reason:
        result["problem"] = str(reason)
    result |= {
        "seconds": round(time.perf_counter() - started),
        "commit": commit(),
        "code": pipeline_version(),
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{task.name}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def gathered(tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """What earlier runs found, model by model; each result tells the commit it is of."""
    results = []
    for task in tasks:
        kept = RESULTS / f"{task.name}.json"
        found = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None
        results.append(found or left_out(task, "not compared yet"))
    return results


def left_out(task: Task, reason: str) -> dict[str, Any]:
    """The result of a model that was not compared."""
    return {
        "name": task.name,
        "set": task.set_name,
        **task.described,
        "geometry": [],
        "problem": reason,
        "seconds": 0,
    }


def _compared(task: Task, source: Source, ratios: Sequence[float]) -> dict[str, Any]:
    eye = Eye(source)
    try:
        if not eye.look(source.glb).shows:
            return {"problem": "it shows nothing"}
        own = Own(source)
        geometry = compare_geometry(source, eye, own, ratios)
        _check_boxes(source, geometry)
        totals = compare_total(source, eye, own, ratios) if task.with_totals else []
        controls = control(source, eye, own) if task.with_controls else []
        return {"geometry": geometry, "totals": totals, "controls": controls, "renders": eye.renders}
    finally:
        eye.close()


def _facts(source: Source) -> dict[str, Any]:
    tree = glb.json_of(source.glb)
    return {
        "source_sha256": source.sha256, "source_bytes": source.glb.stat().st_size,
        "triangles": source.triangles,
        "image_bytes": glb.image_bytes(source.glb), "materials": len(tree.get("materials", [])),
        "meshes": len(tree.get("meshes", [])), "nodes": len(tree.get("nodes", [])),
    }  # fmt: skip


def _check_boxes(source: Source, rows: Sequence[dict[str, Any]]) -> None:
    """How far each file's bounding box is off, as a share of the longest side, put into its row."""
    peers = {row["their_file"] for row in rows if "their_file" in row}
    ours = {row["our_file"] for row in rows if "our_file" in row}
    off = {name: off_by(source.glb, RUNS / name) for name in peers}
    off |= {name: off_by(source.glb, FILES / name) for name in ours}
    for row in rows:
        if "their_file" in row:
            row["their_off"] = off[row["their_file"]]
        if "our_file" in row:
            row["our_off"] = off[row["our_file"]]
