"""Where a glTF tree points to accessors, images and textures: one list of places, used by every step that
renumbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asset_pipeline.models.document import JsonObject

TEXTURE_SOURCE_EXTENSIONS = ("EXT_texture_webp", "EXT_texture_avif", "KHR_texture_basisu", "MSFT_texture_dds")


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A number in the tree: owner[key] is an index into one of the lists."""

    owner: Any
    key: Any
    where: str

    @property
    def index(self) -> int:
        """The index that stands there."""
        return int(self.owner[self.key])

    def put(self, index: int) -> None:
        """Write another index there."""
        self.owner[self.key] = index


def accessor_places(tree: JsonObject) -> Iterator[Place]:
    """Every place that points to an accessor."""
    for mesh_index, mesh in enumerate(tree.get("meshes", [])):
        for primitive_index, primitive in enumerate(mesh["primitives"]):
            where = f"/meshes/{mesh_index}/primitives/{primitive_index}"
            yield from primitive_places(primitive, where)
    for index, animation in enumerate(tree.get("animations", [])):
        for place, sampler in enumerate(animation["samplers"]):
            where = f"/animations/{index}/samplers/{place}"
            yield Place(sampler, "input", f"{where}/input")
            yield Place(sampler, "output", f"{where}/output")
    for index, skin in enumerate(tree.get("skins", [])):
        if "inverseBindMatrices" in skin:
            yield Place(skin, "inverseBindMatrices", f"/skins/{index}/inverseBindMatrices")
    for index, node in enumerate(tree.get("nodes", [])):
        instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
        for name in instancing:
            yield Place(
                instancing, name, f"/nodes/{index}/extensions/EXT_mesh_gpu_instancing/attributes/{name}"
            )


def primitive_places(primitive: JsonObject, where: str = "") -> Iterator[Place]:
    """The places of one primitive that point to accessors."""
    if "indices" in primitive:
        yield Place(primitive, "indices", f"{where}/indices")
    for name in primitive["attributes"]:
        yield Place(primitive["attributes"], name, f"{where}/attributes/{name}")
    for target_index, target in enumerate(primitive.get("targets", [])):
        for name in target:
            yield Place(target, name, f"{where}/targets/{target_index}/{name}")


def image_places(tree: JsonObject) -> Iterator[Place]:
    """Every place that points to an image."""
    for index, texture in enumerate(tree.get("textures", [])):
        if "source" in texture:
            yield Place(texture, "source", f"/textures/{index}/source")
        for name in TEXTURE_SOURCE_EXTENSIONS:
            source = texture.get("extensions", {}).get(name)
            if source is not None and "source" in source:
                yield Place(source, "source", f"/textures/{index}/extensions/{name}/source")


def texture_infos(value: Any, where: str = "") -> Iterator[tuple[str, JsonObject, str]]:
    """(key, textureInfo, where) for every texture reference below a material, extensions and all."""
    if isinstance(value, list):
        for index, child in enumerate(value):
            yield from texture_infos(child, f"{where}/{index}")
    if not isinstance(value, dict):
        return
    for key, child in value.items():
        if key == "extras":
            continue
        if (
            key.lower().endswith("texture")
            and isinstance(child, dict)
            and isinstance(child.get("index"), int)
        ):
            yield key, child, f"{where}/{key}"
        yield from texture_infos(child, f"{where}/{key}")


def texture_coordinate_set(info: JsonObject) -> int:
    """The UV set a textureInfo reads, KHR_texture_transform's own choice included."""
    transform = info.get("extensions", {}).get("KHR_texture_transform", {})
    return int(transform.get("texCoord", info.get("texCoord", 0)))
