"""Fewer points of a cloud, spread as evenly as before: one of each small cell stays, the most typical one.

meshoptimizer's simplifyPoints: space is cut into cells until about the wanted number is filled; of each cell
the point nearest to the cell's mean in place and colour is kept as it is. Triangles and lines are left alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import POINTS, Document
from asset_pipeline.models.geometry import Geometry, geometry_of, primitive_key, replace_geometries
from asset_pipeline.models.steps.model_parts import mesh_instances
from asset_pipeline.models.steps.simplifier_module import MAX_MEMORY_BYTES, Simplifier
from asset_pipeline.outcome import refuse

COLOUR_WEIGHT = 1.0  # a colour off by the whole range counts like a point off by one cell
PEAK_BYTES_PER_POINT = 53  # of the module's memory, its copies of positions and colours among them
PEAK_BYTES_PER_KEPT_POINT = 41


def reduce_points(document: Document, *, max_points: int) -> Document:
    """At most `max_points` points drawn, each cloud by its share; at least one of each cloud stays.

    Within the budget already: comes back as it is. Points that stay keep every attribute bit for bit, and
    their order. Raises ValueError for max_points < 1, Refused for a cloud past the simplifier's 4 GiB (about
    75 million points).
    """
    if max_points < 1:
        raise ValueError(f"reduce_points: want max_points >= 1, got {max_points}")
    clouds = _clouds_of(document)
    drawn = sum(cloud.points * cloud.instances for cloud in clouds.values())
    if drawn <= max_points:
        return document
    new: dict[tuple[object, ...], Geometry] = {}
    left, waiting = max_points, drawn
    for key, cloud in sorted(clouds.items(), key=lambda item: item[1].points * item[1].instances):
        target = max(1, left * cloud.points // max(waiting, 1))
        new[key] = _fewer(cloud.geometry, target)
        waiting -= cloud.points * cloud.instances
        left -= new[key].vertices * cloud.instances
    return replace_geometries(document, new)


def drawn_points(document: Document) -> int:
    """Points on the screen: a mesh counts once per node that shows it (once if none does)."""
    instances = mesh_instances(document)
    return sum(
        _corners(geometry_of(document, primitive)) * instances[mesh_index]
        for mesh_index, _, primitive in document.primitives()
        if primitive.get("mode") == POINTS
    )


def simplify_points(
    positions: NDArray[np.float32], colours: NDArray[np.float32] | None, *, target_points: int
) -> NDArray[np.uint32]:
    """Which points to keep, ascending, at most `target_points`.

    positions: (v, 3), finite. colours: (v, 3) in [0, 1] or None. Raises ValueError for other arrays, Refused
    past 4 GiB.
    """
    count = len(positions)
    for name, table in (("positions", positions), ("colours", colours)):
        if table is not None and (table.shape != (count, 3) or not np.isfinite(table).all()):
            raise ValueError(f"{name}: want ({count}, 3) finite numbers, got {table.shape}")
    if target_points >= count:
        return np.arange(count, dtype=np.uint32)
    needed_bytes = count * PEAK_BYTES_PER_POINT + target_points * PEAK_BYTES_PER_KEPT_POINT
    if needed_bytes > MAX_MEMORY_BYTES:
        raise refuse(
            f"this point cloud of {count:,} points is too large to be thinned in one piece.",
            advice="Split it, or thin it to about 50 million points before uploading.",
        )
    module = Simplifier()
    result_at = module.allocate(target_points * 4)
    kept = module.run(
        "meshopt_simplifyPoints",
        result_at,
        module.copy_in(np.ascontiguousarray(positions, np.float32)), count, 12,
        0 if colours is None else module.copy_in(np.ascontiguousarray(colours, np.float32)), 12,
        COLOUR_WEIGHT, target_points,
    )  # fmt: skip
    return np.sort(module.copy_out(result_at, kept, np.uint32))


@dataclass(frozen=True, slots=True, eq=False)
class _Cloud:
    geometry: Geometry
    instances: int

    @property
    def points(self) -> int:
        return _corners(self.geometry)


def _corners(geometry: Geometry) -> int:
    return geometry.vertices if geometry.indices is None else len(geometry.indices)


def _clouds_of(document: Document) -> dict[tuple[object, ...], _Cloud]:
    instances = mesh_instances(document)
    clouds: dict[tuple[object, ...], _Cloud] = {}
    for mesh_index, _, primitive in document.primitives():
        if primitive.get("mode") == POINTS and "POSITION" in primitive["attributes"]:
            key = primitive_key(primitive)
            known = clouds[key].instances if key in clouds else 0
            clouds[key] = _Cloud(geometry_of(document, primitive), known + instances[mesh_index])
    return clouds


def _fewer(geometry: Geometry, target: int) -> Geometry:
    rows = np.arange(geometry.vertices) if geometry.indices is None else np.unique(geometry.indices)
    colours = geometry.attributes.get("COLOR_0")
    kept = simplify_points(
        geometry.attributes["POSITION"].as_floats()[rows],
        None if colours is None else colours.as_floats()[rows, :3],
        target_points=target,
    )
    if not len(kept):
        kept = np.zeros(1, np.uint32)
    return geometry.take(rows[kept]).with_indices(None)
