"""Files made to harm, as a user sends them: turned away at little cost, in words, and nothing is left."""

from pathlib import Path

import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.optimize import run_master
from asset_pipeline.report import Result, Status
from tests.asset_pipeline.models.hostile_files import COSTLY, HOSTILE, Maker
from tests.asset_pipeline.models.watch_cost import Cost, descendants, watched

LIMIT_S, LIMIT_BYTES = 20.0, 1 << 30
GUARD_S = 180.0  # where other tests run beside: only a hang takes longer
HARMLESS = {  # what would harm is never read, and left out
    "PNG with 300 MB inside": "",
    "data URI of 100 MB": "",  # a triangle of 36 bytes, and nothing points to the rest
    "2^31 keys": "its key times hold no data; the channel was removed",
    "PLY of 2^31 things without properties": "shown as points",
}
EDGES = ("gltf-invalid", "obj/edge", "obj/edge_assimp", "ply/edge", "ply/edge_draco", "stl")
MODELS = {".gltf", ".glb", ".obj", ".ply", ".stl"}


def sent(path: Path, out: Path) -> tuple[list[Result], Cost]:
    """What comes of a file, and its cost with all processes it starts."""
    return watched(
        lambda: run_master(
            path, name=path.name, out=out, recipes=["thumb"], model_options=ModelOptions(search=False)
        )
    )


def assert_turned_away(name: str, make: Maker, folder: Path) -> Cost:
    (folder / "in").mkdir()
    others = descendants("self")  # services of other tests
    results, cost = sent(make(folder / "in"), folder / "out")
    (result,) = results
    said = " ".join(problem.message for problem in result.problems)
    assert result.status is (Status.OK if name in HARMLESS else Status.REFUSED), said
    assert HARMLESS.get(name, "") in said
    assert "fault of the pipeline" not in said
    assert cost.peak_bytes < LIMIT_BYTES, f"{name}: {cost}"
    assert set(descendants("self")) <= set(others)
    assert [path.name for path in (folder / "out").glob(".work*")] == []
    return cost


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_turned_away(name: str, tmp_path: Path) -> None:
    assert assert_turned_away(name, HOSTILE[name], tmp_path).seconds < GUARD_S


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLY)
def test_large_hostile_files_are_turned_away_in_time(name: str, tmp_path: Path) -> None:
    cost = assert_turned_away(name, COSTLY[name], tmp_path)
    print(f"{name}: {cost.seconds:.1f} s, {cost.peak_bytes >> 20} MiB")
    assert cost.seconds < LIMIT_S


@pytest.mark.slow
def test_shared_edge_cases_cost_little(shared: Path, tmp_path: Path) -> None:
    files = sorted(
        path
        for folder in EDGES
        for path in (shared / "assets" / folder).rglob("*")
        if path.suffix.lower() in MODELS
    )
    assert len(files) >= 50
    costs = {}
    for path in files:
        results, costs[path.name] = sent(path, tmp_path / "out")
        assert all(result.status is not Status.FAILED for result in results), path
    slowest = max(costs, key=lambda name: costs[name].seconds)
    largest = max(costs, key=lambda name: costs[name].peak_bytes)
    print(f"slowest {slowest}: {costs[slowest]}; largest {largest}: {costs[largest]}")
    assert costs[slowest].seconds < LIMIT_S
    assert costs[largest].peak_bytes < LIMIT_BYTES
