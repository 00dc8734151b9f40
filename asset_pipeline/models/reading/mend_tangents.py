"""Tangents for materials that need them and have no normal map of their own to take them from."""

import numpy as np

from asset_pipeline.models.document import TRIANGLES, Accessor, Array, DocumentEditor, JsonObject, copy_tree
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.references import texture_infos
from asset_pipeline.models.steps.weld import as_triangles
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

_ANISOTROPY, _CLEARCOAT = "KHR_materials_anisotropy", "KHR_materials_clearcoat"


def add_missing_tangents(editor: DocumentEditor) -> list[Problem]:
    """A material with a second normal map (clearcoat, anisotropy) but no first one needs tangents.

    Where there is nothing to compute them from (no normals, no UVs, points), a copy of the material without
    that map is used, as viewers would show it.
    """
    problems = []
    plain: dict[int, int] = {}
    materials = editor.items("materials")
    needy = {index for index, material in enumerate(materials) if _needs_tangents(material)}
    for mesh_index, mesh in enumerate(editor.items("meshes")):
        for primitive in mesh["primitives"]:
            number, attributes = primitive.get("material"), primitive["attributes"]
            if number not in needy or {"NORMAL", "TANGENT"} <= set(attributes):
                continue
            said = ""
            if _compute(editor, primitive):
                said = "its material needs tangents, which were missing; they were computed."
            elif _reads_tangents(materials[number]):
                if number not in plain:
                    plain[number] = len(materials)
                    materials.append(_without_tangent_maps(materials[number]))
                primitive["material"] = plain[number]
                said = "its material needs tangents, which cannot be computed; that map was left out here."
            if said:
                problems.append(warn(said, where=f"/meshes/{mesh_index}"))
    return problems


def _compute(editor: DocumentEditor, primitive: JsonObject) -> bool:
    if not {"POSITION", "NORMAL", "TEXCOORD_0"} <= set(primitive["attributes"]):
        return False
    geometry = as_triangles(geometry_of(editor, primitive))
    if geometry.mode != TRIANGLES or geometry.indices is None:
        return False
    tangents = _tangents(
        geometry.indices[: len(geometry.indices) // 3 * 3].reshape(-1, 3),
        *(geometry.attributes[name].as_floats() for name in ("POSITION", "NORMAL", "TEXCOORD_0")),
    )
    primitive["attributes"]["TANGENT"] = editor.add_accessor(Accessor(tangents, "VEC4"))
    return True


def _needs_tangents(material: JsonObject) -> bool:
    keys = {key for key, _, _ in texture_infos(material)}
    anisotropic = _ANISOTROPY in material.get("extensions", {})
    return "normalTexture" not in keys and (anisotropic or "clearcoatNormalTexture" in keys)


def _reads_tangents(material: JsonObject) -> bool:
    """Whether a map of the material is read along the tangents: without them it cannot be shown at all."""
    keys = {key for key, _, _ in texture_infos(material)}
    return bool(keys & {"anisotropyTexture", "clearcoatNormalTexture"})


def _without_tangent_maps(material: JsonObject) -> JsonObject:
    plain: JsonObject = copy_tree(material)
    extensions = plain["extensions"]
    extensions.get(_ANISOTROPY, {}).pop("anisotropyTexture", None)
    extensions.get(_CLEARCOAT, {}).pop("clearcoatNormalTexture", None)
    return plain


def _tangents(triangles: Array, positions: Array, normals: Array, uvs: Array) -> Array:
    """Per-vertex tangents with side, area-weighted over the triangles around a vertex."""
    p, t = positions.astype(np.float64)[triangles], uvs.astype(np.float64)[triangles]
    e1, e2, d1, d2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0], t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    area = d1[:, 0] * d2[:, 1] - d2[:, 0] * d1[:, 1]
    sign = np.sign(area)[:, None]
    along_u = (e1 * d2[:, 1:] - e2 * d1[:, 1:]) * sign
    along_v = (e2 * d1[:, :1] - e1 * d2[:, :1]) * sign
    sums = np.zeros((2, len(positions), 3))
    for corner in range(3):
        np.add.at(sums[0], triangles[:, corner], along_u)
        np.add.at(sums[1], triangles[:, corner], along_v)
    n = normals.astype(np.float64)
    tangent = sums[0] - n * (sums[0] * n).sum(axis=1, keepdims=True)
    lengths = np.sqrt((tangent**2).sum(axis=1, keepdims=True))
    helper = np.where(np.abs(n[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    fallback = np.asarray(np.cross(n, helper), np.float64)
    fallback /= np.maximum(np.sqrt((fallback**2).sum(axis=1, keepdims=True)), 1e-12)
    tangent = np.where(lengths > 1e-12, tangent / np.maximum(lengths, 1e-12), fallback)
    side = np.where((np.cross(n, tangent) * sums[1]).sum(axis=1) < 0, -1.0, 1.0)
    return np.asarray(np.concatenate([tangent, side[:, None]], axis=1), np.float32)
