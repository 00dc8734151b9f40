"""A model for a city's digital twin: tiles of its own levels, or of its cells where it is too large."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.models.deviation import measure_document_deviation
from asset_pipeline.models.document import POINTS, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.steps.flatten import why_not_flat
from asset_pipeline.models.steps.reduce import reduce_triangles
from asset_pipeline.models.steps.reduce_points import reduce_points
from asset_pipeline.models.tiles.cells import write_cells
from asset_pipeline.models.tiles.chain import Level, MakeBody, WrittenTiles, write_chain
from asset_pipeline.models.tiles.level_error import MeasureError, level_error_m
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.tiles.tree import write_tileset_json
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

SPLIT_OVER = 2_000_000  # triangles or points; a larger model is cut into cells
LEAF_TRIANGLES = 250_000  # of a cell: a few MB, and a frame's work for a phone
LEVEL_FACTOR = 4  # a level has so many times fewer: twice as long edges
LEAST_TRIANGLES = 4_000  # of the coarsest level: tiny already
WORTH_A_LEVEL = 0.75  # of the finer level's triangles; what cannot be reduced further gets no level


@dataclass(frozen=True, slots=True)
class TwinFacts:
    """What a tileset holds. geometric_error_m: of its root tile, by which viewers go. deviation_m: how far
    the root tile's form lies from the master. bytes: of all files.
    """

    levels: int
    tiles: int
    geometric_error_m: float
    deviation_m: float
    bytes: int
    warnings: tuple[Problem, ...] = ()


def make_twin(
    document: Document,
    folder: Path,
    *,
    placement: GeoPlacement | None,
    make_body: MakeBody,
    measure_error: MeasureError | None = None,
    asset_extras: Mapping[str, Any] | None = None,
    split_over: int = SPLIT_OVER,
    leaf_triangles: int = LEAF_TRIANGLES,
    position_bits: int = 14,
) -> TwinFacts:
    """tileset.json and tiles/*.glb under an existing, empty folder, for a welded master.

    make_body: (document, height) -> GLB; height 0 is the finest level, whose textures should be the best.
    measure_error: (master, level) -> metres; by default the sampled largest deviation. asset_extras: licence,
    copyright and the like. Without a placement the tileset has no transform; the caller should warn.
    """
    measure_error = measure_error or largest_deviation_m
    elements = _elements(document)
    warnings: list[Problem] = []
    reason = why_not_flat(document) if elements > split_over else None
    if reason is not None:
        message = f"The model has {elements:,} triangles, but is not cut into cells because {reason}."
        warnings.append(warn(message, advice="Send its still parts alone to have them cut."))
    if elements > split_over and reason is None:
        written = write_cells(
            document,
            folder,
            leaf_triangles=leaf_triangles,
            position_bits=position_bits,
            make_body=make_body,
            measure_error=measure_error,
        )
    else:
        written = _write_levels(document, folder, make_body, measure_error)
    write_tileset_json(written.root, folder, placement=placement, asset_extras=asset_extras or {})
    return _facts(written, folder, warnings)


def largest_deviation_m(master: Document, level: Document) -> float:
    """The largest distance found between the two surfaces."""
    return measure_document_deviation(master, level).max_m


def _elements(document: Document) -> int:
    geometries = [geometry_of(document, primitive) for _, _, primitive in document.primitives()]
    return sum(part.vertices if part.mode == POINTS else part.triangles for part in geometries)


def _write_levels(
    document: Document, folder: Path, make_body: MakeBody, measure_error: MeasureError
) -> WrittenTiles:
    levels = [Level(document, 0.0)]
    wanted = _elements(document)
    while wanted > LEAST_TRIANGLES:
        wanted = max(wanted // LEVEL_FACTOR, 1)
        coarser = reduce_triangles(document, max_triangles=wanted)
        coarser = reduce_points(coarser, max_points=wanted)
        if _elements(coarser) > WORTH_A_LEVEL * _elements(levels[-1].document):
            break
        levels.append(Level(coarser, level_error_m(document, coarser, measure_error)))
    return write_chain(levels, folder, make_body=make_body)


def _facts(written: WrittenTiles, folder: Path, warnings: list[Problem]) -> TwinFacts:
    if written.raised:
        message = (
            f"The measured error of {written.raised} of {written.tiles} tiles did not rise towards the "
            "coarser ones; it was raised, so that viewers load finer tiles a little earlier than needed."
        )
        warnings.append(warn(message))
    deepest = max(_depths(written))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    root = written.root
    return TwinFacts(deepest, written.tiles, root.geometric_error_m, root.deviation_m, size, tuple(warnings))


def _depths(written: WrittenTiles) -> list[int]:
    depths = []
    pending = [(written.root, 1)]
    while pending:
        tile, depth = pending.pop()
        depths.append(depth)
        pending.extend((child, depth + 1) for child in tile.children)
    return depths
