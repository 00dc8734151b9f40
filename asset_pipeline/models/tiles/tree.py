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
from asset_pipeline.models.tiles.detail import measure_detail_m
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.write_glb import GENERATOR
from asset_pipeline.outcome import refuse

TILESET_FILE = "tileset.json"
CONTENT_FOLDER = "tiles"

ERROR_STEP = 1.25  # a coarser tile's error is at least so many times that of any tile below it
LEAST_ERROR_RATIO = 1e-6  # of the model's diagonal: a coarser tile that measured as exact
DETAIL_FACTOR = 8.0  # a viewer that allows an error of 16 px (the usual) then shows no texel above 2 px
SAME_DETAIL = 1.05  # times the children's: not coarser


@dataclass(frozen=True, slots=True)
class Content:
    """A GLB on disk. uri: from the tileset's folder. box: of what it shows. detail_m: `measure_detail_m`."""

    uri: str
    box: Box
    detail_m: float


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile with its content on disk.

    box: around the content and everything below it. deviation_m: how far this content's form lies from the
    master. geometric_error_m: what viewers go by (`parent_tile`); is_raised: to be above the children's.
    """

    content: Content
    box: Box
    deviation_m: float
    geometric_error_m: float
    children: tuple["Tile", ...] = ()
    is_raised: bool = False

    def walk(self) -> Iterator["Tile"]:
        """This tile and all below it, parents first."""
        pending = [self]
        while pending:
            tile = pending.pop()
            yield tile
            pending.extend(reversed(tile.children))


def write_content(folder: Path, name: str, body: bytes) -> Content:
    """A tile's GLB written under the folder, and measured as the *file* shows it (so with all that rounding
    on grids did). Refused when it shows nothing.
    """
    uri = f"{CONTENT_FOLDER}/{name}.glb"
    path = folder / uri
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    document, _ = load_gltf(path)
    bounds = measure_bounds(document)
    if bounds is None:
        raise refuse("The model shows nothing, so there is nothing to make tiles of.")
    return Content(uri, box_of_bounds(*bounds), measure_detail_m(document))


def leaf_tile(content: Content, deviation_m: float = 0.0) -> Tile:
    """A tile with nothing finer below it."""
    return Tile(content, content.box, deviation_m, deviation_m)


def parent_tile(content: Content, deviation_m: float, children: tuple[Tile, ...]) -> Tile:
    """A tile over finer ones: its box around theirs, its error above theirs.

    The error is the deviation of the form. Where the children's colours are finer, it is at least
    DETAIL_FACTOR times the size of a texel: viewers know no other reason to load finer tiles, and a painted
    wall that is flat would else stay blurred from near. Where it does not come out above the children's (a
    form that was as good at a quarter of the triangles), it is raised to ERROR_STEP times theirs: a viewer
    must see errors fall on the way down.
    """
    whole = union([content.box, *(child.box for child in children)])
    finest_m = min((child.content.detail_m for child in children if child.content.detail_m > 0), default=0.0)
    measured_m = deviation_m
    if finest_m > 0 and content.detail_m > finest_m * SAME_DETAIL:
        measured_m = max(measured_m, content.detail_m * DETAIL_FACTOR)
    below_m = max(child.geometric_error_m for child in children)
    least_m = max(below_m * ERROR_STEP, whole.diagonal_m * LEAST_ERROR_RATIO)
    return Tile(content, whole, deviation_m, max(measured_m, least_m), children, measured_m < least_m)


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
        description["content"] = {"uri": tile.content.uri}
        description["extras"] = {
            "deviation_m": round(tile.deviation_m, 6),
            "detail_m": round(tile.content.detail_m, 6),
        }
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
        digest.update(hashlib.sha256((folder / tile.content.uri).read_bytes()).digest())
    return digest.hexdigest()[:16]
