"""What the shape alone cannot tell: the node graph, skins, animations, and what accessors are used for.

Everything the Khronos validator calls an error and a reader would stumble over is a Problem; all of them are
reported. Data (numbers inside accessors) is looked at in `mend`.
"""

from collections.abc import Iterator

import numpy as np

from asset_pipeline.models.document import TRIANGLE_FAN, Accessor, Document, JsonObject
from asset_pipeline.models.references import texture_coordinate_set, texture_infos
from asset_pipeline.outcome import Refused, warn
from heritage_sites.problem import Problem

MAX_PROBLEMS = 50
MAX_TRIANGLES = 20_000_000  # simplifying needs about 250 bytes per vertex; 4 GiB is WebAssembly's limit
MAX_NODES = 50_000  # each costs time in every step and trial, and a phone draws hundreds at once
MAX_PRIMITIVES = 20_000

Fault = tuple[str, str]  # where, message

_FLOAT_OR_UNIT = {("f4", False), ("u1", True), ("u2", True)}
_ANY_SMALL = {
    ("f4", False), ("i1", False), ("u1", False), ("i2", False), ("u2", False),
    ("i1", True), ("u1", True), ("i2", True), ("u2", True),
}  # fmt: skip
_SIGNED = {("f4", False), ("i1", True), ("i2", True)}
_ATTRIBUTE_FORMATS: dict[str, tuple[tuple[str, ...], set[tuple[str, bool]]]] = {
    "POSITION": (("VEC3",), _ANY_SMALL),
    "NORMAL": (("VEC3",), _SIGNED),
    "TANGENT": (("VEC4",), _SIGNED),
    "TEXCOORD": (("VEC2",), _ANY_SMALL),
    "COLOR": (("VEC3", "VEC4"), _FLOAT_OR_UNIT),
    "JOINTS": (("VEC4",), {("u1", False), ("u2", False)}),
    "WEIGHTS": (("VEC4",), _FLOAT_OR_UNIT),
}
_TARGET_FORMATS: dict[str, tuple[tuple[str, ...], set[tuple[str, bool]]]] = {
    "POSITION": (("VEC3",), _ANY_SMALL - {("u1", False), ("u2", False), ("u1", True), ("u2", True)}),
    "NORMAL": (("VEC3",), _SIGNED),
    "TANGENT": (("VEC3",), _SIGNED),
    "TEXCOORD": (("VEC2",), _ANY_SMALL),
    "COLOR": (("VEC3", "VEC4"), _ANY_SMALL),
}
_OUTPUT_TYPES = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "weights": "SCALAR"}


def check_gltf(document: Document) -> list[Problem]:
    """Warnings about what is odd but harmless. Refused with every fault found (up to MAX_PROBLEMS)."""
    faults: list[Fault] = []
    for check in (
        _node_faults,
        _camera_faults,
        _mesh_faults,
        _skin_faults,
        _animation_faults,
        _texture_faults,
        _variant_faults,
    ):
        for fault in check(document):
            if len(faults) < MAX_PROBLEMS:
                faults.append(fault)
        if faults and check is _node_faults:
            break  # the later checks walk the graph
    if faults:
        raise Refused([Problem(file="", where=where, message=message) for where, message in faults])
    return _oddities(document)


def _node_faults(document: Document) -> Iterator[Fault]:
    nodes = document.items("nodes")
    if len(nodes) > MAX_NODES:
        yield (
            "/nodes",
            f"there are {len(nodes)} nodes; at most {MAX_NODES} are read. Join those that stand still.",
        )
        return
    parents = np.full(len(nodes), -1)
    for index, node in enumerate(nodes):
        if "matrix" in node and any(key in node for key in ("translation", "rotation", "scale")):
            yield f"/nodes/{index}", "the node has both a matrix and translation, rotation or scale."
        if "skin" in node and "mesh" not in node:
            yield f"/nodes/{index}/skin", "the node has a skin but no mesh."
        for child in node.get("children", []):
            if parents[child] >= 0:
                yield f"/nodes/{index}/children", f"node {child} is a child of two nodes."
            parents[child] = index
    reached = np.zeros(len(nodes), bool)
    pending = [index for index in range(len(nodes)) if parents[index] < 0]
    while pending:
        index = pending.pop()
        if not reached[index]:
            reached[index] = True
            pending.extend(nodes[index].get("children", []))
    if not reached.all():
        yield f"/nodes/{int(np.argmin(reached))}", "the node is its own descendant (the nodes form a loop)."
    for index, scene in enumerate(document.items("scenes")):
        for child in scene.get("nodes", []):
            if parents[child] >= 0:
                yield f"/scenes/{index}/nodes", f"node {child} is not a root node."
    lights = document.json.get("extensions", {}).get("KHR_lights_punctual", {}).get("lights", [])
    for index, node in enumerate(nodes):
        light = node.get("extensions", {}).get("KHR_lights_punctual", {}).get("light", -1)
        if light >= len(lights):
            yield (
                f"/nodes/{index}/extensions/KHR_lights_punctual",
                f"points to light {light} of {len(lights)}.",
            )


def _camera_faults(document: Document) -> Iterator[Fault]:
    for index, camera in enumerate(document.items("cameras")):
        lens = camera.get(camera["type"])
        if lens is None:
            yield f"/cameras/{index}", f"the camera is {camera['type']} but has no such property."
        elif lens.get("zfar", np.inf) <= lens["znear"]:
            yield f"/cameras/{index}", "the camera's zfar is not beyond its znear."


def _mesh_faults(document: Document) -> Iterator[Fault]:
    primitives = sum(1 for _ in document.primitives())
    if primitives > MAX_PRIMITIVES:
        many = f"the meshes have {primitives} primitives; at most {MAX_PRIMITIVES} are read."
        yield "/meshes", f"{many} Join those of one material."
        return
    triangles = 0
    for mesh_index, mesh in enumerate(document.items("meshes")):
        counts = {len(primitive.get("targets", [])) for primitive in mesh["primitives"]}
        if len(counts) > 1:
            yield f"/meshes/{mesh_index}", "its primitives have different numbers of morph targets."
        if "weights" in mesh and counts and len(mesh["weights"]) != max(counts):
            yield f"/meshes/{mesh_index}/weights", f"want {max(counts)} weights, got {len(mesh['weights'])}."
        for primitive_index, primitive in enumerate(mesh["primitives"]):
            where = f"/meshes/{mesh_index}/primitives/{primitive_index}"
            yield from _primitive_faults(document, primitive, where)
            triangles += _corner_count(document, primitive) // 3
    if triangles > MAX_TRIANGLES:
        yield "/meshes", f"the model has more than {MAX_TRIANGLES} triangles."
    for index, node in enumerate(document.items("nodes")):
        if "mesh" in node and "weights" in node:
            targets = len(document.items("meshes")[node["mesh"]]["primitives"][0].get("targets", []))
            if len(node["weights"]) != targets:
                yield f"/nodes/{index}/weights", f"want {targets} weights, got {len(node['weights'])}."


def _corner_count(document: Document, primitive: JsonObject) -> int:
    if "indices" in primitive:
        return document.accessors[primitive["indices"]].count
    return max((document.accessors[number].count for number in primitive["attributes"].values()), default=0)


def _primitive_faults(document: Document, primitive: JsonObject, where: str) -> Iterator[Fault]:
    attributes: dict[str, int] = primitive["attributes"]
    accessors = document.accessors
    counts = {accessors[number].count for number in attributes.values()}
    if len(counts) > 1:
        yield f"{where}/attributes", f"its attributes have different lengths: {sorted(counts)}."
    for name, number in attributes.items():
        fault = _format_fault(name, accessors[number], _ATTRIBUTE_FORMATS)
        if fault:
            yield f"{where}/attributes/{name}", fault
    for kind in ("TEXCOORD", "COLOR", "JOINTS", "WEIGHTS"):
        sets = sorted(name for name in attributes if name.startswith(f"{kind}_"))
        wanted = sorted(f"{kind}_{index}" for index in range(len(sets)))
        if sets != wanted:
            yield f"{where}/attributes", f"want {', '.join(wanted)}, got {', '.join(sets)}."
    joints = sum(name.startswith("JOINTS_") for name in attributes)
    if joints != sum(name.startswith("WEIGHTS_") for name in attributes):
        yield f"{where}/attributes", "JOINTS and WEIGHTS do not come in pairs."
    if "indices" in primitive:
        yield from _index_faults(accessors[primitive["indices"]], max(counts, default=0), f"{where}/indices")
    for index, target in enumerate(primitive.get("targets", [])):
        for name, number in target.items():
            place = f"{where}/targets/{index}/{name}"
            if name not in attributes and not name.startswith("_"):
                yield place, f"morphs {name}, which the primitive does not have."
            elif {accessors[number].count} != counts:
                yield place, f"has {accessors[number].count} elements, the primitive {max(counts)} vertices."
            fault = _format_fault(name, accessors[number], _TARGET_FORMATS)
            if fault:
                yield place, fault
    if primitive.get("mode", 4) > TRIANGLE_FAN:
        yield f"{where}/mode", "unknown mode."


def _format_fault(
    name: str, accessor: Accessor, formats: dict[str, tuple[tuple[str, ...], set[tuple[str, bool]]]]
) -> str | None:
    if name.startswith("_"):
        return (
            "custom attributes of 32-bit whole numbers are not allowed."
            if accessor.array.dtype == np.uint32
            else None
        )
    kind = name.split("_")[0]
    if kind not in formats or (kind in ("POSITION", "NORMAL", "TANGENT")) != (name == kind):
        return "unknown attribute; names of own attributes begin with an underscore."
    types, components = formats[kind]
    if accessor.type not in types or (accessor.array.dtype.str[1:], accessor.normalized) not in components:
        state = "normalized " if accessor.normalized else ""
        return f"{kind} cannot be {accessor.type} of {state}{accessor.array.dtype}."
    return None


def _index_faults(accessor: Accessor, vertices: int, where: str) -> Iterator[Fault]:
    if accessor.type != "SCALAR" or accessor.array.dtype.kind != "u" or accessor.normalized:
        yield where, f"indices cannot be {accessor.type} of {accessor.array.dtype}."
        return
    highest = int(accessor.array.max(initial=0))
    if highest == np.iinfo(accessor.array.dtype).max:
        yield where, f"holds {highest}, which glTF keeps free: it would restart the drawing."
    elif highest >= vertices:
        yield where, f"points to vertex {highest}, but there are {vertices} vertices."


def _skin_faults(document: Document) -> Iterator[Fault]:
    nodes = document.items("nodes")
    parents = {child: index for index, node in enumerate(nodes) for child in node.get("children", [])}
    roots = _roots(parents, len(nodes))
    for index, skin in enumerate(document.items("skins")):
        where = f"/skins/{index}"
        if len({roots[joint] for joint in skin["joints"]}) > 1:
            yield f"{where}/joints", "the joints have no common root node."
        if "inverseBindMatrices" in skin:
            accessor = document.accessors[skin["inverseBindMatrices"]]
            if accessor.type != "MAT4" or accessor.array.dtype != np.float32:
                yield f"{where}/inverseBindMatrices", "want 4x4 float matrices."
            elif accessor.count < len(skin["joints"]):
                yield (
                    f"{where}/inverseBindMatrices",
                    f"{accessor.count} matrices for {len(skin['joints'])} joints.",
                )
            elif not np.isfinite(accessor.array).all():
                yield f"{where}/inverseBindMatrices", "a matrix holds a number that is not finite."
    for index, node in enumerate(nodes):
        if "skin" not in node:
            continue
        joints = len(document.items("skins")[node["skin"]]["joints"])
        for primitive in document.items("meshes")[node["mesh"]]["primitives"]:
            if "JOINTS_0" not in primitive["attributes"]:
                yield f"/nodes/{index}/skin", "its mesh has a primitive without JOINTS_0 and WEIGHTS_0."
            for name, number in primitive["attributes"].items():
                if (
                    name.startswith("JOINTS_")
                    and int(document.accessors[number].array.max(initial=0)) >= joints
                ):
                    yield f"/nodes/{index}/skin", f"{name} points past the skin's {joints} joints."


def _roots(parents: dict[int, int], count: int) -> list[int]:
    roots = [-1] * count
    for start in range(count):
        path, index = [], start
        while roots[index] < 0 and index in parents:
            path.append(index)
            index = parents[index]
        root = roots[index] if roots[index] >= 0 else index
        roots[index] = root
        for passed in path:
            roots[passed] = root
    return roots


def _animation_faults(document: Document) -> Iterator[Fault]:
    for index, animation in enumerate(document.items("animations")):
        where = f"/animations/{index}"
        targets: set[tuple[int, str]] = set()
        for place, channel in enumerate(animation["channels"]):
            yield from _channel_faults(document, animation, channel, f"{where}/channels/{place}")
            target = channel["target"]
            if "node" in target:
                if (target["node"], target["path"]) in targets:
                    yield f"{where}/channels/{place}", "a second channel drives the same property."
                targets.add((target["node"], target["path"]))
        for place, sampler in enumerate(animation["samplers"]):
            times = document.accessors[sampler["input"]]
            at = f"{where}/samplers/{place}/input"
            if times.type != "SCALAR" or times.array.dtype != np.float32:
                yield at, "key times must be float numbers."
            elif (
                not np.isfinite(times.array).all()
                or times.array.min() < 0
                or np.any(np.diff(times.array[:, 0]) <= 0)
            ):
                yield at, "key times must be rising and not negative."
            if not np.isfinite(document.accessors[sampler["output"]].as_floats()).all():
                yield f"{where}/samplers/{place}/output", "a value is not a finite number."


def _channel_faults(
    document: Document, animation: JsonObject, channel: JsonObject, where: str
) -> Iterator[Fault]:
    if channel["sampler"] >= len(animation["samplers"]):
        yield f"{where}/sampler", f"points to sampler {channel['sampler']} of {len(animation['samplers'])}."
        return
    sampler, target = animation["samplers"][channel["sampler"]], channel["target"]
    path = target["path"]
    if path == "pointer":
        if "KHR_animation_pointer" not in target.get("extensions", {}):
            yield f"{where}/target", "the path is a pointer, but KHR_animation_pointer is missing."
        return
    if "node" not in target:
        return
    keys, output = document.accessors[sampler["input"]].count, document.accessors[sampler["output"]]
    if output.type != _OUTPUT_TYPES[path]:
        yield f"{where}/target/path", f"{path} cannot be driven by {output.type}."
        return
    per_key = 3 if sampler.get("interpolation") == "CUBICSPLINE" else 1
    if path == "weights":
        node = document.items("nodes")[target["node"]]
        if "mesh" not in node:
            yield f"{where}/target", "weights of a node without a mesh."
            return
        targets = len(document.items("meshes")[node["mesh"]]["primitives"][0].get("targets", []))
        if targets == 0:
            yield f"{where}/target", "weights of a mesh without morph targets."
        per_key *= targets
    if output.count != keys * per_key:
        yield f"{where}/sampler", f"want {keys * per_key} values for {keys} key times, got {output.count}."


def _texture_faults(document: Document) -> Iterator[Fault]:
    """Materials that read UVs which the primitive does not have."""
    needed = []
    for material in document.items("materials"):
        infos = [(info, where) for _, info, where in texture_infos(material)]
        needed.append([(texture_coordinate_set(info), where) for info, where in infos])
    for mesh_index, primitive_index, primitive in document.primitives():
        where = f"/meshes/{mesh_index}/primitives/{primitive_index}/material"
        mappings = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", [])
        used = {primitive.get("material"), *(mapping["material"] for mapping in mappings)} - {None}
        for material_index in sorted(used):
            for uv_set, texture in needed[material_index]:
                if f"TEXCOORD_{uv_set}" not in primitive["attributes"]:
                    yield (
                        where,
                        f"material {material_index}'s {texture[1:]} needs TEXCOORD_{uv_set}, "
                        "which is missing.",
                    )


def _variant_faults(document: Document) -> Iterator[Fault]:
    known = document.json.get("extensions", {}).get("KHR_materials_variants", {}).get("variants", [])
    for mesh_index, primitive_index, primitive in document.primitives():
        mappings = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", [])
        highest = max((number for mapping in mappings for number in mapping["variants"]), default=-1)
        if highest >= len(known):
            where = f"/meshes/{mesh_index}/primitives/{primitive_index}/extensions/KHR_materials_variants"
            yield where, f"points to variant {highest} of {len(known)}."


def _oddities(document: Document) -> list[Problem]:
    problems = []
    used = {node["mesh"] for node in document.items("nodes") if "mesh" in node}
    unused = len(document.items("meshes")) - len(used)
    if unused and document.items("scenes"):
        problems.append(
            warn(f"{unused} of the meshes stand in no scene and will not be seen.", where="/meshes")
        )
    return problems
