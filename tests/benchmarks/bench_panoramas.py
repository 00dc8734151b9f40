"""Panorama tiling against decoding the same picture once and encoding the same pixels once, in CPU seconds.

Tiling has to decode the master and to encode every tile: no tiler can do less. On top comes looking up every
pixel's direction, softening the poles and averaging the coarser levels.

    python -m tests.benchmarks panoramas [--short] [--width 8192] [--runs 3] [--input FILE|FOLDER]

Without --input (or INPUT in the environment) the panorama is made here, always the same.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from asset_pipeline.images.encode import jpeg_bytes
from asset_pipeline.images.read import open_image
from asset_pipeline.panoramas.geometry import TileGrid, choose_grid
from asset_pipeline.panoramas.placement import choose_placement
from asset_pipeline.panoramas.polar import blur_poles
from asset_pipeline.panoramas.run import run_panorama
from asset_pipeline.panoramas.scratch import decode_sphere
from asset_pipeline.panoramas.tiles import TILE_QUALITY, write_tiles
from tests.benchmarks.harness import Row, own_cpu_s, paired, print_table, write_report

GOAL_RATIO = 3.5  # decoding and encoding are 1 of it, cubic interpolation about 2
REFERENCE = "decode once + encode the same pixels"


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, write build/bench/panoramas.json."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        masters = _masters(options.input) or [
            make_master(folder / f"made-{options.width}.jpg", options.width)
        ]
        rows = [row for master in masters for row in measure(master, folder, options.runs)]
    print_table(rows)
    write_report("panoramas", rows)
    return 0


def measure(master: Path, folder: Path, runs: int) -> list[Row]:
    """One row for tiling, one for everything that `optimize` makes of the panorama."""
    grid = choose_grid(open_image(master).width_px)
    tiles = folder / "tiles" / master.stem
    tile(master, grid, tiles)  # also warms the caches
    pixels = [_read(path) for path in sorted(tiles.glob("[0-9]*/*.jpg"))]

    def tiling() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            return cpu_s_of(lambda: tile(master, grid, Path(target) / "tiles"))

    def reference() -> float:
        return cpu_s_of(lambda: decode_and_encode(master, pixels))

    def recipe() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            return cpu_s_of(lambda: run_panorama(master, recipes=["panorama"], workdir=Path(target)))

    tiling_s, reference_s, recipe_s = paired([tiling, reference, recipe], runs)
    name = f"{master.stem}: {grid.tile_count} tiles"
    return [
        Row(name, tiling_s, "CPU s", REFERENCE, reference_s, "<=", "ratio", GOAL_RATIO, runs),
        Row(f"{name}, 4k, 2k and thumbnail", recipe_s, "CPU s", REFERENCE, reference_s, runs=runs),
    ]


def tile(master: Path, grid: TileGrid, target: Path) -> None:
    """The measured work: from the master to the tile tree on disk."""
    image = open_image(master)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        sphere, _ = decode_sphere(image, choose_placement(image)[0], Path(scratch))
        blur_poles(sphere, grid.face_px)
        write_tiles(sphere, grid, target)


def decode_and_encode(master: Path, pixels: list[np.ndarray[Any, np.dtype[np.uint8]]]) -> None:
    """The reference: decode the master, encode as many and the same pixels as the tree has."""
    with Image.open(master) as picture:
        picture.load()
    for tile_pixels in pixels:
        jpeg_bytes(tile_pixels, quality=TILE_QUALITY)


def cpu_s_of(work: Any) -> float:
    """CPU seconds of this process, all threads, while the work runs."""
    before = own_cpu_s()
    work()
    return own_cpu_s() - before


def make_master(path: Path, width: int) -> Path:
    """A panorama with detail at every scale, as a photograph has: about 0.4 bytes per pixel as JPEG."""
    random = np.random.default_rng(7)
    height = width // 2
    total = np.full((height, width, 3), 128, np.float32)
    for octave in range(3, height.bit_length()):
        grain = random.normal(0, 60 / octave, (2**octave, 2 ** (octave + 1), 3)).astype(np.float32)
        total += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(np.clip(total, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def _read(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _masters(given: Path | None) -> list[Path]:
    if given is None:
        return []
    return sorted(given.glob("*.jpg")) if given.is_dir() else [given]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench panoramas", description="Panorama tiling, in CPU seconds.")
    parser.add_argument("--short", action="store_true", help="a small panorama, once")
    parser.add_argument("--width", type=int, help="width of the panorama made here (default 8192)")
    parser.add_argument("--runs", type=int, help="how often each side runs (default 3)")
    given = os.environ.get("INPUT")
    parser.add_argument(
        "--input", type=Path, default=Path(given) if given else None, help="own panoramas (JPEG)"
    )
    options = parser.parse_args(arguments)
    options.width = options.width or (4096 if options.short else 8192)
    options.runs = options.runs or (1 if options.short else 3)
    return options
