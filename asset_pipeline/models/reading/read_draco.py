"""A bare Draco file (.drc), mesh or points, as `draco_encoder` writes it."""

from typing import Any

import DracoPy
import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.decode_draco import decode_draco
from asset_pipeline.models.reading.point_cloud import (
    PointCloud,
    document_of_points,
    drop_broken,
    shown_as_points,
)
from asset_pipeline.models.reading.surfaces import (
    PLAIN,
    Surface,
    SurfaceMaterial,
    as_float32,
    document_of,
    linear_of_srgb,
)
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

_POSITION, _NORMAL, _COLOR, _UV = range(4)  # Draco's GeometryAttribute::Type; 4 is whatever the sender likes


def read_draco(body: bytes, name: str) -> tuple[Document, list[Problem]]:
    """The model and warnings. Raises Refused for what is damaged, or larger than it can be."""
    decoded = decode_draco(memoryview(body), "", points_too=True)
    found: dict[int, NDArray[Any]] = {}
    spare = 0
    for attribute in decoded.attributes:
        kind = attribute["attribute_type"]
        if kind in found or kind not in (_POSITION, _NORMAL, _COLOR, _UV):
            spare += 1
        else:
            values = np.asarray(attribute["data"])
            found[kind] = values.reshape(len(values), -1)
    problems = []
    if spare:
        problems.append(warn(f"Attributes of the Draco file that have no meaning were left out: {spare}."))
    if _POSITION not in found or found[_POSITION].shape[1] != 3 or not len(found[_POSITION]):
        raise refuse("The Draco file holds no points.", advice="Check that the export was not empty.")
    positions = as_float32(found[_POSITION])
    normals = found.get(_NORMAL)
    normals = as_float32(normals) if normals is not None and normals.shape[1] == 3 else None
    colors = _colors(found.get(_COLOR))
    faces = np.asarray(decoded.faces) if isinstance(decoded, DracoPy.DracoMesh) else np.empty((0, 3))
    if not len(faces):
        cloud, dropped = drop_broken(PointCloud(positions, colors, normals))
        points = shown_as_points(len(cloud.positions))
        return document_of_points(cloud, name), [points, *problems, *dropped]
    surface = Surface(
        positions,
        faces.astype(np.uint32).reshape(-1, 3),
        normals,
        _flipped(found.get(_UV)),
        colors,
        PLAIN if colors is None else SurfaceMaterial(),
    )
    return document_of([surface], name), problems


def _colors(values: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """Linear, with opacity where the file has it. Whole numbers are shares of the largest they can be."""
    if values is None or values.shape[1] not in (3, 4):
        return None
    shares = values.astype(np.float64)
    if values.dtype.kind in "iu":
        shares /= np.iinfo(values.dtype).max
    shares = np.where(np.isfinite(shares), shares, 0)
    linear = linear_of_srgb(shares[:, :3])
    if values.shape[1] == 3 or (shares[:, 3] >= 1).all():
        return linear
    return np.column_stack([linear, np.clip(shares[:, 3], 0, 1)]).astype(np.float32)


def _flipped(uv: NDArray[Any] | None) -> NDArray[np.float32] | None:
    """The encoder takes OBJ and PLY, which count V from the bottom of the image; glTF does from the top."""
    if uv is None or uv.shape[1] != 2 or uv.dtype.kind != "f":
        return None
    flipped = np.where(np.isfinite(uv), uv, 0).astype(np.float32)
    flipped[:, 1] = 1 - flipped[:, 1]
    return flipped
