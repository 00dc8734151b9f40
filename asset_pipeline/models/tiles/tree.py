"""A tree of tiles whose contents are written, and the tileset.json that names them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.models.document import JsonObject
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.tiles.boxes import Box, box_of_bounds, union
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.write_glb import GENERATOR
from asset_pipeline.outcome import refuse

TILESET_FILE = "tileset.json"
CONTENT_FOLDER = "tiles"

ERROR_STEP = 1.25  # a coarser tile's error is at least so many times that of any tile below it
LEAST_ERROR_RATIO = 1e-6  # of the model's diagonal: a coarser tile that measured as exact


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile with its content on disk.

    uri: of the content, from the tileset's folder. geometric_error_m: how far this content lies from the
    master. box: around the content and everything below it.
    """

    uri: str
    geometric_error_m: float
    box: Box
    children: tuple["Tile", ...] = ()

    def walk(self) -> Iterator["Tile"]:
        """This tile and all below it, parents first."""
        pending = [self]
        while pending:
            tile = pending.pop()
            yield tile
            pending.extend(reversed(tile.children))


def write_content(folder: Path, name: str, body: bytes) -> tuple[str, Box]:
    """A tile's GLB written under the folder: its uri, and the box of what the *file* shows (so with all that
    rounding on grids did). Refused when it shows nothing.
    """
    uri = f"{CONTENT_FOLDER}/{name}.glb"
    path = folder / uri
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    document, _ = load_gltf(path)
    bounds = measure_bounds(document)
    if bounds is None:
        raise refuse("The model shows nothing, so there is nothing to make tiles of.")
    return uri, box_of_bounds(*bounds)


def parent_tile(uri: str, measured_m: float, box: Box, children: tuple[Tile, ...]) -> Tile:
    """A tile over finer ones: its box around theirs, its error above theirs.

    Where an error does not come out above the children's (a coarser level that lies no further from the
    master, by chance or because the form is flat), it is raised to ERROR_STEP times theirs: a viewer must
    see errors fall on the way down.
    """
    whole = union([box, *(child.box for child in children)])
    below = max((child.geometric_error_m for child in children), default=0.0)
    least = max(below * ERROR_STEP, whole.diagonal_m * LEAST_ERROR_RATIO) if children else 0.0
    return Tile(uri, max(measured_m, least), whole, children)


def is_raised(tile: Tile, measured_m: float) -> bool:
    """Whether `parent_tile` had to raise the error it was given."""
    return tile.geometric_error_m > measured_m


def write_tileset_json(
    root: Tile, folder: Path, *, placement: GeoPlacement | None, asset_extras: Mapping[str, Any]
) -> Path:
    """tileset.json (3D Tiles 1.1) for contents that `write_content` wrote. REPLACE throughout; the up axis
    of the contents is glTF's own (y). Without a placement there is no transform: the model then stands at
    the centre of the Earth until someone places it.
    """
    top: JsonObject = {"boundingVolume": {}, "geometricError": 0.0, "refine": "REPLACE"}
    if placement is not None:
        top["transform"] = list(placement.ecef_transform())
    pending = [(top, root)]
    while pending:
        description, tile = pending.pop()
        description["boundingVolume"] = {"box": tile.box.as_numbers()}
        description["geometricError"] = tile.geometric_error_m
        description["content"] = {"uri": tile.uri}
        if tile.children:
            description["children"] = [{} for _ in tile.children]
            pending.extend(zip(description["children"], tile.children, strict=True))
    tree = {
        "asset": {
            "version": "1.1",
            "tilesetVersion": _digest(root, folder),
            "extras": {"generator": GENERATOR, **asset_extras},
        },
        "geometricError": _error_of_nothing(root),
        "root": top,
    }
    path = folder / TILESET_FILE
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path


def _error_of_nothing(root: Tile) -> float:
    """The error while not even the root is shown: the whole model is missing."""
    return max(root.box.diagonal_m, root.geometric_error_m * ERROR_STEP)


def _digest(root: Tile, folder: Path) -> str:
    """A version that changes with any content, so that viewers fetch again what they have cached."""
    digest = hashlib.sha256()
    for tile in root.walk():
        digest.update(hashlib.sha256((folder / tile.uri).read_bytes()).digest())
    return digest.hexdigest()[:16]
