"""Masters too large for the simplifier: cut in space, each cell reduced, joined, and reduced as a whole."""

from asset_pipeline.models.document import Document
from asset_pipeline.models.steps.flatten import why_not_flat
from asset_pipeline.models.steps.reduce import reduce_triangles
from asset_pipeline.models.steps.reduce_cell import join_cells, reduce_cell
from asset_pipeline.models.steps.split_space import Node, plan_split, without_cuts
from asset_pipeline.outcome import refuse

MAX_IN_ONE_PIECE = 15_000_000  # triangles; 20 million took 3.8 of the simplifier's 4 GiB
CELL_TRIANGLES = 2_000_000  # of a cell while it is reduced: 400 MiB of the simplifier's memory
LEAST_BETWEEN = 4_000_000  # triangles that are joined again
BETWEEN_RATIO = 4  # times the triangles wanted: so much is left for the pass over the whole


def reduce_in_parts(
    document: Document, *, max_triangles: int, cell_triangles: int = CELL_TRIANGLES
) -> Document:
    """At most about `max_triangles`, as a flat document, for a master of any size.

    Cells are reduced with their cut edges kept, so that nothing cracks, to a count that the simplifier takes
    in one piece; what is joined of them is then reduced as a whole. Refused for a model that cannot be cut
    (animated, instanced). The document must be welded.
    """
    reason = why_not_flat(document)
    if reason is not None:
        raise refuse(
            f"The model is too large to be reduced in one piece, and it cannot be cut because {reason}.",
            advice=f"Reduce it to {MAX_IN_ONE_PIECE:,} triangles, or send its still parts alone.",
        )
    plan = plan_split(document, max_triangles=cell_triangles)
    total = max(1, plan.elements(0, plan.leaves))
    between = min(MAX_IN_ONE_PIECE, max(LEAST_BETWEEN, BETWEEN_RATIO * max_triangles))
    cells = []
    for leaf in range(plan.leaves):
        share = max(1, plan.elements(leaf, leaf + 1) * between // total)
        cells.append(reduce_cell(plan.cell(leaf, leaf + 1), Node(leaf, leaf + 1), max_triangles=share))
    del plan
    joined = without_cuts(join_cells(cells))
    del cells
    return reduce_triangles(joined, max_triangles=max_triangles)
