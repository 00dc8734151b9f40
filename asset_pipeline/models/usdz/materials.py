"""glTF materials as UsdPreviewSurface, the one surface Quick Look shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.usdz.names import Names
from asset_pipeline.models.usdz.texture_files import TextureFiles

SLOTS = (  # in order of what a visitor would miss most: the first one used decides where all textures lie
    "baseColor",
    "normal",
    "metallicRoughness",
    "occlusion",
    "emissive",
    "clearcoat",
    "clearcoatRoughness",
)
SHOWN_EXTENSIONS = frozenset(
    {
        "KHR_materials_clearcoat",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_unlit",
        "KHR_materials_pbrSpecularGlossiness",  # its colour; see _specular_glossiness
    }
)
_WRAPS = {10497: "repeat", 33071: "clamp", 33648: "mirror"}
_REPEAT = 10497

Four = tuple[float, float, float, float]
_ONES: Four = (1.0, 1.0, 1.0, 1.0)
_ZEROS: Four = (0.0, 0.0, 0.0, 0.0)


def material_of(document: Document, primitive: JsonObject) -> JsonObject:
    """The primitive's material in glTF's core form; the default material where it names none."""
    if "material" not in primitive:
        return {}
    material = document.items("materials")[primitive["material"]]
    glossy = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
    return material if glossy is None else _specular_glossiness(material, glossy)


def _specular_glossiness(material: JsonObject, glossy: JsonObject) -> JsonObject:
    """The nearest metal-roughness material: Quick Look has no specular workflow (usd_from_gltf's README)."""
    core: JsonObject = {
        "baseColorFactor": glossy.get("diffuseFactor", [1.0, 1.0, 1.0, 1.0]),
        "metallicFactor": 0.0,
        "roughnessFactor": 1.0 - glossy.get("glossinessFactor", 1.0),
    }
    if "diffuseTexture" in glossy:
        core["baseColorTexture"] = glossy["diffuseTexture"]
    return {**material, "pbrMetallicRoughness": core}


def textures_of(material: JsonObject) -> dict[str, JsonObject]:
    """The textureInfo of each slot that has one, in order of SLOTS."""
    core = material.get("pbrMetallicRoughness", {})
    coat = material.get("extensions", {}).get("KHR_materials_clearcoat", {})
    owners = {
        "baseColor": core.get("baseColorTexture"),
        "normal": material.get("normalTexture"),
        "metallicRoughness": core.get("metallicRoughnessTexture"),
        "occlusion": material.get("occlusionTexture"),
        "emissive": material.get("emissiveTexture"),
        "clearcoat": coat.get("clearcoatTexture"),
        "clearcoatRoughness": coat.get("clearcoatRoughnessTexture"),
    }
    if "KHR_materials_unlit" in material.get("extensions", {}):
        owners = {"baseColor": owners["baseColor"]}
    return {slot: owners[slot] for slot in SLOTS if owners.get(slot) is not None}


@dataclass(slots=True, eq=False)
class MaterialWriter:
    """Materials below one scope, each written once per set of textures it may show."""

    stage: Any
    scope: str
    document: Document
    files: TextureFiles
    _names: Names = field(default_factory=Names)
    _known: dict[tuple[object, ...], Any] = field(default_factory=dict[tuple[object, ...], Any])

    def write(self, primitive: JsonObject, slots: Sequence[str]) -> Any:
        """The UsdShade.Material of a primitive, with the textures of these slots only."""
        key = (primitive.get("material"), tuple(slots))
        if key not in self._known:
            material = material_of(self.document, primitive)
            infos = {slot: info for slot, info in textures_of(material).items() if slot in slots}
            self._known[key] = self._surface(material, infos)
        return self._known[key]

    def _surface(self, material: JsonObject, infos: dict[str, JsonObject]) -> Any:
        from pxr import Sdf, UsdShade

        name = self._names.make(material.get("name", ""), "Material")
        usd = UsdShade.Material.Define(self.stage, f"{self.scope}/{name}")
        if material.get("name", "") not in ("", name):
            usd.GetPrim().SetDisplayName(material["name"].replace("\0", ""))
        shader = UsdShade.Shader.Define(self.stage, f"{usd.GetPath()}/Surface")
        shader.CreateIdAttr("UsdPreviewSurface")
        usd.CreateSurfaceOutput().ConnectToSource(shader.CreateOutput("surface", Sdf.ValueTypeNames.Token))
        _Surface(self, str(usd.GetPath()), shader, material, infos).fill()
        return usd


@dataclass(slots=True, eq=False)
class _Surface:
    """One material's inputs."""

    writer: MaterialWriter
    path: str
    shader: Any
    material: JsonObject
    infos: dict[str, JsonObject]

    def fill(self) -> None:
        core = self.material.get("pbrMetallicRoughness", {})
        extensions = self.material.get("extensions", {})
        base: Four = tuple(core.get("baseColorFactor", _ONES))
        if "KHR_materials_unlit" in extensions:
            self._unlit(base)
            return
        self._color("baseColor", "diffuseColor", base)
        self._opacity(base[3])
        self._metal_and_roughness(core.get("metallicFactor", 1.0), core.get("roughnessFactor", 1.0))
        self._normal()
        self._occlusion()
        strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
        glow = [strength * value for value in self.material.get("emissiveFactor", (0.0, 0.0, 0.0))]
        if any(glow):
            self._color("emissive", "emissiveColor", (glow[0], glow[1], glow[2], 1.0))
        self._clearcoat(extensions.get("KHR_materials_clearcoat", {}))
        if "KHR_materials_ior" in extensions:
            self._number("ior", extensions["KHR_materials_ior"].get("ior", 1.5))

    def _unlit(self, base: Four) -> None:
        """Light of its own and nothing to reflect: there is no unlit surface in USDZ."""
        self._set_color("diffuseColor", (0.0, 0.0, 0.0))
        self._number("roughness", 1.0)
        self._number("metallic", 0.0)
        self._color("baseColor", "emissiveColor", base)
        self._opacity(base[3])

    def _color(self, slot: str, name: str, factor: Four) -> None:
        if slot in self.infos:
            texture = self._texture(slot, slot, color_space="sRGB", scale=factor)
            self._connect(name, "Color3f", texture, "rgb")
        else:
            self._set_color(name, factor[:3])

    def _opacity(self, factor: float) -> None:
        mode = self.material.get("alphaMode", "OPAQUE")
        cutoff = self.material.get("alphaCutoff", 0.5)
        if mode == "OPAQUE" or (mode == "MASK" and cutoff <= 0):
            return
        image = self._image("baseColor") if "baseColor" in self.infos else None
        if image is not None and self.writer.files.has_opacity(image):
            scale = (*self.material.get("pbrMetallicRoughness", {}).get("baseColorFactor", _ONES)[:3], factor)
            texture = self._texture("baseColor", "baseColor", color_space="sRGB", scale=scale)
            self._connect("opacity", "Float", texture, "a")
        else:
            self._number("opacity", factor)
        if mode == "MASK":
            self._number("opacityThreshold", min(cutoff, 1.0))

    def _metal_and_roughness(self, metallic: float, roughness: float) -> None:
        if "metallicRoughness" not in self.infos:
            self._number("metallic", metallic)
            self._number("roughness", roughness)
            return
        scale = (1.0, roughness, metallic, 1.0)
        texture = self._texture("metallicRoughness", "metallicRoughness", color_space="raw", scale=scale)
        self._connect("metallic", "Float", texture, "b")
        self._connect("roughness", "Float", texture, "g")

    def _normal(self) -> None:
        if "normal" not in self.infos:
            return
        scale = float(self.infos["normal"].get("scale", 1.0))
        file = None
        if scale != 1.0:
            file = self.writer.files.scaled_normals(self._image("normal"), scale)
        texture = self._texture(
            "normal",
            "normal",
            color_space="raw",
            scale=(2.0, 2.0, 2.0, 1.0),
            bias=(-1.0, -1.0, -1.0, 0.0),
            file=file,
        )
        self._connect("normal", "Normal3f", texture, "rgb")

    def _occlusion(self) -> None:
        if "occlusion" not in self.infos:
            return
        strength = float(self.infos["occlusion"].get("strength", 1.0))
        texture = self._texture(
            "occlusion",
            "occlusion",
            color_space="raw",
            scale=(strength, 1.0, 1.0, 1.0),
            bias=(1.0 - strength, 0.0, 0.0, 0.0),
        )
        self._connect("occlusion", "Float", texture, "r")

    def _clearcoat(self, coat: JsonObject) -> None:
        factors = (
            ("clearcoat", coat.get("clearcoatFactor", 0.0), "r"),
            ("clearcoatRoughness", coat.get("clearcoatRoughnessFactor", 0.0), "g"),
        )
        for name, factor, channel in factors if coat.get("clearcoatFactor", 0.0) > 0 else ():
            if name in self.infos:
                texture = self._texture(name, name, color_space="raw", scale=(factor, factor, factor, 1.0))
                self._connect(name, "Float", texture, channel)
            else:
                self._number(name, factor)

    def _texture(
        self,
        slot: str,
        name: str,
        *,
        color_space: str,
        scale: Four = _ONES,
        bias: Four = _ZEROS,
        file: str | None = None,
    ) -> Any:
        """The UsdUVTexture of a slot, made at the first call."""
        from pxr import Gf, Sdf, UsdShade

        types: Any = Sdf.ValueTypeNames
        path = f"{self.path}/{name}"
        made = UsdShade.Shader.Get(self.writer.stage, path)
        if made:
            return made
        if file is None:
            file = self.writer.files.plain(self._image(slot), is_data=color_space == "raw")
        texture = UsdShade.Shader.Define(self.writer.stage, path)
        texture.CreateIdAttr("UsdUVTexture")
        texture.CreateInput("file", types.Asset).Set(Sdf.AssetPath(file))
        texture.CreateInput("sourceColorSpace", types.Token).Set(color_space)
        for side, wrap in zip(("wrapS", "wrapT"), self._wraps(slot), strict=True):
            texture.CreateInput(side, types.Token).Set(wrap)
        if scale != _ONES:
            texture.CreateInput("scale", types.Float4).Set(Gf.Vec4f(*scale))
        if bias != _ZEROS:
            texture.CreateInput("bias", types.Float4).Set(Gf.Vec4f(*bias))
        texture.CreateInput("st", types.Float2).ConnectToSource(self._reader(), "result")
        return texture

    def _reader(self) -> Any:
        from pxr import Sdf, UsdShade

        types: Any = Sdf.ValueTypeNames
        path = f"{self.path}/st"
        reader = UsdShade.Shader.Get(self.writer.stage, path)
        if not reader:
            reader = UsdShade.Shader.Define(self.writer.stage, path)
            reader.CreateIdAttr("UsdPrimvarReader_float2")
            reader.CreateInput("varname", types.String).Set("st")
            reader.CreateOutput("result", types.Float2)
        return reader.ConnectableAPI()

    def _image(self, slot: str) -> int:
        return int(self.writer.document.items("textures")[self.infos[slot]["index"]]["source"])

    def _wraps(self, slot: str) -> tuple[str, str]:
        texture = self.writer.document.items("textures")[self.infos[slot]["index"]]
        sampler = self.writer.document.items("samplers")[texture["sampler"]] if "sampler" in texture else {}
        return _WRAPS[sampler.get("wrapS", _REPEAT)], _WRAPS[sampler.get("wrapT", _REPEAT)]

    def _connect(self, name: str, kind: str, texture: Any, channel: str) -> None:
        from pxr import Sdf

        types: Any = Sdf.ValueTypeNames
        texture.CreateOutput(channel, types.Float3 if channel == "rgb" else types.Float)
        self.shader.CreateInput(name, getattr(types, kind)).ConnectToSource(texture.ConnectableAPI(), channel)

    def _set_color(self, name: str, color: Sequence[float]) -> None:
        from pxr import Gf, Sdf

        types: Any = Sdf.ValueTypeNames
        self.shader.CreateInput(name, types.Color3f).Set(Gf.Vec3f(*(float(value) for value in color)))

    def _number(self, name: str, value: float) -> None:
        from pxr import Sdf

        types: Any = Sdf.ValueTypeNames
        self.shader.CreateInput(name, types.Float).Set(float(value))
