"""Coordinates from a map, hundreds of kilometres from zero, brought near it before they become 32-bit.

At 5,648,349 m a 32-bit float steps by half a metre. What was taken away stands in asset.extras.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.surfaces import Floats, as_float32
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

FLOAT32_STEP_SHARE = 2.0**-24  # how far rounding to 32 bits moves a number, as a share of it
MAX_ROUNDING_SHARE = 1e-5  # of a model's size; what rounding may move without an origin being taken away
SOURCE_KEY = "halong_xr_source"  # in asset.extras

Source = Mapping[str, Any]  # what stands below SOURCE_KEY about the numbers before; empty for not moved


def localize(points: NDArray[np.float64]) -> tuple[Floats, Source, list[Problem]]:
    """Positions near zero as 32-bit floats, what was taken away, and the warning about it.

    points: (n, 3), in the file's own unit and axes; those that are not finite stay so.
    """
    origin = _far_origin(points)
    if origin is None:
        return as_float32(points), {}, []
    x, y, z = (f"{value:.12g}" for value in origin)
    told = warn(
        f"The coordinates lie far from zero; {x}, {y}, {z} was taken away from them, "
        "so that they keep their detail.",
        advice="The model's own zero is there now; asset.extras of the derivative keeps these numbers.",
    )
    return as_float32(points - origin), {"origin": [float(value) for value in origin]}, [told]


def with_source(document: Document, source: Source) -> Document:
    """The document with the source in its asset.extras, where there is one."""
    if not source:
        return document
    editor = document.edit()
    editor.json["asset"].setdefault("extras", {})[SOURCE_KEY] = dict(source)
    return editor.finish()


def _far_origin(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Whole numbers near the middle; None where 32-bit floats would move no point by more than
    MAX_ROUNDING_SHARE of the model's size. A single point, which has no size, stays where it is.
    """
    finite: NDArray[np.bool_] = np.all(np.abs(points) < 1e30, axis=1)
    usable = points if finite.all() else points[finite]
    if not len(usable):
        return None
    low, high = usable.min(axis=0), usable.max(axis=0)
    size = float((high - low).max())
    furthest = float(np.maximum(np.abs(low), np.abs(high)).max())
    if size == 0 or furthest * FLOAT32_STEP_SHARE <= size * MAX_ROUNDING_SHARE:
        return None
    return np.asarray(np.round((low + high) / 2), np.float64)
