"""Random but valid glTF masters: every way of storing numbers, every kind of thing a model may hold."""

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import PIL.Image

Tree = dict[str, Any]

COMPONENT = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
TYPE = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
ALL_SMALL = [("f4", False), *((kind, norm) for kind in ("i1", "u1", "i2", "u2") for norm in (False, True))]
NAMES = ("", "chùa Một Cột", "石", "a/b", 'quote"', "😀", "name")

FACTORS: dict[str, dict[str, tuple[float, float]]] = {
    "KHR_materials_anisotropy": {"anisotropyStrength": (0, 1), "anisotropyRotation": (-3, 3)},
    "KHR_materials_clearcoat": {"clearcoatFactor": (0, 1), "clearcoatRoughnessFactor": (0, 1)},
    "KHR_materials_diffuse_transmission": {"diffuseTransmissionFactor": (0, 1)},
    "KHR_materials_dispersion": {"dispersion": (0, 5)},
    "KHR_materials_emissive_strength": {"emissiveStrength": (0, 50)},
    "KHR_materials_ior": {"ior": (1, 2)},
    "KHR_materials_iridescence": {"iridescenceFactor": (0, 1), "iridescenceIor": (1, 3)},
    "KHR_materials_sheen": {"sheenRoughnessFactor": (0, 1)},
    "KHR_materials_specular": {"specularFactor": (0, 1)},
    "KHR_materials_transmission": {"transmissionFactor": (0, 1)},
    "KHR_materials_volume": {"thicknessFactor": (0, 2), "attenuationDistance": (0.1, 9)},
}
MAPS: dict[str, tuple[str, ...]] = {
    "KHR_materials_anisotropy": ("anisotropyTexture",),
    "KHR_materials_clearcoat": ("clearcoatTexture", "clearcoatRoughnessTexture", "clearcoatNormalTexture"),
    "KHR_materials_diffuse_transmission": ("diffuseTransmissionTexture", "diffuseTransmissionColorTexture"),
    "KHR_materials_iridescence": ("iridescenceTexture", "iridescenceThicknessTexture"),
    "KHR_materials_sheen": ("sheenColorTexture", "sheenRoughnessTexture"),
    "KHR_materials_specular": ("specularTexture", "specularColorTexture"),
    "KHR_materials_transmission": ("transmissionTexture",),
    "KHR_materials_volume": ("thicknessTexture",),
}


class RandomModel:
    """One master; the same seed makes the same bytes."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tree: Tree = {"asset": {"version": "2.0"}}
        self.body = bytearray()
        self.used: set[str] = set()
        self.required: set[str] = set()
        if self.chance(0.8):
            self.add_materials()
        if self.chance(0.95):
            self.add_meshes()
        self.add_nodes()
        if self.chance(0.6):
            self.add_animations()
        self.add_odds()

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def between(self, low: float, high: float, count: int | None = None) -> Any:
        found = np.round(self.rng.uniform(low, high, count), 4)
        return float(found) if count is None else [float(value) for value in found]

    def put(self, kind: str, item: Tree) -> int:
        if self.chance(0.3):
            item["name"] = self.pick(NAMES)
        if self.chance(0.15):
            item["extras"] = self.pick([{}, {"extensions": 3}, {"uri": "x", "node": -1}, {"a": [None, "ở"]}])
        self.tree.setdefault(kind, []).append(item)
        return len(self.tree[kind]) - 1

    # Numbers

    def view(self, body: bytes, **more: Any) -> int:
        self.body += bytes(-len(self.body) % 4)
        views = self.tree.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": len(self.body), "byteLength": len(body), **more})
        self.body += body
        return len(views) - 1

    def column(
        self, values: Any, *, normalized: bool = False, bounds: bool = False, vertex: bool = True
    ) -> int:
        """An accessor: alone, padded, at an offset, or sparse over another."""
        array = np.ascontiguousarray(values)
        count, width = array.shape
        accessor: Tree = {
            "componentType": COMPONENT[array.dtype.str[1:]],
            "count": count,
            "type": TYPE[width],
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor["min"], accessor["max"] = array.min(0).tolist(), array.max(0).tolist()
        if count > 2 and self.chance(0.2):
            self.sparse(accessor, array, vertex=vertex)
        else:
            self.dense(accessor, array, vertex=vertex)
        if self.chance(0.1):
            accessor["name"] = self.pick(NAMES)
        self.tree.setdefault("accessors", []).append(accessor)
        return len(self.tree["accessors"]) - 1

    def dense(self, accessor: Tree, array: Any, *, vertex: bool) -> None:
        size = array.shape[1] * array.itemsize
        if not vertex:
            accessor["bufferView"] = self.view(array.tobytes())
            return
        stride = -(-size // 4) * 4 + 4 * int(self.rng.integers(0, 4))
        offset = 4 * int(self.rng.integers(0, 1 + (stride - size) // 4))
        rows = self.rng.integers(0, 255, (len(array), stride)).astype(np.uint8)
        rows[:, offset : offset + size] = array.view(np.uint8).reshape(len(array), size)
        accessor["bufferView"] = self.view(rows.tobytes(), byteStride=stride, target=34962)
        if offset:
            accessor["byteOffset"] = offset

    def sparse(self, accessor: Tree, array: Any, *, vertex: bool) -> None:
        count = int(self.rng.integers(1, len(array)))
        places = np.sort(self.rng.choice(len(array), count, replace=False))
        kind = self.pick(["u1", "u2", "u4"])
        if self.chance(0.6):
            base = array.copy()
            base[places] = array[0]
            self.dense(accessor, base, vertex=vertex)
        else:  # over zeros: every row is given
            places = np.arange(len(array))
        accessor["sparse"] = {
            "count": len(places),
            "indices": {
                "bufferView": self.view(places.astype(kind).tobytes()),
                "componentType": COMPONENT[kind],
            },
            "values": {"bufferView": self.view(np.ascontiguousarray(array[places]).tobytes())},
        }

    def small(self, values: Any, options: list[tuple[str, bool]]) -> tuple[Any, bool]:
        """Values of -1 to 1 in one of the formats."""
        kind, normalized = self.pick(options)
        if kind == "f4":
            return values.astype(np.float32), False
        top = np.iinfo(kind).max
        return np.rint(np.clip(values, -1 if kind[0] == "i" else 0, 1) * top).astype(kind), normalized

    # Meshes

    def add_meshes(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            targets = int(self.rng.integers(1, 4)) if self.chance(0.4) else 0
            primitives = [self.primitive(targets) for _ in range(int(self.rng.integers(1, 4)))]
            if self.chance(0.3):
                primitives.append({**primitives[0]})  # the same numbers twice
            mesh: Tree = {"primitives": primitives}
            if targets and self.chance(0.6):
                mesh["weights"] = self.between(0, 1, targets)
            self.put("meshes", mesh)

    def directions(self, count: int) -> Any:
        rows = self.rng.normal(size=(count, 3))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def primitive(self, targets: int) -> Tree:
        rng = self.rng
        count = int(self.pick([1, 3, 4, 6, 30, 200]))
        positions, normalized = self.small(rng.uniform(-1, 1, (count, 3)), [("f4", False)] * 8 + ALL_SMALL)
        if positions.dtype == np.float32:
            positions = (positions * self.pick([1e-6, 1, 1, 1e5]) + self.pick([0, 0, 1e4])).astype(np.float32)
        attributes = {"POSITION": self.column(positions, normalized=normalized, bounds=True)}
        self.quantized(positions)
        signed = [("f4", False)] * 3 + [("i1", True), ("i2", True)]
        if self.chance(0.7):
            normals, normalized = self.small(self.directions(count), signed)
            attributes["NORMAL"] = self.column(normals, normalized=normalized)
            self.quantized(normals)
            if self.chance(0.4):
                side = rng.choice([-1.0, 1.0], (count, 1))
                tangents, normalized = self.small(np.hstack([self.directions(count), side]), signed)
                attributes["TANGENT"] = self.column(tangents, normalized=normalized)
                self.quantized(tangents)
        for index in range(2):
            uvs, normalized = self.small(rng.uniform(-1, 1, (count, 2)), ALL_SMALL)
            if uvs.dtype == np.float32:
                uvs = (uvs * self.pick([1, 3, 50])).astype(np.float32)
            attributes[f"TEXCOORD_{index}"] = self.column(uvs, normalized=normalized)
            if uvs.dtype.kind == "i" or (uvs.dtype.kind == "u" and not normalized):
                self.quantized(uvs)
        whole = [("f4", False), ("u1", True), ("u2", True)]
        for index in range(int(rng.integers(0, 3))):
            colors, normalized = self.small(rng.uniform(0, 1, (count, self.pick([3, 4]))), whole)
            attributes[f"COLOR_{index}"] = self.column(colors, normalized=normalized)
        if self.chance(0.2):
            own = rng.integers(0, 99, (count, self.pick([1, 2, 3]))).astype(self.pick(["u1", "u2", "f4"]))
            attributes["_ERA"] = self.column(own)
        for index in range(self.pick([0, 0, 1, 2])):
            self.add_influences(attributes, index, count)
        primitive: Tree = {"attributes": attributes}
        self.add_indices(primitive, count)
        if targets:
            primitive["targets"] = [self.target(attributes, count) for _ in range(targets)]
        if "materials" in self.tree and self.chance(0.8):
            primitive["material"] = int(rng.integers(len(self.tree["materials"])))
            if self.chance(0.3):
                self.used.add("KHR_materials_variants")
                mapping = {"material": primitive["material"], "variants": [int(rng.integers(2))]}
                primitive["extensions"] = {"KHR_materials_variants": {"mappings": [mapping]}}
        return primitive

    def quantized(self, array: Any) -> None:
        if array.dtype != np.float32:
            self.used.add("KHR_mesh_quantization")
            self.required.add("KHR_mesh_quantization")

    def add_influences(self, attributes: Tree, index: int, count: int) -> None:
        joints = np.zeros((count, 4), self.pick(["u1", "u2"]))
        weights = np.zeros((count, 4))
        if index == 0:
            joints[:, 1] = 1
            weights[:, 0] = self.rng.integers(1, 255, count) / 255
            weights[:, 1] = 1 - weights[:, 0]
        joints[weights == 0] = 0
        stored, normalized = self.small(weights, [("f4", False), ("u1", True), ("u2", True)])
        if normalized:
            top = np.iinfo(stored.dtype).max
            stored[:, 1] = (top - stored[:, 0]) if index == 0 else 0
        attributes[f"JOINTS_{index}"] = self.column(joints)
        attributes[f"WEIGHTS_{index}"] = self.column(stored, normalized=normalized)

    def add_indices(self, primitive: Tree, count: int) -> None:
        mode = int(self.pick([0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 6]))
        if mode != 4 or self.chance(0.3):
            primitive["mode"] = mode
        if self.chance(0.7):
            corners = int(self.pick([2, 6, 12, 60])) if mode == 1 else int(self.pick([3, 6, 12, 60]))
            kind = self.pick(["u1", "u2", "u4"])
            indices = self.rng.integers(0, min(count, np.iinfo(kind).max), corners).astype(kind)
            if self.chance(0.3):
                indices[:] = indices[0]  # nothing but triangles without area
            view = self.view(indices.tobytes(), target=34963)
            accessors = self.tree["accessors"]
            accessors.append(
                {"bufferView": view, "componentType": COMPONENT[kind], "count": corners, "type": "SCALAR"}
            )
            primitive["indices"] = len(accessors) - 1

    def target(self, attributes: Tree, count: int) -> Tree:
        found: Tree = {}
        for name in ("POSITION", "NORMAL", "TANGENT"):
            if name in attributes and (name == "POSITION" or self.chance(0.5)):
                delta = self.rng.uniform(-0.3, 0.3, (count, 3)).astype(np.float32)
                if self.chance(0.2):
                    delta[:] = 0
                found[name] = self.column(delta, bounds=name == "POSITION")
        return found

    # Materials

    def picture(self) -> int:
        kind = self.pick(["PNG", "JPEG", "WEBP", "KTX2"])
        out = io.BytesIO()
        pixels = self.rng.integers(0, 255, (self.pick([1, 3, 16]), 5, self.pick([3, 4]))).astype(np.uint8)
        image = PIL.Image.fromarray(pixels)
        image.convert("RGB").save(out, "PNG" if kind == "KTX2" else kind)
        media = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "KTX2": "image/png"}[kind]
        if self.chance(0.5):
            source = {"bufferView": self.view(out.getvalue()), "mimeType": media}
        else:
            source = {"uri": f"data:{media};base64,{base64.b64encode(out.getvalue()).decode()}"}
        number = self.put("images", source)
        texture: Tree = {} if kind == "WEBP" else {"source": number}
        if kind in ("WEBP", "KTX2"):
            extension = {"WEBP": "EXT_texture_webp", "KTX2": "KHR_texture_basisu"}[kind]
            if kind == "KTX2":  # a picture we need not read, with a PNG beside it
                ktx = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(80)
                number = self.put("images", {"bufferView": self.view(ktx), "mimeType": "image/ktx2"})
            texture["extensions"] = {extension: {"source": number}}
            self.used.add(extension)
        if self.chance(0.5):
            wraps = [33071, 33648, 10497]
            sampler = {"minFilter": self.pick([9728, 9987]), "wrapS": self.pick(wraps)}
            texture["sampler"] = self.put("samplers", sampler)
        return self.put("textures", texture)

    def info(self) -> Tree:
        found: Tree = {"index": int(self.rng.integers(len(self.tree["textures"])))}
        if self.chance(0.3):
            found["texCoord"] = 1
        if self.chance(0.3):
            self.used.add("KHR_texture_transform")
            transform: Tree = {"offset": self.between(-1, 1, 2), "scale": self.between(-2, 2, 2)}
            if self.chance(0.5):
                transform["rotation"] = self.between(-3, 3)
            if self.chance(0.3):
                transform["texCoord"] = 0
            found["extensions"] = {"KHR_texture_transform": transform}
        return found

    def add_materials(self) -> None:
        for _ in range(int(self.rng.integers(1, 4))):
            self.picture()
        for _ in range(int(self.rng.integers(1, 4))):
            pbr: Tree = {"baseColorFactor": self.between(0, 1, 4), "roughnessFactor": self.between(0, 1)}
            material: Tree = {"pbrMetallicRoughness": pbr}
            for owner, key in (
                (pbr, "baseColorTexture"),
                (pbr, "metallicRoughnessTexture"),
                (material, "occlusionTexture"),
                (material, "emissiveTexture"),
            ):
                if self.chance(0.4):
                    owner[key] = self.info()
            if self.chance(0.3):
                material |= {"alphaMode": self.pick(["MASK", "BLEND"]), "doubleSided": True}
            extensions: Tree = {}
            for name in self.rng.permutation(list(FACTORS))[: int(self.rng.integers(0, 4))]:
                extensions[name] = {
                    key: self.between(low, high)
                    for key, (low, high) in FACTORS[name].items()
                    if self.chance(0.8)
                }
                for key in MAPS.get(name, ()):
                    if self.chance(0.5):
                        extensions[name][key] = self.info()
            if self.chance(0.1):
                extensions = {"KHR_materials_unlit": {}}
            if self.chance(0.1):
                extensions = {"KHR_materials_pbrSpecularGlossiness": {"diffuseTexture": self.info()}}
            needs_tangents = "anisotropyTexture" in str(extensions) or "NormalTexture" in str(extensions)
            if needs_tangents or "KHR_materials_anisotropy" in extensions or self.chance(0.5):
                material["normalTexture"] = self.info()
            if extensions:
                material["extensions"] = extensions
                self.used |= set(extensions)
            self.put("materials", material)

    # Nodes

    def add_nodes(self) -> None:
        count = int(self.rng.integers(1, 9))
        for index in range(count):
            node: Tree = {}
            if self.chance(0.3):
                matrix = np.eye(4)
                turn, _ = np.linalg.qr(self.rng.normal(size=(3, 3)))  # mirrored, half of them
                matrix[:3, :3] = turn @ np.diag(self.between(0.5, 2, 3))
                matrix[:3, 3] = self.between(-5, 5, 3)
                node["matrix"] = matrix.T.reshape(-1).tolist()
            else:
                if self.chance(0.5):
                    node["translation"] = self.between(-5, 5, 3)
                if self.chance(0.5):
                    turn = self.rng.normal(size=4)
                    node["rotation"] = (turn / np.linalg.norm(turn)).tolist()
                if self.chance(0.4):
                    node["scale"] = self.between(-2, 2, 3)
            if "meshes" in self.tree and self.chance(0.6):
                node["mesh"] = int(self.rng.integers(len(self.tree["meshes"])))
                self.dress(node)
            self.put("nodes", node)
            if index and self.chance(0.6):
                parent = self.tree["nodes"][int(self.rng.integers(index))]
                parent.setdefault("children", []).append(index)
            if self.chance(0.2):
                lens = {"yfov": 0.8, "znear": 0.1, "zfar": self.between(1, 99)}
                self.tree["nodes"][index]["camera"] = self.put(
                    "cameras", {"type": "perspective", "perspective": lens}
                )
            if self.chance(0.2):
                self.add_light(self.tree["nodes"][index])
        self.add_skin()
        nodes = self.tree["nodes"]
        children = {child for node in nodes for child in node.get("children", [])}
        roots = [index for index in range(len(nodes)) if index not in children]
        for _ in range(self.pick([0, 1, 1, 1, 2])):
            self.put("scenes", {"nodes": roots})
        if "scenes" in self.tree and self.chance(0.7):
            self.tree["scene"] = int(self.rng.integers(len(self.tree["scenes"])))

    def dress(self, node: Tree) -> None:
        targets = self.tree["meshes"][node["mesh"]]["primitives"][0].get("targets", [])
        if targets and self.chance(0.4):
            node["weights"] = self.between(0, 1, len(targets))
        extensions: Tree = {}
        if self.chance(0.15):
            shifts = self.rng.uniform(-3, 3, (4, 3)).astype(np.float32)
            attributes = {"TRANSLATION": self.column(shifts, vertex=False)}
            extensions["EXT_mesh_gpu_instancing"] = {"attributes": attributes}
        if self.chance(0.1):
            extensions["KHR_node_visibility"] = {"visible": self.chance(0.5)}
        if extensions:
            node["extensions"] = extensions
            self.used |= set(extensions)

    def add_light(self, node: Tree) -> None:
        self.used.add("KHR_lights_punctual")
        extension = self.tree.setdefault("extensions", {}).setdefault("KHR_lights_punctual", {"lights": []})
        light: Tree = {"type": self.pick(["point", "directional", "spot"]), "color": self.between(0, 1, 3)}
        if light["type"] == "spot":
            light["spot"] = self.pick([{}, {"outerConeAngle": 1.0}, {"innerConeAngle": 0.2}])
        extension["lights"].append(light)
        node.setdefault("extensions", {})["KHR_lights_punctual"] = {"light": len(extension["lights"]) - 1}

    def add_skin(self) -> None:
        bones = [
            index
            for index, mesh in enumerate(self.tree.get("meshes", []))
            if all("JOINTS_0" in primitive["attributes"] for primitive in mesh["primitives"])
        ]
        if not bones:
            return
        first = self.put("nodes", {"children": [len(self.tree["nodes"]) + 1]})
        second = self.put("nodes", {"translation": [0, 1, 0]})
        skin: Tree = {"joints": [first, second]}
        if self.chance(0.7):
            matrices = np.tile(np.eye(4, dtype=np.float32).reshape(1, 16), (2, 1))
            skin["inverseBindMatrices"] = self.column(matrices, vertex=False)
        if self.chance(0.4):
            skin["skeleton"] = first
        self.put("nodes", {"mesh": self.pick(bones), "skin": self.put("skins", skin)})

    # Animations and the rest

    def add_animations(self) -> None:
        for _ in range(int(self.rng.integers(1, 3))):
            animation: Tree = {"channels": [], "samplers": []}
            for index in self.rng.permutation(len(self.tree["nodes"]))[:4]:
                node = self.tree["nodes"][int(index)]
                targets = 0
                if "mesh" in node:
                    targets = len(self.tree["meshes"][node["mesh"]]["primitives"][0].get("targets", []))
                paths = ["weights"] * bool(targets)
                if "matrix" not in node:
                    paths += ["translation", "rotation", "scale"]
                for path in paths[: int(self.rng.integers(1, 4))]:
                    self.add_channel(animation, {"node": int(index), "path": path}, targets)
            if "materials" in self.tree and self.chance(0.15):
                self.used.add("KHR_animation_pointer")
                pointer = {"pointer": "/materials/0/pbrMetallicRoughness/roughnessFactor"}
                target = {"path": "pointer", "extensions": {"KHR_animation_pointer": pointer}}
                self.add_channel(animation, target, 1)
            if animation["channels"]:
                self.put("animations", animation)

    def add_channel(self, animation: Tree, target: Tree, targets: int) -> None:
        style = self.pick([None, "LINEAR", "STEP", "CUBICSPLINE"])
        keys = int(self.rng.integers(2 if style == "CUBICSPLINE" else 1, 6))
        times = np.sort(self.rng.choice(1000, keys, replace=False)).astype(np.float32).reshape(-1, 1) / 100
        width = {"translation": 3, "rotation": 4, "scale": 3}.get(target["path"], 1)
        rows = keys * (3 if style == "CUBICSPLINE" else 1) * (targets if width == 1 else 1)
        values = self.rng.uniform(-1, 1, (rows, width)).astype(np.float32)
        normalized = False
        if width == 4:
            values /= np.linalg.norm(values, axis=1, keepdims=True)
            if style != "CUBICSPLINE":
                values, normalized = self.small(values, [("f4", False), ("i1", True), ("i2", True)])
        sampler: Tree = {
            "input": self.column(times, bounds=True, vertex=False),
            "output": self.column(values, normalized=normalized, vertex=False),
        }
        if style:
            sampler["interpolation"] = style
        animation["samplers"].append(sampler)
        animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})

    def add_odds(self) -> None:
        if "KHR_materials_variants" in self.used:
            extensions = self.tree.setdefault("extensions", {})
            extensions["KHR_materials_variants"] = {"variants": [{"name": "đỏ"}, {"name": ""}]}
        if self.chance(0.2):
            self.used.add("KHR_materials_sheen")  # declared, perhaps without use
        if self.chance(0.2):
            self.column(np.zeros((2, 3), np.float32))  # used by nothing
        if self.chance(0.2):
            self.put("materials", {})
        if self.chance(0.2):
            self.put(
                "cameras",
                {"type": "orthographic", "orthographic": {"xmag": 1, "ymag": -1, "zfar": 2, "znear": 0}},
            )
        if self.chance(0.1):
            self.tree["extras"] = {"extensions": {"KHR_materials_unlit": 1}}
        if self.used:
            self.tree["extensionsUsed"] = sorted(self.used)
        optional = {name for name in self.used if name.startswith("KHR_materials") and self.chance(0.1)}
        if self.required | optional:
            self.tree["extensionsRequired"] = sorted(self.required | optional)

    def write(self, folder: Path) -> Path:
        """As .glb, or as .gltf with its bytes inside or beside it."""
        body = bytes(self.body)
        kind = self.pick(["glb", "data", "beside"])
        if body:
            buffer: Tree = {"byteLength": len(body)}
            if kind == "data":
                buffer["uri"] = "data:application/gltf-buffer;base64," + base64.b64encode(body).decode()
            if kind == "beside":
                name = self.pick(["a b.bin", "đình+1.bin", "100%.bin", "plain.bin"])
                (folder / name).write_bytes(body)
                buffer["uri"] = quote(name)
            self.tree["buffers"] = [buffer]
        text = json.dumps(self.tree, ensure_ascii=self.chance(0.5)).encode()
        if kind != "glb":
            (folder / "model.gltf").write_bytes(text)
            return folder / "model.gltf"
        text += b" " * (-len(text) % 4)
        body += bytes(-len(body) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        if body or self.chance(0.5):
            chunks += struct.pack("<II", len(body), 0x004E4942) + body
        (folder / "model.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
        return folder / "model.glb"
