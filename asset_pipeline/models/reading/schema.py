"""What glTF 2.0 says about each property, as a table: the shape that `check_shape` walks.

Only what a reader relies on: required properties, types, ranges, and what each index points to. Properties
that are not in the table (extras, newer extensions) are left as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number."""

    at_least: int = 0
    at_most: int = 2**53


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number; outside its range it is moved to the nearest end, with a warning."""

    at_least: float = -3.4028234663852886e38
    at_most: float = 3.4028234663852886e38
    or_zero: bool = False  # 0 has a meaning of its own, apart from the range


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values. With a default, others are taken out with a warning."""

    values: tuple[int | str, ...]
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Index:
    """A place in one of the top-level lists."""

    list_name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list; `length` if it must have exactly so many items."""

    item: "Shape"
    length: int | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose every value has one shape."""

    value: "Shape"
    may_be_empty: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """An object with known properties."""

    properties: Mapping[str, "Shape"]
    required: tuple[str, ...] = ()
    extensions: Mapping[str, "Shape"] = field(default_factory=dict)


Shape = Whole | Number | OneOf | Text | Flag | Index | ListOf | MapOf | Object

UNIT = Number(0, 1)
POSITIVE = Number(0)
RGB = ListOf(UNIT, 3)
RGBA = ListOf(UNIT, 4)
VECTOR3 = ListOf(Number(), 3)

TEXTURE_TRANSFORM = Object(
    {
        "offset": ListOf(Number(), 2),
        "rotation": Number(),
        "scale": ListOf(Number(), 2),
        "texCoord": Whole(at_most=99),
    }
)
TEXTURE_INFO = Object(
    {
        "index": Index("textures"),
        "texCoord": Whole(at_most=99),
        "scale": Number(),
        "strength": UNIT,
    },
    required=("index",),
    extensions={"KHR_texture_transform": TEXTURE_TRANSFORM},
)

MATERIAL_EXTENSIONS: dict[str, Shape] = {
    "KHR_materials_anisotropy": Object(
        {"anisotropyStrength": UNIT, "anisotropyRotation": Number(), "anisotropyTexture": TEXTURE_INFO}
    ),
    "KHR_materials_clearcoat": Object(
        {
            "clearcoatFactor": UNIT,
            "clearcoatTexture": TEXTURE_INFO,
            "clearcoatRoughnessFactor": UNIT,
            "clearcoatRoughnessTexture": TEXTURE_INFO,
            "clearcoatNormalTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_diffuse_transmission": Object(
        {
            "diffuseTransmissionFactor": UNIT,
            "diffuseTransmissionTexture": TEXTURE_INFO,
            "diffuseTransmissionColorFactor": ListOf(POSITIVE, 3),
            "diffuseTransmissionColorTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_dispersion": Object({"dispersion": POSITIVE}),
    "KHR_materials_emissive_strength": Object({"emissiveStrength": POSITIVE}),
    "KHR_materials_ior": Object({"ior": Number(1, or_zero=True)}),
    "KHR_materials_iridescence": Object(
        {
            "iridescenceFactor": UNIT,
            "iridescenceTexture": TEXTURE_INFO,
            "iridescenceIor": Number(1),
            "iridescenceThicknessMinimum": POSITIVE,
            "iridescenceThicknessMaximum": POSITIVE,
            "iridescenceThicknessTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_pbrSpecularGlossiness": Object(
        {
            "diffuseFactor": RGBA,
            "diffuseTexture": TEXTURE_INFO,
            "specularFactor": RGB,
            "glossinessFactor": UNIT,
            "specularGlossinessTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_sheen": Object(
        {
            "sheenColorFactor": RGB,
            "sheenColorTexture": TEXTURE_INFO,
            "sheenRoughnessFactor": UNIT,
            "sheenRoughnessTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_specular": Object(
        {
            "specularFactor": UNIT,
            "specularTexture": TEXTURE_INFO,
            "specularColorFactor": ListOf(POSITIVE, 3),
            "specularColorTexture": TEXTURE_INFO,
        }
    ),
    "KHR_materials_transmission": Object({"transmissionFactor": UNIT, "transmissionTexture": TEXTURE_INFO}),
    "KHR_materials_unlit": Object({}),
    "KHR_materials_volume": Object(
        {
            "thicknessFactor": POSITIVE,
            "thicknessTexture": TEXTURE_INFO,
            "attenuationDistance": Number(1e-30),
            "attenuationColor": RGB,
        }
    ),
}

ACCESSOR = Object(
    {
        "bufferView": Index("bufferViews"),
        "byteOffset": Whole(),
        "componentType": OneOf((5120, 5121, 5122, 5123, 5125, 5126)),
        "normalized": Flag(),
        "count": Whole(1),
        "type": Text(),  # looked at when read: one that nothing uses may be of any type
        "sparse": Object(
            {
                "count": Whole(1),
                "indices": Object(
                    {
                        "bufferView": Index("bufferViews"),
                        "byteOffset": Whole(),
                        "componentType": OneOf((5121, 5123, 5125)),
                    },
                    required=("bufferView", "componentType"),
                ),
                "values": Object(
                    {"bufferView": Index("bufferViews"), "byteOffset": Whole()}, required=("bufferView",)
                ),
            },
            required=("count", "indices", "values"),
        ),
        "name": Text(),
    },
    required=("componentType", "count", "type"),
)

MESHOPT_VIEW = Object(
    {
        "buffer": Index("buffers"),
        "byteOffset": Whole(),
        "byteLength": Whole(1),
        "byteStride": Whole(1, 256),
        "count": Whole(0, 2**32 - 1),
        "mode": OneOf(("ATTRIBUTES", "TRIANGLES", "INDICES")),
        "filter": OneOf(("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL", "COLOR")),
    },
    required=("buffer", "byteLength", "byteStride", "count", "mode"),
)
MESHOPT_BUFFER = Object({"fallback": Flag()})

ATTRIBUTES = MapOf(Index("accessors"))
COLUMNS = MapOf(Index("accessors"), may_be_empty=False)
PRIMITIVE = Object(
    {
        "attributes": COLUMNS,
        "indices": Index("accessors"),
        "material": Index("materials"),
        "mode": Whole(0, 6),
        "targets": ListOf(COLUMNS),
    },
    required=("attributes",),
    extensions={
        "KHR_draco_mesh_compression": Object(
            {"bufferView": Index("bufferViews"), "attributes": MapOf(Whole(at_most=2**31))},
            required=("bufferView", "attributes"),
        ),
        "KHR_materials_variants": Object(
            {
                "mappings": ListOf(
                    Object(
                        {"variants": ListOf(Whole()), "material": Index("materials")},
                        required=("variants", "material"),
                    )
                )
            },
            required=("mappings",),
        ),
    },
)

MATERIAL = Object(
    {
        "name": Text(),
        "pbrMetallicRoughness": Object(
            {
                "baseColorFactor": RGBA,
                "baseColorTexture": TEXTURE_INFO,
                "metallicFactor": UNIT,
                "roughnessFactor": UNIT,
                "metallicRoughnessTexture": TEXTURE_INFO,
            }
        ),
        "normalTexture": TEXTURE_INFO,
        "occlusionTexture": TEXTURE_INFO,
        "emissiveTexture": TEXTURE_INFO,
        "emissiveFactor": RGB,
        "alphaMode": OneOf(("OPAQUE", "MASK", "BLEND"), has_default=True),
        "alphaCutoff": POSITIVE,
        "doubleSided": Flag(),
    },
    extensions=MATERIAL_EXTENSIONS,
)

NODE = Object(
    {
        "name": Text(),
        "camera": Index("cameras"),
        "children": ListOf(Index("nodes"), unique=True),
        "skin": Index("skins"),
        "mesh": Index("meshes"),
        "matrix": ListOf(Number(), 16),
        "rotation": ListOf(Number(-1, 1), 4),
        "scale": VECTOR3,
        "translation": VECTOR3,
        "weights": ListOf(Number()),
    },
    extensions={
        "EXT_mesh_gpu_instancing": Object({"attributes": ATTRIBUTES}, required=("attributes",)),
        "KHR_lights_punctual": Object({"light": Whole()}, required=("light",)),
        "KHR_node_visibility": Object({"visible": Flag()}),
    },
)

ANIMATION = Object(
    {
        "name": Text(),
        "channels": ListOf(
            Object(
                {
                    "sampler": Whole(),
                    "target": Object(
                        {
                            "node": Index("nodes"),
                            "path": Text(),  # channels of unknown paths are dropped in mend_animations
                        },
                        required=("path",),
                        extensions={
                            "KHR_animation_pointer": Object({"pointer": Text()}, required=("pointer",))
                        },
                    ),
                },
                required=("sampler", "target"),
            )
        ),
        "samplers": ListOf(
            Object(
                {
                    "input": Index("accessors"),
                    "output": Index("accessors"),
                    "interpolation": OneOf(("LINEAR", "STEP", "CUBICSPLINE"), has_default=True),
                },
                required=("input", "output"),
            )
        ),
    },
    required=("channels", "samplers"),
)

IMAGE_SOURCE = Object({"source": Index("images")})
TEXTURE = Object(
    {"name": Text(), "sampler": Index("samplers"), "source": Index("images")},
    extensions={
        "EXT_texture_webp": IMAGE_SOURCE,
        "EXT_texture_avif": IMAGE_SOURCE,
        "KHR_texture_basisu": IMAGE_SOURCE,
        "MSFT_texture_dds": IMAGE_SOURCE,
    },
)

CAMERA = Object(
    {
        "name": Text(),
        "type": OneOf(("perspective", "orthographic")),
        "perspective": Object(
            {"aspectRatio": Number(1e-6), "yfov": Number(1e-6), "zfar": Number(1e-6), "znear": Number(1e-6)},
            required=("yfov", "znear"),
        ),
        "orthographic": Object(
            {"xmag": Number(), "ymag": Number(), "zfar": Number(1e-6), "znear": POSITIVE},
            required=("xmag", "ymag", "zfar", "znear"),
        ),
    },
    required=("type",),
)

LIGHT = Object(
    {
        "name": Text(),
        "color": RGB,
        "intensity": POSITIVE,
        "type": Text(),  # unknown ones are taken off their nodes in mend_lights
        "range": Number(1e-30),
        "spot": Object(
            {"innerConeAngle": Number(0, 1.5707963267948966), "outerConeAngle": Number(0, 1.5707963267948966)}
        ),
    },
    required=("type",),
)

GLTF = Object(
    {
        "asset": Object(
            {"version": Text(), "minVersion": Text(), "generator": Text(), "copyright": Text()},
            required=("version",),
        ),
        "extensionsUsed": ListOf(Text(), unique=True),
        "extensionsRequired": ListOf(Text(), unique=True),
        "scene": Index("scenes"),
        "scenes": ListOf(Object({"name": Text(), "nodes": ListOf(Index("nodes"), unique=True)})),
        "nodes": ListOf(NODE),
        "meshes": ListOf(
            Object(
                {"name": Text(), "primitives": ListOf(PRIMITIVE), "weights": ListOf(Number())},
                required=("primitives",),
            )
        ),
        "materials": ListOf(MATERIAL),
        "textures": ListOf(TEXTURE),
        "images": ListOf(
            Object({"uri": Text(), "mimeType": Text(), "bufferView": Index("bufferViews"), "name": Text()})
        ),
        "samplers": ListOf(
            Object(
                {
                    "magFilter": OneOf((9728, 9729), has_default=True),
                    "minFilter": OneOf((9728, 9729, 9984, 9985, 9986, 9987), has_default=True),
                    "wrapS": OneOf((33071, 33648, 10497), has_default=True),
                    "wrapT": OneOf((33071, 33648, 10497), has_default=True),
                    "name": Text(),
                }
            )
        ),
        "skins": ListOf(
            Object(
                {
                    "inverseBindMatrices": Index("accessors"),
                    "skeleton": Index("nodes"),
                    "joints": ListOf(Index("nodes"), unique=True),
                    "name": Text(),
                },
                required=("joints",),
            )
        ),
        "cameras": ListOf(CAMERA),
        "animations": ListOf(ANIMATION),
        "accessors": ListOf(ACCESSOR),
        "bufferViews": ListOf(
            Object(
                {
                    "buffer": Index("buffers"),
                    "byteOffset": Whole(),
                    "byteLength": Whole(1),
                    "byteStride": Whole(4, 252),
                    "target": OneOf((34962, 34963), has_default=True),
                },
                required=("buffer", "byteLength"),
                extensions={"EXT_meshopt_compression": MESHOPT_VIEW, "KHR_meshopt_compression": MESHOPT_VIEW},
            )
        ),
        "buffers": ListOf(
            Object(
                {"uri": Text(), "byteLength": Whole(1)},
                required=("byteLength",),
                extensions={
                    "EXT_meshopt_compression": MESHOPT_BUFFER,
                    "KHR_meshopt_compression": MESHOPT_BUFFER,
                },
            )
        ),
    },
    required=("asset",),
    extensions={
        "KHR_lights_punctual": Object({"lights": ListOf(LIGHT)}, required=("lights",)),
        "KHR_materials_variants": Object(
            {"variants": ListOf(Object({"name": Text()}, required=("name",)))}, required=("variants",)
        ),
    },
)
