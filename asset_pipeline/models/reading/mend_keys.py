"""Animations with too few keys for how they say they run between them."""

from asset_pipeline.models.document import Accessor, DocumentEditor
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem


def mend_key_counts(editor: DocumentEditor) -> list[Problem]:
    """A cubic spline needs two keys; with one it stands still, and is written as STEP with that one value."""
    problems = []
    for index, animation in enumerate(editor.items("animations")):
        for place, sampler in enumerate(animation["samplers"]):
            if sampler.get("interpolation") != "CUBICSPLINE" or editor.accessors[sampler["input"]].count != 1:
                continue
            output = editor.accessors[sampler["output"]]
            values = output.count // 3  # in-tangents, values, out-tangents: as many of each
            only = Accessor(
                output.array[values : 2 * values].copy(), output.type, output.normalized, output.name
            )
            sampler["interpolation"] = "STEP"
            sampler["output"] = editor.add_accessor(only)
            problems.append(
                warn(
                    "a cubic spline had one key only; it was written as a step.",
                    where=f"/animations/{index}/samplers/{place}",
                )
            )
    return problems
