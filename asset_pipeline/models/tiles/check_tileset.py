"""What is wrong with a tileset on disk, by rules of our own (3D Tiles 1.1, explicit tiling).

1  tileset.json is JSON of the right form; `asset.version` is one that is known
2  errors are numbers >= 0 and fall strictly on the way down; the tileset's own is at least the root's
3  the root says REPLACE or ADD
4  a transform is rigid: it turns and moves, but does not stretch or mirror
5  a volume is a box of a size, and a child's box lies in its parent's
6  every content exists below the folder, is of its kind, and is not a bare GLB in a tileset of version 1.0
7  a GLB's geometry lies in its tile's box
8  nothing else lies in the folder of contents
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np

from asset_pipeline.models.document import JsonObject
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.tiles.boxes import box_of_bounds
from asset_pipeline.models.tiles.tree import CONTENT_FOLDER, TILESET_FILE
from asset_pipeline.models.transforms import Matrix
from asset_pipeline.outcome import Refused
from heritage_sites.problem import Problem

MAX_TILESET_BYTES = 64 << 20  # 100,000 tiles; more wants implicit tiling
MAX_DEPTH = 64  # of tiles; each one halves an error, so 20 go from a galaxy to a grain
SLACK_RATIO = 1e-4  # of a box's longest side: what may stick out of it
RIGID_SLACK = 1e-6

_KINDS = {".glb": (b"glTF",), ".b3dm": (b"b3dm",), ".i3dm": (b"i3dm",), ".pnts": (b"pnts",)}
_NEEDS_VERSION_1_1 = frozenset({".glb", ".gltf"})


def check_tileset(folder: Path) -> list[Problem]:
    """Every fault found in the tileset of this folder; empty when there is none."""
    check = _Check(folder)
    check.run()
    return check.problems


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A tile as it lies in the file. to_parent: its own transform."""

    where: str
    tile: JsonObject
    depth: int
    to_parent: Matrix
    box: Matrix | None  # (4, 3): centre and half axes, in the tile's own frame


class _Check:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.version = ""
        self.named: set[str] = set()

    def run(self) -> None:
        tree = self._load()
        if tree is None:
            return
        self._check_head(tree)
        root = self._place(tree["root"], "/root", 1)
        if root.tile.get("refine") not in ("REPLACE", "ADD"):  # 3
            self._say("/root/refine", f"want REPLACE or ADD, got {root.tile.get('refine')!r}.")
        pending = [root]
        while pending:
            place = pending.pop()
            self._check_content(place)
            for child in self._children(place):
                self._check_pair(place, child)
                pending.append(child)
        self._check_nothing_else()

    def _load(self) -> JsonObject | None:  # 1
        path = self.folder / TILESET_FILE
        if not path.is_file():
            self._say("", "the file is missing.")
            return None
        if path.stat().st_size > MAX_TILESET_BYTES:
            self._say("", f"the file has more than {MAX_TILESET_BYTES} bytes.")
            return None
        try:
            tree = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            self._say("", f"the file is not JSON: {error}.")
            return None
        if not isinstance(tree, dict) or not isinstance(tree.get("root"), dict):
            self._say("", "want an object with a root tile.")
            return None
        return tree

    def _check_head(self, tree: JsonObject) -> None:
        asset = tree.get("asset")
        self.version = str(asset.get("version")) if isinstance(asset, dict) else ""
        if self.version not in ("1.0", "1.1"):
            self._say("/asset/version", f"want 1.1 or 1.0, got {self.version!r}.")
        error = self._error(tree, "")
        root_error = self._error(tree["root"], "/root")
        if error is not None and root_error is not None and error < root_error:  # 2
            self._say("/geometricError", f"{error:g} is below the root's {root_error:g}.")

    def _place(self, tile: JsonObject, where: str, depth: int) -> _Place:
        return _Place(where, tile, depth, self._transform(tile, where), self._box(tile, where))

    def _children(self, place: _Place) -> Iterator[_Place]:
        children = place.tile.get("children", [])
        if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
            self._say(f"{place.where}/children", "want a list of tiles.")
            return
        if children and place.depth == MAX_DEPTH:
            self._say(f"{place.where}/children", f"more than {MAX_DEPTH} tiles below each other.")
            return
        for number, child in enumerate(children):
            yield self._place(child, f"{place.where}/children/{number}", place.depth + 1)

    def _check_pair(self, parent: _Place, child: _Place) -> None:
        above, below = parent.tile.get("geometricError"), self._error(child.tile, child.where)
        if below is not None and _is_number(above) and not below < above:  # 2
            self._say(f"{child.where}/geometricError", f"{below:g} is not below the parent's {above:g}.")
        if parent.box is None or child.box is None:
            return
        corners = _corners(child.box) @ child.to_parent[:3, :3].T + child.to_parent[:3, 3]
        outside = _outside_m(corners, parent.box)
        if outside > SLACK_RATIO * _longest_m(parent.box):  # 5
            self._say(f"{child.where}/boundingVolume", f"the box leaves its parent's by {outside:g} m.")

    def _error(self, owner: JsonObject, where: str) -> float | None:  # 2
        error = owner.get("geometricError")
        if not _is_number(error) or error < 0:
            self._say(f"{where}/geometricError", f"want a number of 0 or more, got {error!r}.")
            return None
        return float(error)

    def _transform(self, tile: JsonObject, where: str) -> Matrix:  # 4
        numbers = tile.get("transform")
        if numbers is None:
            return np.eye(4)
        if not _are_numbers(numbers, 16):
            self._say(f"{where}/transform", "want 16 numbers.")
            return np.eye(4)
        matrix = np.array(numbers, np.float64).reshape(4, 4).T
        turn = matrix[:3, :3]
        if not np.array_equal(matrix[3], (0, 0, 0, 1)):
            self._say(f"{where}/transform", "the last row is not 0, 0, 0, 1.")
        elif not np.allclose(turn.T @ turn, np.eye(3), atol=RIGID_SLACK) or np.linalg.det(turn) < 0:
            self._say(f"{where}/transform", "it stretches or mirrors: want a turn and a shift alone.")
        return matrix

    def _box(self, tile: JsonObject, where: str) -> Matrix | None:  # 5
        volume = tile.get("boundingVolume")
        numbers = volume.get("box") if isinstance(volume, dict) else None
        if not _are_numbers(numbers, 12):
            self._say(f"{where}/boundingVolume", "want a box of 12 numbers (other volumes are not checked).")
            return None
        box = np.array(numbers, np.float64).reshape(4, 3)
        if not abs(np.linalg.det(box[1:])) > 0:
            self._say(f"{where}/boundingVolume", "the box is flat: its half axes span no volume.")
            return None
        return box

    def _check_content(self, place: _Place) -> None:  # 6
        content = place.tile.get("content")
        if content is None:
            return
        where = f"{place.where}/content/uri"
        uri = content.get("uri") if isinstance(content, dict) else None
        if not isinstance(uri, str) or not _stays_below(uri):
            self._say(where, f"want a relative path below the tileset's folder, got {uri!r}.")
            return
        path, kind = self.folder / uri, PurePosixPath(uri).suffix.lower()
        self.named.add(uri)
        if not path.is_file():
            self._say(where, f"{uri} does not exist.")
        elif kind in _NEEDS_VERSION_1_1 and self.version == "1.0":
            self._say(where, f"{uri} is a glTF, which a tileset of version 1.0 cannot hold.")
        elif not _starts_with(path, _KINDS.get(kind, ())):
            self._say(where, f"{uri} is not what its name says.")
        elif kind == ".glb":
            self._check_geometry(path, uri, place, where)

    def _check_geometry(self, path: Path, uri: str, place: _Place, where: str) -> None:  # 7
        try:
            document, _ = load_gltf(path)
        except Refused as refusal:
            self._say(where, f"{uri} cannot be read: {refusal.problems[0].message}")
            return
        bounds = measure_bounds(document)
        if bounds is None:
            self._say(where, f"{uri} shows nothing.")
        elif place.box is not None:
            shown = box_of_bounds(*bounds)
            box = np.array(shown.as_numbers()).reshape(4, 3)
            outside = _outside_m(_corners(box), place.box)
            if outside > SLACK_RATIO * _longest_m(place.box):
                self._say(where, f"{uri} leaves its tile's box by {outside:g} m.")

    def _check_nothing_else(self) -> None:  # 8
        found = sorted(path for path in (self.folder / CONTENT_FOLDER).rglob("*") if path.is_file())
        for path in found:
            name = path.relative_to(self.folder).as_posix()
            if name not in self.named:
                self._say("", f"no tile names {name}.")

    def _say(self, where: str, message: str) -> None:
        self.problems.append(Problem(TILESET_FILE, where, message))


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(values: Any, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(_is_number(value) for value in values)


def _stays_below(uri: str) -> bool:
    parts = PurePosixPath(uri).parts
    return bool(parts) and ":" not in uri and "\\" not in uri and parts[0] != "/" and ".." not in parts


def _starts_with(path: Path, magics: tuple[bytes, ...]) -> bool:
    with path.open("rb") as file:
        return file.read(4) in magics


def _corners(box: Matrix) -> Matrix:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
    corners: Matrix = box[0] + signs @ box[1:]
    return corners


def _outside_m(points: Matrix, box: Matrix) -> float:
    """How far the furthest point lies outside the box along one of its axes; 0 when all are inside."""
    shares = (points - box[0]) @ np.linalg.inv(box[1:])  # in half axes: inside is -1 to 1
    lengths = np.sqrt((box[1:] ** 2).sum(axis=1))
    return float(((np.abs(shares) - 1.0) * lengths).max(initial=0.0))


def _longest_m(box: Matrix) -> float:
    return 2 * float(np.sqrt((box[1:] ** 2).sum(axis=1)).max())
