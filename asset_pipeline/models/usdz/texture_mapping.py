"""Where a texture lies on a mesh: glTF's UV, its texture transform and V flip worked into one `st`."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import JsonObject
from asset_pipeline.models.geometry import Geometry
from asset_pipeline.models.references import texture_coordinate_set
from asset_pipeline.models.uv_transform import transformed_uv

Floats = NDArray[np.float32]


def st_of(geometry: Geometry, info: JsonObject) -> Floats | None:
    """(vertices, 2): what the texture reads, with USD's origin at the bottom left; None without that UV set.

    The transform is worked in instead of being written as UsdTransform2d, because Quick Look applies the base
    colour's transform to all textures (three.js #21852) and usdchecker's ARKit rules refuse it
    (OpenUSD #1444).
    """
    column = geometry.attributes.get(f"TEXCOORD_{texture_coordinate_set(info)}")
    if column is None:
        return None
    uv = transformed_uv(column.as_floats(), info)
    return np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)
