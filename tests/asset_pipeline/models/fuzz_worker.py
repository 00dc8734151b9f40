"""A process that reads, makes ready and writes spoiled masters one after the other, and says what came of it.

python -m tests.asset_pipeline.models.fuzz_worker SHARED FOLDER FIRST COUNT; prints a line of JSON per fault
and one at the end. The number at work stands in FOLDER/now, should the process die.
"""

import faulthandler
import json
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.find_file import ceiling_of
from asset_pipeline.models.make import make_file
from asset_pipeline.models.prepare import prepare
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.recipes import AR, THUMB
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.fuzz_masters import load_masters, spoiled
from tests.asset_pipeline.models.watch_cost import own_peak_bytes

HANG_S = 60  # wall-clock, for a file of some kilobytes on a machine with other work
MAX_MEMORY_BYTES = 2 << 30
WARM_FILES = 100  # libraries are loaded and caches filled


def main(shared: Path, folder: Path, first: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as scratch:
        masters = load_masters(shared, Path(scratch))
    ends: Counter[str] = Counter()
    slowest, warm_kib = (0.0, 0), 0
    for done, seed in enumerate(range(first, first + count)):
        (folder / "now").write_text(f"{seed}")
        kind, master = spoiled(masters, seed)
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        started = time.process_time()
        with tempfile.TemporaryDirectory() as work:
            ends[f"{kind} {_try(master.write(Path(work)), seed)}"] += 1
        slowest = max(slowest, (time.process_time() - started, seed))
        if done == WARM_FILES:
            warm_kib = _resident_kib()
    faulthandler.cancel_dump_traceback_later()
    last = {
        "ends": ends,
        "slowest_s": slowest[0],
        "slowest_seed": slowest[1],
        "grown_kib": _resident_kib() - warm_kib if warm_kib else 0,
        "peak_kib": own_peak_bytes() // 1024,
        "children": Path("/proc/self/task", str(_thread()), "children").read_text().split(),
    }
    print(json.dumps(last), flush=True)


def _try(path: Path, seed: int) -> str:
    """accepted, refused, or failed, which is printed."""
    try:
        model = prepare(path, ModelOptions(search=False))
        recipe = AR if seed % 4 == 0 else THUMB
        for codec in recipe.geometry_codecs[:1]:
            made = make_file(model, recipe, ceiling_of(model, recipe), codec)
            written = path.with_name("written.glb")
            written.write_bytes(made.body)
            _read_back(written)
    except Refused:
        return "refused"
    except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
        print(json.dumps({"seed": seed, "fault": traceback.format_exc()}), flush=True)
        return "failed"
    return "accepted"


def _read_back(written: Path) -> None:
    try:
        load_gltf(written)
    except Refused as refusal:
        raise AssertionError(f"our own file is refused: {refusal}") from refusal


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def _thread() -> int:
    import threading

    return threading.get_native_id()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
