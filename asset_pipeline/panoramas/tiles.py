"""Cut a sphere into a pyramid of cube-face tiles, depth first: no face is ever in memory whole.

The finest tiles are looked up on the sphere; every coarser tile is the area average of its four children,
which keeps seams exact because no average crosses the edge of a face.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from asset_pipeline.images.encode import jpeg_bytes
from asset_pipeline.images.resize import Pixels
from asset_pipeline.panoramas.area import average
from asset_pipeline.panoramas.geometry import FACES, TileGrid
from asset_pipeline.panoramas.scratch import Sphere
from asset_pipeline.panoramas.window import read_tile

TILE_QUALITY = 80  # JPEG; SSIM .95 on photographs
FALLBACK_PX = 1024  # one picture per face for viewers without WebGL, and while tiles arrive
TILE_PATH = "{level}/{face}{row}_{col}.jpg"
FALLBACK_PATH = "fallback/{face}.jpg"
GEOMETRY = (
    "X right, Y up, Z image centre; face pixels right and down, seen from inside; "
    "f (a,-b,1), b (-a,-b,-1), u (a,1,b), d (a,-1,-b), l (-1,-b,a), r (1,-b,-a)"
)

WriteFile = Callable[[str, bytes], None]


def write_tiles(sphere: Sphere, grid: TileGrid, folder: Path, *, threads: int = 2) -> None:
    """Write every tile, the fallback faces and `tiles.json` into the folder. Blur the poles first."""
    for level in range(1, grid.levels + 1):
        (folder / str(level)).mkdir(parents=True)
    (folder / "fallback").mkdir()
    (folder / "tiles.json").write_text(json.dumps(describe_tiles(grid, sphere.shape[1]), indent=1) + "\n")

    def write(path: str, body: bytes) -> None:
        (folder / path).write_bytes(body)

    with ThreadPoolExecutor(max_workers=threads) as pool:
        for face in pool.map(lambda face: _write_face(sphere, grid, face, write), FACES):
            write(FALLBACK_PATH.format(face=face[0]), face[1])


def describe_tiles(grid: TileGrid, source_width_px: int) -> dict[str, object]:
    """What `tiles.json` says; docs/formats/tiles.md explains it."""
    return {
        "format": 1,
        "faces": FACES,
        "tile_size_px": grid.tile_px,
        "levels": grid.levels,
        "face_size_px": grid.face_px,
        "source_width_px": source_width_px,
        "path": TILE_PATH,
        "fallback": FALLBACK_PATH,
        "geometry": GEOMETRY,
    }


def _write_face(sphere: Sphere, grid: TileGrid, face: str, write: WriteFile) -> tuple[str, bytes]:
    """Write the face's tiles; returns its fallback picture."""
    largest: Pixels = np.empty((0, 0, 3), np.uint8)

    def build(level: int, row: int, column: int) -> Pixels:
        nonlocal largest
        if level == grid.levels:
            tile = joined = read_tile(sphere, grid, face, row, column)
        else:
            children = [[build(level + 1, 2 * row + i, 2 * column + j) for j in (0, 1)] for i in (0, 1)]
            joined = np.concatenate([np.concatenate(pair, axis=1) for pair in children])
            tile = average(joined, grid.tile_px, grid.tile_px)
        write(TILE_PATH.format(level=level, face=face, row=row, col=column), _encode(tile))
        if level == 1:
            largest = joined  # the face at level 2, or at level 1 where that is all
        return tile

    build(1, 0, 0)
    side = min(FALLBACK_PX, largest.shape[0])
    return face, _encode(average(largest, side, side))


def _encode(pixels: Pixels) -> bytes:
    return jpeg_bytes(pixels, quality=TILE_QUALITY)
