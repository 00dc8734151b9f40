"""MTL material libraries: colours, opacity, shininess and textures, to SurfaceMaterial.

A texture is opened only inside the master's own folder. A path that leads elsewhere is taken by its last name
if such a file stands beside the model (programs write the maker's own paths), and refused otherwise.
"""

import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import PIL.Image

from asset_pipeline.models.document import Image
from asset_pipeline.models.image_headers import ImageUnreadable, parse_image_header
from asset_pipeline.models.reading.read_obj import decode_text
from asset_pipeline.models.reading.surfaces import SurfaceMaterial, linear_of_srgb
from asset_pipeline.models.steps.textures import GLTF_IMAGE_TYPES, MAX_TEXTURE_PX
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

MAX_MATERIALS = 10_000
_CONVERTED = ("BMP", "TGA", "TIFF", "GIF")  # read and kept as PNG, which glTF can hold
_LEFT_OUT = (
    "map_bump",
    "bump",
    "map_ks",
    "map_ns",
    "map_ka",
    "map_d",
    "disp",
    "decal",
    "refl",
    "map_ke",
    "map_pr",
    "map_pm",
)
_OPTION = re.compile(
    r"-(?:blendu|blendv|cc|clamp|imfchan|texres|bm|boost|type)[ \t]+\S+[ \t]+|-mm[ \t]+\S+[ \t]+\S+[ \t]+"
    r"|-[ost](?:[ \t]+[-+\d.eE]+){1,3}[ \t]+"
)


class Folder(Protocol):
    """Reads a file of the master's own folder by name; refuses every other place."""

    def read_uri(self, uri: str, where: str) -> bytes:
        """The bytes, or Refused."""


@dataclass(slots=True)
class _Reading:
    folder: Folder
    where: str
    problems: list[Problem] = field(default_factory=list)
    images: dict[str, Image | None] = field(default_factory=dict)


def load_materials(
    libraries: tuple[str, ...], folder: Folder
) -> tuple[dict[str, SurfaceMaterial], list[Problem]]:
    """Materials by name, of all libraries. A missing library or texture is a warning; an evil path is
    refused."""
    materials: dict[str, SurfaceMaterial] = {}
    problems: list[Problem] = []
    for library in dict.fromkeys(name for line in libraries for name in _library_names(line)):
        reading = _Reading(folder, library)
        body = _read_beside(library, reading, "material file")
        if body is not None:
            for name, lines in _split(decode_text(body)).items():
                materials.setdefault(name, _parse_material(name, lines, reading))
        problems += reading.problems
    return materials, problems


def _library_names(line: str) -> list[str]:
    """One `mtllib` line may name several files; a single name may hold spaces."""
    several = re.findall(r"\S+\.mtl\b", line, re.IGNORECASE)
    return several if len(several) > 1 else [line]


def _split(text: str) -> Mapping[str, dict[str, str]]:
    """The lines of each material by lower-case keyword; the last of several wins."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        keyword, _, rest = line.strip().replace("\t", " ").partition(" ")
        if keyword.lower() == "newmtl":
            current = found.setdefault(rest.strip(), {})
            if len(found) > MAX_MATERIALS:
                raise refuse(f"A material file has more than {MAX_MATERIALS} materials.")
        elif keyword and not keyword.startswith("#"):
            current[keyword.lower()] = rest.strip()
    return found


def _parse_material(name: str, lines: dict[str, str], reading: _Reading) -> SurfaceMaterial:
    opacity = _numbers(lines.get("d", ""), 1) or [1 - (_numbers(lines.get("tr", ""), 1) or [0.0])[0]]
    if "d" not in lines and opacity[0] <= 0:  # some programs write Tr as opacity; nobody sends what is unseen
        opacity = [1.0]
        message = f"The material {name!r} says Tr 1, which would make it invisible; it was taken as opaque."
        reading.problems.append(warn(message, where=reading.where, advice="Say d 0 if it is meant."))
    color = _color(lines.get("kd", "")) or (1.0, 1.0, 1.0)
    shininess = _numbers(lines.get("ns", ""), 1)
    roughness = _numbers(lines.get("pr", ""), 1)
    metallic = _numbers(lines.get("pm", ""), 1)
    material = SurfaceMaterial(
        name=name,
        base_color=(*color, _unit(opacity[0])),
        emissive=_color(lines.get("ke", "")) or (0.0, 0.0, 0.0),
        roughness=_unit(roughness[0]) if roughness else _roughness(shininess[0] if shininess else 0.0),
        metallic=_unit(metallic[0]) if metallic else 0.0,
    )
    left_out = [keyword for keyword in _LEFT_OUT if keyword in lines]
    if left_out:
        reading.problems.append(
            warn(
                f"The material {name!r} has textures that were left out: {', '.join(left_out)}.",
                where=reading.where,
                advice="Only the colour (map_Kd) and a normal map (norm) are taken from MTL.",
            )
        )
    image = _image(lines.get("map_kd", ""), reading)
    normal = _image(lines.get("norm", ""), reading)
    if image is not None:  # as most programs do: the picture is the colour, and Kd is not multiplied in
        material = replace(
            material, base_color=(1.0, 1.0, 1.0, material.base_color[3]), base_color_image=image
        )
    return replace(material, normal_image=normal)


def _image(text: str, reading: _Reading) -> Image | None:
    name = _OPTION.sub("", text + " ").strip()
    if not name:
        return None
    if name not in reading.images:
        body = _read_beside(name, reading, "texture")
        reading.images[name] = None if body is None else _as_gltf_image(body, name, reading)
    return reading.images[name]


def _read_beside(name: str, reading: _Reading, what: str) -> bytes | None:
    """The bytes of a file beside the model; None with a warning if it is missing."""
    path = name.replace("\\", "/")
    path = re.sub(r"^(?:\./)+", "", path)
    is_elsewhere = (
        path.startswith("/") or ".." in path.split("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path)
    )
    escaped = path.replace("%", "%25")
    if is_elsewhere:
        escaped = escaped.rsplit("/", 1)[-1]
    try:
        body = reading.folder.read_uri(escaped, reading.where)
    except Refused as refusal:
        if is_elsewhere:
            raise refuse(
                f"The {what} {name[:100]!r} is outside the model's own folder.",
                where=reading.where,
                advice="Put it beside the model and name it there without a path.",
            ) from refusal
        if not any("missing" in problem.message for problem in refusal.problems):
            raise
        reading.problems.append(
            warn(
                f"The {what} {name[:100]!r} is missing; the model is made without it.",
                where=reading.where,
                advice="Send it together with the model.",
            )
        )
        return None
    if is_elsewhere:
        reading.problems.append(
            warn(f"The {what} {name[:100]!r} was taken from beside the model.", where=reading.where)
        )
    return body


def _as_gltf_image(body: bytes, name: str, reading: _Reading) -> Image | None:
    """The image as glTF can hold it: as it is, or converted to PNG. Its size is checked before it is
    decoded."""
    title = re.split(r"[/\\]", name)[-1]
    try:
        media_type = parse_image_header(body).media_type
    except ImageUnreadable:
        media_type = ""
    if media_type in GLTF_IMAGE_TYPES:
        return Image(body, media_type, title)
    try:
        with PIL.Image.open(io.BytesIO(body), formats=_CONVERTED) as picture:
            if max(picture.size) > MAX_TEXTURE_PX:
                raise refuse(
                    f"The texture {title!r} has {picture.size[0]} x {picture.size[1]} pixels; "
                    f"at most {MAX_TEXTURE_PX} per side are taken.",
                    where=reading.where,
                )
            out = io.BytesIO()
            picture.convert("RGBA" if picture.mode in ("RGBA", "LA", "PA") else "RGB").save(out, "PNG")
    except (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError):
        reading.problems.append(
            warn(
                f"The texture {title!r} is not an image that can be read; the model is made without it.",
                where=reading.where,
                advice="Save it as PNG or JPEG and name that in the material file.",
            )
        )
        return None
    return Image(out.getvalue(), "image/png", title)


def _numbers(text: str, count: int) -> list[float] | None:
    try:
        numbers = [float(word) for word in text.split()[:count]]
    except ValueError:
        return None
    return numbers if len(numbers) == count and all(abs(number) < 1e9 for number in numbers) else None


def _color(text: str) -> tuple[float, float, float] | None:
    numbers = _numbers(text, 3)
    if numbers is None:
        return None
    red, green, blue = (round(float(value), 6) for value in linear_of_srgb(np.array(numbers)))
    return red, green, blue


def _roughness(shininess: float) -> float:
    """Blinn-Phong's exponent as roughness, never mirror-like: MTL's Ns is mostly left at a program's
    default."""
    roughness = math.sqrt(math.sqrt(2 / (max(shininess, 0) + 2)))
    return round(max(0.35, min(0.9, roughness)), 4)


def _unit(value: float) -> float:
    return max(0.0, min(1.0, value))
