"""Ten thousand spoiled masters of every format: no crash, no hang, no leak, nothing left behind."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.asset_pipeline.models.conftest import REPOSITORY
from tests.asset_pipeline.models.fuzz_masters import FILES, load_masters, spoiled

FILES_PER_WORKER = 1250
WORKERS = 2  # at a time
MAX_DEATHS = 5  # then a worker's share is given up
MAX_GROWN_KIB = 64 * 1024  # over a worker's files: allocators keep pieces, a leak of one file keeps megabytes
MAX_PEAK_KIB = 1024 * 1024


@dataclass
class Found:
    """What workers told. faults: by the number that makes the file again."""

    ends: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    grown_kib: list[int] = field(default_factory=list)
    peak_kib: int = 0
    slowest: tuple[float, int] = (0.0, 0)
    left: list[str] = field(default_factory=list)


def run_worker(shared: Path, folder: Path, first: int, count: int) -> Found:
    """A worker's share; one that dies is named by its number and begun again behind it."""
    found, end = Found(), first + count
    scratch = folder / f"{first}"
    scratch.mkdir()
    (folder / f"{first}-job").mkdir()
    for _ in range(MAX_DEATHS):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tests.asset_pipeline.models.fuzz_worker",
             str(shared), str(folder / f"{first}-job"), str(first), str(end - first)],
            capture_output=True, text=True, check=False, timeout=1500, cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(scratch)},
        )  # fmt: skip
        for line in done.stdout.splitlines():
            told = json.loads(line)
            if "fault" in told:
                found.faults[told["seed"]] = told["fault"]
            else:
                found.ends += Counter(told["ends"])
                found.grown_kib.append(told["grown_kib"])
                found.peak_kib = max(found.peak_kib, told["peak_kib"])
                found.slowest = max(found.slowest, (told["slowest_s"], told["slowest_seed"]))
                found.left += [f"process {pid}" for pid in told["children"]]
        if done.returncode == 0:
            found.left += [path.name for path in scratch.iterdir()]
            break
        died_at = int((folder / f"{first}-job" / "now").read_text())
        found.faults[died_at] = f"ended with code {done.returncode}: {done.stderr[-3000:]}"
        first, jobs = died_at + 1, folder / f"{died_at + 1}-job"
        jobs.mkdir()
        if first >= end:
            break
    return found


def check(shared: Path, folder: Path, first: int, count: int, per_worker: int) -> Counter[str]:
    """Counts of 'kind accepted' and 'kind refused' after all the rest was asserted."""
    started = time.monotonic()
    starts = range(first, first + count, per_worker)
    with ThreadPoolExecutor(WORKERS) as pool:
        runs = list(pool.map(lambda start: run_worker(shared, folder, start, per_worker), starts))
    faults = {seed: fault for run in runs for seed, fault in run.faults.items()}
    ends = sum((run.ends for run in runs), Counter())
    grown_kib = max(grown for run in runs for grown in (*run.grown_kib, 0))
    slowest = max(run.slowest for run in runs)
    print(
        f"{sum(ends.values())} files, {dict(sorted(ends.items()))}, {time.monotonic() - started:.0f} s; "
        f"slowest {slowest[0]:.2f} s (seed {slowest[1]}); memory grew {grown_kib} KiB, "
        f"peak {max(run.peak_kib for run in runs)} KiB"
    )
    assert faults == {}
    assert sum(ends.values()) == count
    assert [left for run in runs for left in run.left] == []
    assert grown_kib < MAX_GROWN_KIB
    assert max(run.peak_kib for run in runs) < MAX_PEAK_KIB
    assert {end.split()[0] for end in ends} == {*FILES, "ktx2"}
    return ends


def test_the_same_number_spoils_the_same_way(shared: Path, tmp_path: Path) -> None:
    pools = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pools.append(load_masters(shared, tmp_path / name))
    for seed in range(50):
        kind, master = spoiled(pools[0], seed)
        assert (kind, master) == spoiled(pools[1], seed)
        assert any(master.files != known.files for known in pools[0][kind])


def test_unspoiled_they_are_accepted(shared: Path, tmp_path: Path) -> None:
    """What the fuzz begins with goes deep: only spoiling keeps a file out."""
    from asset_pipeline.model_options import ModelOptions
    from asset_pipeline.models.prepare import prepare
    from asset_pipeline.outcome import Refused

    (tmp_path / "scratch").mkdir()
    refused = []
    for kind, masters in load_masters(shared, tmp_path / "scratch").items():
        for number, master in enumerate(masters):
            try:
                prepare(master.write(tmp_path / f"{kind}{number}"), ModelOptions(search=False))
            except Refused:
                refused.append(master.name)
    assert refused == ["ktx2.glb"]  # BC7 is no texture of glTF


def test_three_hundred_spoiled_masters(shared: Path, tmp_path: Path) -> None:
    ends = check(shared, tmp_path, 0, 300, 300)
    accepted = sum(count for end, count in ends.items() if end.endswith("accepted"))
    assert 40 < accepted < 150


@pytest.mark.slow
def test_ten_thousand_spoiled_masters(shared: Path, tmp_path: Path) -> None:
    ends = check(shared, tmp_path, 100_000, 10_000, FILES_PER_WORKER)
    accepted = sum(count for end, count in ends.items() if end.endswith("accepted"))
    assert 2_000 < accepted < 4_500
