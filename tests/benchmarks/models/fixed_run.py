"""Optimizing a GLB with fixed settings and no search: what gltfpack does, for the comparison of time.

    python tests/benchmarks/models/fixed_run.py IN.glb OUT.glb [--triangles N] [--mode MODE]

Read, weld, reduce, reorder, quantize (14 bits, UVs 12) and write with meshopt; images are passed through.
Nothing is measured or rendered, no job's process is started: time and memory are those of the work alone.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reduce import reduce_triangles
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.write_glb import WriteOptions, write_glb

TRIANGLES = 100_000
POSITION_BITS = 14  # gltfpack's own
UV_BITS = 12


def optimize_fixed(source: Path, target: Path, *, triangles: int, mode: SimplifyMode) -> None:
    """One file with one set of settings. Raises Refused as the pipeline does."""
    document, _ = load_gltf(source)
    document = reduce_triangles(weld(document), max_triangles=triangles, mode=mode)
    document = quantize(reorder(document), position_bits=POSITION_BITS, uv_bits=UV_BITS)
    target.write_bytes(write_glb(document, WriteOptions()))


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--triangles", type=int, default=TRIANGLES)
    parser.add_argument("--mode", type=SimplifyMode, default=SimplifyMode.PLAIN)
    options = parser.parse_args(arguments)
    optimize_fixed(options.source, options.target, triangles=options.triangles, mode=options.mode)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
