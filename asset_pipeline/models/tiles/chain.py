"""Levels of one whole model as a chain of tiles: the coarsest at the root, each finer one replacing it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.models.document import Document
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.tiles.tree import (
    Tile,
    leaf_tile,
    parent_tile,
    write_content,
    write_tileset_json,
)

MakeBody = Callable[[Document, int], bytes]
"""(document, height) -> GLB bytes. height: 0 for the finest tiles, 1 for their parents, and so on up."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One level of detail. geometric_error_m: its measured deviation from the master; 0 for the master."""

    document: Document
    geometric_error_m: float

    def __post_init__(self) -> None:
        if not 0 <= self.geometric_error_m < float("inf"):
            raise ValueError(f"geometric_error_m: want 0 or more, got {self.geometric_error_m}")


@dataclass(frozen=True, slots=True)
class WrittenTiles:
    """What was written, from the root down."""

    root: Tile

    @property
    def tiles(self) -> int:
        """Number of tiles, each with a content of its own."""
        return sum(1 for _ in self.root.walk())

    @property
    def raised(self) -> int:
        """Tiles whose measured error had to be raised to fall on the way down."""
        return sum(tile.is_raised for tile in self.root.walk())


def write_tileset(
    levels: Sequence[Level],
    folder: Path,
    *,
    placement: GeoPlacement | None,
    make_body: MakeBody,
    asset_extras: Mapping[str, Any] | None = None,
) -> WrittenTiles:
    """tileset.json and tiles/*.glb under an existing folder; levels from the finest to the coarsest.

    asset_extras: goes into `asset.extras` (copyright, licence, ...). The contents may use meshopt, Draco,
    WebP, KTX2: CesiumJS and the other 3D Tiles viewers read them as any GLB.
    """
    written = write_chain(levels, folder, make_body=make_body)
    write_tileset_json(written.root, folder, placement=placement, asset_extras=asset_extras or {})
    return written


def write_chain(levels: Sequence[Level], folder: Path, *, make_body: MakeBody) -> WrittenTiles:
    """The contents alone, without tileset.json."""
    if not levels:
        raise ValueError("write_tileset: want at least one level, got none")
    finest = write_content(folder, "level-0", make_body(levels[0].document, 0))
    tile = leaf_tile(finest, levels[0].geometric_error_m)
    for height, level in enumerate(levels[1:], start=1):
        content = write_content(folder, f"level-{height}", make_body(level.document, height))
        tile = parent_tile(content, level.geometric_error_m, (tile,))
    return WrittenTiles(tile)
