"""Time and memory: the fixed run against gltfpack, and the whole command with its search against
gltf-transform.

Runs are paired in turn; CPU seconds and memory are of the processes under each command, Python's and Node's
start included. The fixed run does what gltfpack does (read, weld, simplify to the same count, quantize,
meshopt, write; textures passed through); the whole command also decodes and encodes textures, renders every
trial and measures.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.harness import Cost, Row, paired, run_child
from tests.benchmarks.models.glb import count_triangles
from tests.benchmarks.models.peers import GEOMETRY_PEERS, TOTAL_PEERS, command
from tests.benchmarks.models.sources import Source

FIXED_RUN = Path(__file__).parent / "fixed_run.py"
HALONG_XR = Path(sys.executable).parent / "halong-xr"
TRIANGLES = 100_000  # the budget of recipe ar
TIME_LIMIT, MEMORY_LIMIT = 1.1, 1.0
PACK = next(peer for peer in GEOMETRY_PEERS if peer.name == "gltfpack -cc")
TRANSFORM = next(peer for peer in TOTAL_PEERS if peer.codec == "meshopt")


def time_rows(source: Source, *, runs: int, has_goal: bool) -> list[Row]:
    """CPU and wall clock to the same triangle count, without a search."""
    ratio = ratio_of(source)
    triangles = round(source.triangles * ratio)
    with tempfile.TemporaryDirectory(prefix="bench-time-") as folder:
        out = Path(folder)
        ours = [sys.executable, FIXED_RUN, source.glb, out / "ours.glb", "--triangles", str(triangles)]
        costs = _in_turn([ours, command(PACK, source.glb, out / "pack.glb", ratio)], runs)
        reached = [count_triangles(out / name) for name in ("ours.glb", "pack.glb")]
    name = f"simplify_time {source.name}, {source.triangles:,} to {reached[0]:,} triangles"
    reference = f"gltfpack -cc, {reached[1]:,} triangles"
    goal = ("<=", "ratio", TIME_LIMIT) if has_goal else (None, "ratio", None)
    return [
        Row(f"{name}, CPU", costs[0].cpu_s, "s", reference, costs[1].cpu_s, *goal, runs=runs),
        Row(f"{name}, wall clock", costs[0].wall_s, "s", reference, costs[1].wall_s, *goal, runs=runs),
    ]


def whole_rows(source: Source, *, runs: int, has_goal: bool) -> list[Row]:
    """Memory and time of `halong-xr optimize --recipe ar`, search and all, against gltf-transform."""
    with tempfile.TemporaryDirectory(prefix="bench-whole-") as folder:
        out = Path(folder)
        ours = [HALONG_XR, "optimize", source.glb, "--recipe", "ar", "--out", out / "ours"]
        theirs = command(TRANSFORM, source.glb, out / "transform.glb", ratio_of(source))
        costs = _in_turn([ours, theirs], runs, before=lambda: shutil.rmtree(out / "ours", ignore_errors=True))
    name, reference = source.name, "gltf-transform optimize, WebP, meshopt"
    goal = ("<=", "ratio", MEMORY_LIMIT) if has_goal else (None, "ratio", None)
    ours_mib, theirs_mib = ([cost.peak_bytes / 2**20, cost.tree_peak_bytes / 2**20] for cost in costs)
    searched = f"simplify_time with search {name}"
    return [
        Row(
            f"peak_memory {name}, largest process",
            ours_mib[0], "MiB", reference, theirs_mib[0], *goal, runs=runs,
        ),
        Row(f"peak_memory {name}, all processes", ours_mib[1], "MiB", reference, theirs_mib[1], runs=runs),
        Row(f"{searched}, CPU", costs[0].cpu_s, "s", reference, costs[1].cpu_s, runs=runs),
        Row(f"{searched}, wall clock", costs[0].wall_s, "s", reference, costs[1].wall_s, runs=runs),
    ]  # fmt: skip


def ratio_of(source: Source) -> float:
    """What is asked of a peer so that it comes to the recipe's budget; half for what fits it already."""
    return min(0.5, TRIANGLES / source.triangles)


def _in_turn(
    commands: list[list[str | Path]], runs: int, before: Callable[[], None] = lambda: None
) -> list[Cost]:
    """The median cost of each command, figure by figure."""
    costs: list[list[Cost]] = [[] for _ in commands]

    def side(index: int) -> Callable[[], float]:
        def run() -> float:
            before()
            costs[index].append(run_child(commands[index], timeout_s=900, sampling=True))
            return costs[index][-1].cpu_s

        return run

    paired([side(index) for index in range(len(commands))], runs)
    return [
        Cost(*(statistics.median(getattr(cost, name) for cost in some) for name in Cost.__slots__))
        for some in costs
    ]
