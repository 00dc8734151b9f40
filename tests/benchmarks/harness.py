"""What all benchmarks share: rows with a peer, goals, the machine they ran on, the table and the JSON file.

A figure says something only beside another one taken on the same machine in the same minutes. So a row has a
reference, and `ratio` is value / reference. Run both sides in turn (`paired`) and compare medians.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT_FOLDER = ROOT / "build" / "bench"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing. reference: what it is compared with, in words; None where there is nothing.

    goal_op "<=" or ">=" with goal_limit on the "ratio" or the "value"; None for a figure without a goal.
    """

    name: str
    value: float
    unit: str
    reference: str | None = None
    reference_value: float | None = None
    goal_op: str | None = None
    goal_of: str = "ratio"
    goal_limit: float | None = None
    runs: int = 1

    def __post_init__(self) -> None:
        if (self.goal_op is None) != (self.goal_limit is None) or self.goal_op not in (None, "<=", ">="):
            raise ValueError(
                f"{self.name}: a goal needs <= or >= and a limit, got {self.goal_op} {self.goal_limit}"
            )
        if self.goal_of not in ("ratio", "value"):
            raise ValueError(f"{self.name}: goal_of: want ratio or value, got {self.goal_of}")
        if self.goal_op and self.goal_of == "ratio" and self.ratio is None:
            raise ValueError(f"{self.name}: a goal on the ratio needs a reference_value")

    @property
    def ratio(self) -> float | None:
        """Value by reference value."""
        return self.value / self.reference_value if self.reference_value else None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal_op is None or self.goal_limit is None:
            return None
        measured = self.value if self.goal_of == "value" else self.ratio
        assert measured is not None
        return measured <= self.goal_limit if self.goal_op == "<=" else measured >= self.goal_limit

    def as_json(self) -> dict[str, Any]:
        """The row as build/bench/NAME.json has it."""
        goal = None
        if self.goal_op is not None:
            goal = {"op": self.goal_op, "of": self.goal_of, "limit": self.goal_limit}
        return {
            "name": self.name, "value": self.value, "unit": self.unit,
            "reference": self.reference, "reference_value": self.reference_value, "ratio": self.ratio,
            "goal": goal, "holds": self.holds, "runs": self.runs,
        }  # fmt: skip


def write_report(name: str, rows: Sequence[Row]) -> Path:
    """Write build/bench/NAME.json, whole or not at all, and return its path."""
    report = {"machine": machine(), "commit": commit(), "rows": [row.as_json() for row in rows]}
    OUT_FOLDER.mkdir(parents=True, exist_ok=True)
    path = OUT_FOLDER / f"{name}.json"
    temporary = path.with_suffix(".json.tmp")
    temporary.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


def print_table(rows: Sequence[Row]) -> None:
    """The rows for people, one line each."""
    lines = [("what", "value", "reference", "", "ratio", "goal", "runs")]
    for row in rows:
        goal = ""
        if row.goal_op is not None:
            goal = f"{row.goal_of} {row.goal_op} {row.goal_limit:g}: {'holds' if row.holds else 'MISSED'}"
        against = "" if row.reference_value is None else f"{_short(row.reference_value)} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(
            (
                row.name,
                f"{_short(row.value)} {row.unit}",
                row.reference or "",
                against,
                ratio,
                goal,
                str(row.runs),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"{machine()}, commit {commit()}")


def machine() -> str:
    """Processor, cores, memory, system and Python, in one line."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(
                (line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model
            )
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (OSError, ValueError):
        memory = "? GiB"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{model}, {cores} cores, {memory}, {system}"


def commit() -> str:
    """The commit measured, with + for changes on top; "unknown" outside a checkout."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a child process took, with all its children.

    peak_bytes: of the largest process. tree_peak_bytes: of all at the same time, sampled; 0 where not asked
    for.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int
    tree_peak_bytes: int = 0


def run_child(
    command: Sequence[str | Path], *, cwd: Path | None = None, timeout_s: float = 600, sampling: bool = False
) -> Cost:
    """Run a command to its end, quietly. Raises RuntimeError with the end of its output if it fails.

    peak_bytes is the largest resident set of any one process under it. A small Python in between waits for
    the command, so that the figures are of its children alone. sampling: look at the memory of all processes
    below it every 50 ms too (Linux), pages shared between them counted once.
    """
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _WAITER, "sampling" if sampling else "", *map(str, command)],
        capture_output=True, text=True, cwd=cwd, timeout=timeout_s, check=False,
    )  # fmt: skip
    wall_s = time.perf_counter() - started
    figures = done.stderr.rpartition("\nCOST ")[2].split()
    if done.returncode or len(figures) != 3:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")
    return Cost(wall_s, float(figures[0]), int(figures[1]) * 1024, int(figures[2]) * 1024)


_WAITER = """
import os, resource, subprocess, sys, time

def below(pid):
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more

def kib_of(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0

peak = 0
child = subprocess.Popen(sys.argv[2:])
if sys.argv[1]:
    while child.poll() is None:
        peak = max(peak, sum(kib_of(pid) for pid in below(child.pid)))
        time.sleep(0.05)
code = child.wait()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.write(f"\\nCOST {used.ru_utime + used.ru_stime} {used.ru_maxrss} {peak}")
sys.exit(1 if code else 0)
"""


def own_cpu_s() -> float:
    """CPU seconds of this process and its finished children so far."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def paired(sides: Sequence[Callable[[], float]], runs: int) -> list[float]:
    """Medians of each side's figure, the sides run in turn so that a busy minute meets them all alike."""
    figures: list[list[float]] = [[] for _ in sides]
    for turn in range(runs):
        order = list(enumerate(sides))
        for index, side in order if turn % 2 == 0 else reversed(order):
            figures[index].append(side())
    return [statistics.median(values) for values in figures]


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def _short(value: float) -> str:
    if value >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
