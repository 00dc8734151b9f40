"""KHR_texture_transform worked out: where a texture is read for a UV."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import JsonObject


def transformed_uv(uv: NDArray[Any], info: JsonObject) -> NDArray[np.float64]:
    """UV through KHR_texture_transform: scaled, turned, shifted.

    Turned as viewers do it, (c, s; -s, c): the matrix printed in the extension's text turns the other way
    (KhronosGroup/glTF #1563).
    """
    transform: dict[str, Any] = info.get("extensions", {}).get("KHR_texture_transform", {})
    wide = uv.astype(np.float64)
    if not transform:
        return wide
    scaled = wide * np.array(transform.get("scale", (1.0, 1.0)), np.float64)
    angle = float(transform.get("rotation", 0.0))
    c, s = math.cos(angle), math.sin(angle)
    turned = scaled @ np.array([[c, -s], [s, c]])
    moved: NDArray[np.float64] = turned + np.array(transform.get("offset", (0.0, 0.0)), np.float64)
    return moved
