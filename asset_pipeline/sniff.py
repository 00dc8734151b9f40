"""Tell what a file is from its first bytes; the suffix only breaks ties between plain-text formats.

Nothing is decoded here and at most `SNIFFED_BYTES` are read, so that any file can be looked at safely.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SNIFFED_BYTES = 8192  # enough for every signature below and for the first lines of a text format


class Route(StrEnum):
    """Which part of the pipeline takes the file."""

    MODEL = "model"
    IMAGE = "image"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file: its short name, how an editor calls it, who takes it, what to do where nobody does."""

    name: str
    title: str
    route: Route
    advice: str = ""


_TO_IMAGE = "Convert it to JPEG, PNG, WebP or TIFF."
_TO_MODEL = "Export it as GLB."

FILE_TYPES: dict[str, FileType] = {
    file_type.name: file_type
    for file_type in (
        FileType("glb", "binary glTF model (GLB)", Route.MODEL),
        FileType("gltf", "glTF model", Route.MODEL),
        FileType("obj", "Wavefront OBJ model", Route.MODEL),
        FileType("ply", "PLY model", Route.MODEL),
        FileType("stl", "STL model", Route.MODEL),
        FileType("las", "LAS/LAZ point cloud", Route.MODEL),
        FileType("xyz", "text point cloud", Route.MODEL),
        FileType("draco", "bare Draco model", Route.MODEL),
        FileType("jpeg", "JPEG picture", Route.IMAGE),
        FileType("png", "PNG picture", Route.IMAGE),
        FileType("webp", "WebP picture", Route.IMAGE),
        FileType("tiff", "TIFF picture", Route.IMAGE),
        FileType("avif", "AVIF picture", Route.IMAGE),
        FileType("gif", "GIF picture", Route.IMAGE),
        FileType("heic", "HEIC picture", Route.NONE, "Export it as JPEG from the phone or a photo program."),
        FileType(
            "hdr", "Radiance HDR picture", Route.NONE, "Tone-map it and export it as JPEG or 16-bit TIFF."
        ),
        FileType("exr", "OpenEXR picture", Route.NONE, "Tone-map it and export it as JPEG or 16-bit TIFF."),
        FileType("jxl", "JPEG XL picture", Route.NONE, _TO_IMAGE),
        FileType("jp2", "JPEG 2000 picture", Route.NONE, _TO_IMAGE),
        FileType("bmp", "BMP picture", Route.NONE, _TO_IMAGE),
        FileType("psd", "Photoshop document", Route.NONE, _TO_IMAGE),
        FileType("svg", "SVG drawing", Route.NONE, "Export it as PNG at the size wanted."),
        FileType("ktx2", "KTX2 texture", Route.NONE, "Give the model that uses it, or the picture as PNG."),
        FileType("b3dm", "3D Tiles tile", Route.NONE, "Give the model from which the tiles were made."),
        FileType("tileset", "3D Tiles tileset", Route.NONE, "Give the model from which the tiles were made."),
        FileType("fbx", "FBX model", Route.NONE, _TO_MODEL),
        FileType("blend", "Blender file", Route.NONE, _TO_MODEL),
        FileType("3ds", "3D Studio model", Route.NONE, _TO_MODEL),
        FileType("dae", "COLLADA model", Route.NONE, _TO_MODEL),
        FileType("usdz", "USD model", Route.NONE, _TO_MODEL),
        FileType("3mf", "3MF model", Route.NONE, _TO_MODEL),
        FileType("off", "OFF model", Route.NONE, _TO_MODEL),
        FileType("cad", "CAD drawing", Route.NONE, _TO_MODEL),
        FileType("mtl", "material library of an OBJ model", Route.NONE, "Give the OBJ file that uses it."),
        FileType("gpx", "GPX track", Route.NONE, "Tracks are walked with the SDK, not optimized."),
        FileType("kml", "KML file", Route.NONE, "Places are entered in the catalogue, not optimized."),
        FileType("xml", "XML file", Route.NONE, "Give the models and pictures only."),
        FileType("json", "JSON file", Route.NONE, "Give the models and pictures only."),
        FileType("csv", "table", Route.NONE, "Give the models and pictures only; tables go to `ingest`."),
        FileType("pdf", "PDF document", Route.NONE, "Export the picture as JPEG or PNG."),
        FileType("zip", "ZIP archive", Route.NONE, "Unpack it and give the folder."),
        FileType("archive", "archive", Route.NONE, "Unpack it and give the folder."),
        FileType("audio", "sound file", Route.NONE, "Sound is not optimized yet."),
        FileType("video", "video file", Route.NONE, "Give a still picture of it as JPEG."),
        FileType("text", "text file", Route.NONE, "Give the models and pictures only."),
        FileType(
            "empty", "empty file", Route.NONE, "Copy the file again; the transfer was probably cut off."
        ),
        FileType(
            "unknown",
            "file of an unknown kind",
            Route.NONE,
            "Give a GLB, glTF, OBJ, PLY, STL, LAS or LAZ, or a picture.",
        ),
    )
}

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (  # (offset, bytes, type), first match wins
    (0, b"glTF", "glb"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (8, b"WEBP", "webp"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (0, b"#?RADIANCE", "hdr"),
    (0, b"#?RGBE", "hdr"),
    (0, b"\x76\x2f\x31\x01", "exr"),
    (0, b"\xff\x0a", "jxl"),
    (0, b"\x00\x00\x00\x0cJXL ", "jxl"),
    (0, b"\x00\x00\x00\x0cjP  ", "jp2"),
    (0, b"8BPS", "psd"),
    (0, b"LASF", "las"),
    (0, b"DRACO", "draco"),
    (0, b"\xabKTX", "ktx2"),
    (0, b"b3dm", "b3dm"),
    (0, b"i3dm", "b3dm"),
    (0, b"pnts", "b3dm"),
    (0, b"cmpt", "b3dm"),
    (0, b"Kaydara FBX Binary", "fbx"),
    (0, b"BLENDER", "blend"),
    (0, b"%PDF-", "pdf"),
    (0, b"PXR-USDC", "usdz"),
    (0, b"7z\xbc\xaf", "archive"),
    (0, b"\x1f\x8b", "archive"),
    (0, b"Rar!", "archive"),
    (257, b"ustar", "archive"),
    (8, b"WAVE", "audio"),
    (0, b"ID3", "audio"),
    (0, b"OggS", "audio"),
    (0, b"fLaC", "audio"),
    (0, b"\x1aE\xdf\xa3", "video"),
    (8, b"AVI ", "video"),
    (0, b"ply\n", "ply"),
    (0, b"ply\r", "ply"),
)
_ISO_BRANDS = {
    b"avif": "avif",
    b"avis": "avif",
    b"heic": "heic",
    b"heix": "heic",
    b"hevc": "heic",
    b"mif1": "heic",
}
_ISO_BRANDS |= {b"heim": "heic", b"heis": "heic", b"hevx": "heic", b"msf1": "heic", b"M4A ": "audio"}
_OBJ_LINE = re.compile(
    r"^[ \t]*(v|vn|vt|vp)[ \t]+[-+.\dnNiI]|^[ \t]*f[ \t]+-?\d|^[ \t]*(mtllib|usemtl)[ \t]+\S", re.MULTILINE
)
_POINT_LIST_SUFFIXES = (".xyz", ".pts", ".asc", ".xyzrgb")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)
POINT_COLUMNS = range(3, 10)  # x y z, and at most colour and normal, or intensity and colour


def sniff(path: Path) -> FileType:
    """What the file is. Reads at most `SNIFFED_BYTES`; raises OSError where the file cannot be read."""
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    return FILE_TYPES[_type_name(head, path.suffix.lower(), path.stat().st_size)]


def _type_name(head: bytes, suffix: str, size_bytes: int) -> str:
    if size_bytes == 0:
        return "empty"
    for offset, signature, name in _SIGNATURES:
        if head.startswith(signature, offset):
            return name
    if head.startswith(b"PK\x03\x04"):
        return _zip_type_name(head)
    if head[4:8] == b"ftyp":
        return _iso_type_name(head)
    if _is_binary_stl(head, size_bytes):
        return "stl"
    if head[:2] == b"BM" and suffix == ".bmp":
        return "bmp"
    return _text_type_name(head, suffix)


def _zip_type_name(head: bytes) -> str:
    """Models that travel as ZIP archives are known by the names of their first files."""
    if b"3D/3dmodel" in head:
        return "3mf"
    return "usdz" if re.match(rb".{30,300}?\.usd[ac]", head, re.DOTALL) else "zip"


def _iso_type_name(head: bytes) -> str:
    """AVIF, HEIC or something else in the ISO container: the major brand, then the compatible ones."""
    length = min(int.from_bytes(head[:4], "big"), 256)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    for wanted in (b"avif", b"avis"):  # an AVIF may name mif1 first
        if wanted in brands:
            return "avif"
    return next((_ISO_BRANDS[brand] for brand in brands if brand in _ISO_BRANDS), "video")


def _is_binary_stl(head: bytes, size_bytes: int) -> bool:
    """80 bytes of anything, a count, 50 bytes per triangle: only the length tells."""
    if len(head) < 84:
        return False
    return size_bytes == 84 + 50 * int.from_bytes(head[80:84], "little")


def _text_type_name(head: bytes, suffix: str) -> str:
    text = _as_text(head)
    if text is None:
        # A damaged file of a known suffix is reported under that name: the reader says what is wrong with it.
        return {".glb": "glb", ".stl": "stl", ".ply": "ply"}.get(suffix, "unknown")
    start = text.lstrip()
    if start.startswith("{") or (suffix in (".gltf", ".json") and start[:1] in ("[", '"')):
        return _json_type_name(start, suffix)
    if start.startswith("<"):
        return _xml_type_name(start)
    if start.startswith("ISO-10303-21") or suffix == ".dxf":
        return "cad"
    if re.match(r"(ST)?C?N?OFF\b", start):
        return "off"
    if suffix == ".mtl" or start.startswith("newmtl"):
        return "mtl"
    if re.match(r"solid\b", start, re.IGNORECASE) and "facet" in start.lower():
        return "stl"
    if suffix in (".obj", ".ply", ".stl", ".gltf", ".csv"):
        return suffix[1:]  # plain text says little about itself; the reader refuses what does not fit
    if suffix == ".glb":
        return "glb"
    if _OBJ_LINE.search(text):
        return "obj"
    return "xyz" if suffix in _POINT_LIST_SUFFIXES or _is_point_list(start) else "text"


def _is_point_list(text: str) -> bool:
    """Whether lines of as many numbers each stand there: two or more, below names or a count at most."""
    lines = [line for line in text.splitlines()[:21] if line and not line.startswith(("#", "//"))]
    if len(lines) > 2 and not text.endswith(("\n", "\r")):
        lines.pop()  # it may be cut off
    rows = [re.split(r"[ \t,;]+", line.strip()) for line in lines]
    if rows and (rows[0][:3] == ["x", "y", "z"] or (len(rows[0]) == 1 and rows[0][0].isdigit())):
        rows = rows[1:]
    return (
        len(rows) > 1
        and len(rows[0]) in POINT_COLUMNS
        and all(len(row) == len(rows[0]) and all(map(_NUMBER.fullmatch, row)) for row in rows)
    )


def _as_text(head: bytes) -> str | None:
    """The bytes as text, or None for binary data. A character cut at the end does not matter."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, errors="ignore")
    if b"\x00" in head:
        return None
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    if control > len(head) // 100:
        return None
    return head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def _json_type_name(start: str, suffix: str) -> str:
    if '"geometricError"' in start:
        return "tileset"
    if suffix == ".gltf" or re.search(r'"(accessors|bufferViews|meshes|scenes)"\s*:\s*\[', start):
        return "gltf"
    if re.search(r'"asset"\s*:\s*\{[^{}]*"version"\s*:\s*"[12]\.', start):
        return "gltf"
    return "json"


def _xml_type_name(start: str) -> str:
    for word, name in (("<gpx", "gpx"), ("<svg", "svg"), ("<kml", "kml"), ("<COLLADA", "dae")):
        if word in start:
            return name
    return "xml"
