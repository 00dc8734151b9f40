"""A scan too large for one tile: cells of the master at the leaves, each parent its children joined and
reduced, up to one tile for the whole.

One cell is worked on at a time; what stays in memory is the master, and of each level the few reduced tiles
that wait for their parent.
"""

from dataclasses import dataclass
from pathlib import Path

from asset_pipeline.models.document import Document
from asset_pipeline.models.steps.cut_textures import PictureCache, cut_textures
from asset_pipeline.models.steps.prune_materials import prune_materials
from asset_pipeline.models.steps.reduce_cell import join_cells, reduce_cell
from asset_pipeline.models.steps.split_space import Node, SplitPlan, plan_split, without_cuts
from asset_pipeline.models.tiles.chain import MakeBody, WrittenTiles
from asset_pipeline.models.tiles.level_error import MeasureError, level_error_m
from asset_pipeline.models.tiles.shared_grid import grid_step_m, put_on_grid, rounding_m
from asset_pipeline.models.tiles.tree import Tile, leaf_tile, parent_tile, write_content

MAX_MEASURED = 1_000_000  # elements of the master below a tile; past it, errors are added up


def write_cells(
    document: Document,
    folder: Path,
    *,
    leaf_triangles: int,
    position_bits: int,
    make_body: MakeBody,
    measure_error: MeasureError,
) -> WrittenTiles:
    """The contents of a tree of tiles, without tileset.json. The document must be welded and one that
    `flatten` takes. make_body gets tiles whose positions are on their grid already, and whose textures show
    little more than the tile does.
    """
    plan = plan_split(document, max_triangles=leaf_triangles)
    builder = _Builder(plan, folder, leaf_triangles, position_bits, make_body, measure_error)
    return WrittenTiles(builder.build(plan.root, "0").tile)


@dataclass(frozen=True, slots=True, eq=False)
class _Built:
    """A tile on disk, and what it shows (with CUT)."""

    tile: Tile
    cell: Document


class _Builder:
    def __init__(
        self,
        plan: SplitPlan,
        folder: Path,
        leaf_triangles: int,
        position_bits: int,
        make_body: MakeBody,
        measure_error: MeasureError,
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.leaf_triangles = leaf_triangles
        self.make_body = make_body
        self.measure_error = measure_error
        self.pictures = PictureCache()
        self.steps_m = _steps_m(plan, position_bits)

    def build(self, node: Node, name: str) -> _Built:
        """The tile of a node, and of all below it first."""
        if not node.children:
            cell = self.plan.cell(node.first, node.end)
            return _Built(leaf_tile(write_content(self.folder, name, self._body(cell, 0))), cell)
        children = [self.build(child, f"{name}-{number}") for number, child in enumerate(node.children)]
        joined = join_cells([child.cell for child in children])
        cell = reduce_cell(joined, node, max_triangles=self._target(node))
        deviation_m = self._deviation_m(node, children, joined, cell)
        deviation_m += rounding_m(self.steps_m[node.height])
        del joined
        content = write_content(self.folder, name, self._body(cell, node.height))
        return _Built(parent_tile(content, deviation_m, tuple(child.tile for child in children)), cell)

    def _target(self, node: Node) -> int:
        """As many as a leaf, but at most a quarter of the finest, or a half where there are two children."""
        return min(self.leaf_triangles, self.plan.elements(node.first, node.end) // len(node.children))

    def _deviation_m(self, node: Node, children: list[_Built], joined: Document, cell: Document) -> float:
        """Measured against the master; above MAX_MEASURED against the children, whose own error is added:
        never less than what the first way would find.
        """
        if self.plan.elements(node.first, node.end) <= MAX_MEASURED:
            master = self.plan.cell(node.first, node.end)
            return level_error_m(master, cell, self.measure_error)
        below = max(child.tile.deviation_m for child in children)
        return below + level_error_m(joined, cell, self.measure_error)

    def _body(self, cell: Document, height: int) -> bytes:
        plain = prune_materials(cut_textures(without_cuts(cell), self.pictures))
        return self.make_body(put_on_grid(plain, self.steps_m[height]), height)


def _steps_m(plan: SplitPlan, position_bits: int) -> list[float]:
    """The grid's step at each height, from the largest tile there."""
    longest = [0.0] * (plan.root.height + 1)
    pending = [plan.root]
    while pending:
        node = pending.pop()
        longest[node.height] = max(longest[node.height], plan.longest_m(node.first, node.end))
        pending.extend(node.children)
    return [grid_step_m(side, position_bits) for side in longest]
