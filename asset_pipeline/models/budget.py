"""A recipe's limits against what came out: over budget is a Problem with limit and actual, never a silent
pass.
"""

from asset_pipeline.models.measure import ModelMeasures
from asset_pipeline.models.recipes import ModelRecipe
from heritage_sites.problem import Problem


def find_over_budget(recipe: ModelRecipe, measures: ModelMeasures, size_bytes: int) -> list[Problem]:
    """One Problem per limit that does not hold; empty when all do."""
    limits = [
        ("triangles", recipe.budget.triangles, max(measures.triangles, measures.triangles_drawn)),
        ("points", recipe.budget.points, measures.points),
        ("texture pixels", recipe.budget.texture_px, measures.texture_px_max),
    ]
    if recipe.budget.bytes is not None:
        limits.append(("bytes", recipe.budget.bytes, size_bytes))
    if recipe.budget.gpu_bytes is not None:
        limits.append(("bytes of GPU memory", recipe.budget.gpu_bytes, measures.gpu_bytes))
    return [
        Problem(
            file="",
            where=recipe.name,
            message=f"over budget: at most {limit} {what} are allowed, the smallest try has {actual}.",
            advice=_ADVICE[what],
        )
        for what, limit, actual in limits
        if actual > limit
    ]


_ADVICE = {
    "triangles": "Merge or remove small parts in a 3D program, then send it again.",
    "points": "Thin the point cloud out before you send it.",
    "texture pixels": "Scale the textures (KTX2 is passed through as it is) and send it again.",
    "bytes of GPU memory": "Use fewer or smaller textures, and send it again.",
    "bytes": "Use fewer textures, animations or morph targets, and send it again.",
}
