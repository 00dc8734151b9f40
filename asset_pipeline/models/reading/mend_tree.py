"""Slips in the tree that a viewer trips over and nobody needs: mended before any data is read, each with a
warning.
"""

import math
from collections.abc import Callable

from asset_pipeline.models.document import JsonObject
from asset_pipeline.models.reading.mend_channels import mend_channels
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

_LIGHTS = "KHR_lights_punctual"
_VARIANTS = "KHR_materials_variants"
_LIGHT_TYPES = ("directional", "point", "spot")
_NARROWEST_RAD = 0.001  # an open spot light at least so wide; glTF wants the outer cone past the inner one


def mend_tree(tree: JsonObject) -> list[Problem]:
    """Change the checked tree in place; returns what was done."""
    mends: tuple[Callable[[JsonObject], list[Problem]], ...] = (
        _mend_cameras,
        _mend_lights,
        _mend_lit_nodes,
        _mend_variants,
        _mend_node_weights,
        mend_channels,
    )
    return [problem for mend in mends for problem in mend(tree)]


def _mend_cameras(tree: JsonObject) -> list[Problem]:
    problems = []
    for index, camera in enumerate(tree.get("cameras", [])):
        for other in {"perspective", "orthographic"} - {camera["type"]}:
            if camera.pop(other, None) is not None:
                message = f"the camera is {camera['type']}; what it said of {other} was removed."
                problems.append(warn(message, where=f"/cameras/{index}"))
        lens = camera.get("orthographic", {})
        for key, twin in (("xmag", "ymag"), ("ymag", "xmag")):
            if lens.get(key) == 0:
                lens[key] = lens[twin] or 1
                message = f"the camera shows nothing, its {key} is 0; {lens[key]} was used."
                problems.append(warn(message, where=f"/cameras/{index}/orthographic/{key}"))
    return problems


def _mend_lights(tree: JsonObject) -> list[Problem]:
    problems = []
    for index, light in enumerate(tree.get("extensions", {}).get(_LIGHTS, {}).get("lights", [])):
        where = f"/extensions/{_LIGHTS}/lights/{index}"
        if light["type"] != "spot":
            continue
        if "spot" not in light:
            light["spot"] = {}
            problems.append(warn("a spot light without `spot`; it got an empty one.", where=where))
        spot = light["spot"]
        outer, inner = spot.get("outerConeAngle", math.pi / 4), spot.get("innerConeAngle", 0)
        if outer <= inner:
            spot["outerConeAngle"] = max(outer, _NARROWEST_RAD)
            spot["innerConeAngle"] = 0.99 * spot["outerConeAngle"]
            message = f"a spot light's inner cone ({inner}) reaches its outer one ({outer}); it was narrowed."
            problems.append(warn(message, where=f"{where}/spot"))
    return problems


def _mend_lit_nodes(tree: JsonObject) -> list[Problem]:
    """A light of a kind that viewers do not know stays in the list, but no node shows it."""
    lights = tree.get("extensions", {}).get(_LIGHTS, {}).get("lights", [])
    problems = []
    for index, node in enumerate(tree.get("nodes", [])):
        number = node.get("extensions", {}).get(_LIGHTS, {}).get("light", -1)
        if 0 <= number < len(lights) and lights[number]["type"] not in _LIGHT_TYPES:
            _drop_extension(node, _LIGHTS)
            kind = lights[number]["type"][:40]
            message = f"its light is of an unknown type, {kind!r}; it was taken off the node."
            problems.append(warn(message, where=f"/nodes/{index}"))
    return problems


def _mend_variants(tree: JsonObject) -> list[Problem]:
    """Each variant once per primitive, and none where the model names no variants."""
    named = _VARIANTS in tree.get("extensions", {})
    problems = []
    for mesh_index, mesh in enumerate(tree.get("meshes", [])):
        for place, primitive in enumerate(mesh["primitives"]):
            found = primitive.get("extensions", {}).get(_VARIANTS)
            if found is None:
                continue
            where = f"/meshes/{mesh_index}/primitives/{place}/extensions/{_VARIANTS}"
            if not named:
                _drop_extension(primitive, _VARIANTS)
                problems.append(
                    warn("the model names no variants; the primitive's were removed.", where=where)
                )
            elif _drop_repeated(found):
                problems.append(warn("a variant had two materials; the first one was kept.", where=where))
            if not found["mappings"]:
                _drop_extension(primitive, _VARIANTS)
    return problems


def _drop_repeated(found: JsonObject) -> bool:
    seen: set[int] = set()
    repeated = False
    for mapping in found["mappings"]:
        fresh = [number for number in dict.fromkeys(mapping["variants"]) if number not in seen]
        repeated |= len(fresh) < len(mapping["variants"])
        mapping["variants"] = fresh
        seen.update(fresh)
    found["mappings"] = [mapping for mapping in found["mappings"] if mapping["variants"]]
    return repeated


def _mend_node_weights(tree: JsonObject) -> list[Problem]:
    problems = []
    for index, node in enumerate(tree.get("nodes", [])):
        if "weights" in node and "mesh" not in node:
            del node["weights"]
            message = "the node has weights but no mesh; they were removed."
            problems.append(warn(message, where=f"/nodes/{index}/weights"))
    return problems


def _drop_extension(owner: JsonObject, name: str) -> None:
    owner.get("extensions", {}).pop(name, None)
    if not owner.get("extensions", True):
        del owner["extensions"]
