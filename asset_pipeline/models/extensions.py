"""The glTF extensions we know, and what becomes of each: one table, printed in docs/formats/models.md too."""

from enum import StrEnum
from typing import Any, NamedTuple

from asset_pipeline.models.document import JsonObject
from asset_pipeline.outcome import Refused, warn
from heritage_sites.problem import Problem


class Fate(StrEnum):
    """What we do with an extension found in a master."""

    DECODED = "decoded"  # read, and written again in our own form
    KEPT = "kept"
    REPLACED = "replaced"  # its images are written as WebP


class Known(NamedTuple):
    """An extension and its fate."""

    fate: Fate
    note: str


KNOWN_EXTENSIONS: dict[str, Known] = {
    "KHR_draco_mesh_compression": Known(Fate.DECODED, "written again with EXT_meshopt_compression"),
    "EXT_meshopt_compression": Known(Fate.DECODED, "all modes and filters; written again"),
    "KHR_meshopt_compression": Known(
        Fate.DECODED, "all modes and filters; written as EXT_meshopt_compression"
    ),
    "KHR_mesh_quantization": Known(Fate.DECODED, "written again on our own grid"),
    "EXT_texture_webp": Known(Fate.REPLACED, "preferred over the texture's PNG or JPEG"),
    "EXT_texture_avif": Known(Fate.REPLACED, "preferred over the texture's PNG or JPEG"),
    "KHR_texture_basisu": Known(
        Fate.REPLACED, "decoded (ETC1S, UASTC); dropped where a PNG, JPEG or WebP stands beside it"
    ),
    "MSFT_texture_dds": Known(Fate.REPLACED, "only where a PNG or JPEG stands beside it; else refused"),
    "KHR_texture_transform": Known(Fate.KEPT, "composed with the UV grid"),
    "KHR_lights_punctual": Known(Fate.KEPT, ""),
    "KHR_materials_anisotropy": Known(Fate.KEPT, ""),
    "KHR_materials_clearcoat": Known(Fate.KEPT, ""),
    "KHR_materials_diffuse_transmission": Known(Fate.KEPT, ""),
    "KHR_materials_dispersion": Known(Fate.KEPT, ""),
    "KHR_materials_emissive_strength": Known(Fate.KEPT, ""),
    "KHR_materials_ior": Known(Fate.KEPT, ""),
    "KHR_materials_iridescence": Known(Fate.KEPT, ""),
    "KHR_materials_pbrSpecularGlossiness": Known(Fate.KEPT, ""),
    "KHR_materials_sheen": Known(Fate.KEPT, ""),
    "KHR_materials_specular": Known(Fate.KEPT, ""),
    "KHR_materials_transmission": Known(Fate.KEPT, ""),
    "KHR_materials_unlit": Known(Fate.KEPT, ""),
    "KHR_materials_variants": Known(Fate.KEPT, ""),
    "KHR_materials_volume": Known(Fate.KEPT, ""),
    "KHR_animation_pointer": Known(Fate.KEPT, "positions and UVs of such a model stay float"),
    "KHR_node_visibility": Known(Fate.KEPT, ""),
    "KHR_xmp_json_ld": Known(Fate.KEPT, ""),
    "EXT_mesh_gpu_instancing": Known(Fate.KEPT, "positions of instanced meshes stay float"),
}

ANYWHERE = frozenset({"KHR_xmp_json_ld"})  # may stand in any object; the others only where `schema` has them

_DATA_KEYS = frozenset(
    {"bufferView", "bufferViews", "buffer", "accessor", "accessors", "image", "images", "source"}
)


def check_required(tree: JsonObject) -> None:
    """Refused if the model cannot be shown without an extension we do not know."""
    unknown = [name for name in tree.get("extensionsRequired", []) if name not in KNOWN_EXTENSIONS]
    if unknown:
        raise Refused(
            [
                Problem(
                    file="",
                    where="/extensionsRequired",
                    message=f"the model needs the extension {name}, which is not supported.",
                    advice="Export it without this extension.",
                )
                for name in unknown
            ]
        )


def remove_unkeepable(tree: JsonObject) -> list[Problem]:
    """Take out (in place) unknown extensions that point to data we write anew; each with a warning.

    Unknown extensions that hold only their own values stay as they are.
    """
    seen: dict[str, bool] = {}  # name: does any use of it point to data?
    for owner in _extension_owners(tree):
        for name, value in owner["extensions"].items():
            if name not in KNOWN_EXTENSIONS:
                seen[name] = seen.get(name, False) or _points_to_data(value)
    doomed = sorted(name for name, points in seen.items() if points)
    for owner in list(_extension_owners(tree)):
        for name in doomed:
            owner["extensions"].pop(name, None)
        if not owner["extensions"]:
            del owner["extensions"]
    declared = list(tree.get("extensionsUsed", []))
    used = {name for owner in _extension_owners(tree) for name in owner["extensions"]}
    declared += sorted(used - set(declared))  # an undeclared extension is an error of the exporter
    declared = [name for name in declared if name not in doomed]
    required = [name for name in tree.pop("extensionsRequired", []) if name not in doomed]
    declared += [name for name in required if name not in declared]
    if required:
        tree["extensionsRequired"] = required
    if declared:
        tree["extensionsUsed"] = declared
    else:
        tree.pop("extensionsUsed", None)
    return [
        warn(
            f"the extension {name} was removed: it points to data that is written anew, "
            "and we do not know how.",
            where="/extensionsUsed",
        )
        for name in doomed
    ]


def _extension_owners(tree: JsonObject) -> list[JsonObject]:
    """Every object with an `extensions` property, extras not included."""
    owners = []
    pending: list[Any] = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(item for item in value if isinstance(item, dict | list))
        elif isinstance(value, dict):
            if isinstance(value.get("extensions"), dict):
                owners.append(value)
            pending.extend(
                child for key, child in value.items() if key != "extras" and isinstance(child, dict | list)
            )
    return owners


def _points_to_data(value: Any) -> bool:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if any(key in _DATA_KEYS or key.endswith("Accessor") for key in item):
                return True
            if "index" in item and ("texCoord" in item or "channels" in item):
                return True  # a texture: textures nothing else shows are left out, the others renumbered
            pending.extend(child for key, child in item.items() if key != "extras")
        elif isinstance(item, list):
            pending.extend(item)
    return False
