import struct
from pathlib import Path

import pytest

from asset_pipeline.sniff import FILE_TYPES, Route, sniff

BINARY_STL = b"made by a scanner".ljust(80, b"\0") + struct.pack("<I", 2) + b"\0" * 100
SAMPLES = [
    ("a.glb", b"glTF\x02\x00\x00\x00", "glb"),
    ("really-a-jpeg.png", b"\xff\xd8\xff\xe0\x00\x10JFIF", "jpeg"),
    ("no-suffix", b"\x89PNG\r\n\x1a\n0000", "png"),
    ("a.bin", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
    ("a.tif", b"II*\x00\x08\x00", "tiff"),
    ("big.tif", b"MM\x00+\x00\x08", "tiff"),
    ("a", b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00mif1miaf", "avif"),
    ("a", b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", "avif"),
    ("a", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "heic"),
    ("a.mp4", b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "video"),
    ("a", b"PK\x03\x04" + bytes(26) + b"scene.usdc" + bytes(64), "usdz"),
    ("a", b"PK\x03\x04" + bytes(26) + b"3D/3dmodel.model" + bytes(64), "3mf"),
    ("a.3mf", b"PK\x03\x04" + bytes(26) + b"readme.txt" + bytes(64), "zip"),
    ("a", b"ISO-10303-21;\nHEADER;\n", "cad"),
    ("a.dxf", b"0\nSECTION\n2\nHEADER\n", "cad"),
    ("a", b"OFF\n8 12 0\n0 0 0\n", "off"),
    ("a.gif", b"GIF89a\x01\x00", "gif"),
    ("a.hdr", b"#?RADIANCE\nFORMAT=", "hdr"),
    ("a.stl", BINARY_STL, "stl"),
    ("scan", BINARY_STL, "stl"),
    ("a.stl", b"solid cube\n facet normal 0 0 1\n", "stl"),
    ("cube.txt", b"solid cube\n facet normal 0 0 1\n", "stl"),
    ("a.ply", b"ply\nformat ascii 1.0\n", "ply"),
    ("a.obj", b"# made by hand\n", "obj"),
    ("a", b"v 1 2 3\nv 2 3 4\nv 3 4 5\nf 1 2 3\n", "obj"),
    ("a.obj", "\ufeffmtllib a.mtl\nv 1 2 3\n".encode("utf-16-be"), "obj"),
    ("a.mtl", b"newmtl stone\nKd 1 1 1\n", "mtl"),
    ("a.gltf", b'{"asset":{"version":"2.0"}}', "gltf"),
    ("a.gltf", b"\xef\xbb\xbf{}", "gltf"),
    ("a.json", b'{"accessors": [], "asset": {"version": "2.0"}}', "gltf"),
    ("tileset.json", b'{"asset":{"version":"1.0"},"geometricError":500,"root":{}}', "tileset"),
    ("a.json", b'{"type":"FeatureCollection"}', "json"),
    ("a.las", b"LASF\x00\x00", "las"),
    ("a.xyz", b"1.0 2.0 3.0 255 255 255\n2 3 4 1 1 1\n", "xyz"),
    ("a.txt", b"1.0 2.0 3.0\n2 3 4\n", "xyz"),
    ("a.txt", b"//X Y Z R G B\n1.0 2.0 3.0 255 255 255\n2 3 4 1 1 1\n3 4 5 1 1 1\n4 5", "xyz"),
    ("a.txt", b"x y z\n1.0 2.0 3.0\n2 3 4\n", "xyz"),
    ("a.pts", b"2\n1 2 3 -700 0 0 0\n1 2 3 4 5 6 7\n", "xyz"),
    ("a", b"2\n1 2 3 -700 0 0 0\n1 2 3 4 5 6 7\n", "xyz"),
    ("a.asc", b"ncols 4\nnrows 6\n", "xyz"),
    ("one-line.txt", b"1 2 3\n", "text"),
    ("two-columns.txt", b"1 2\n3 4\n5 6\n", "text"),
    ("ten-columns.txt", b"1 2 3 4 5 6 7 8 9 10\n" * 3, "text"),
    ("uneven.txt", b"1 2 3\n1 2 3 4\n1 2 3\n", "text"),
    ("dates.txt", b"2026-11-23 04 15\n2026-11-24 04 15\n", "text"),
    ("a.csv", b"1,2,3\n2,3,4\n", "csv"),
    ("solid.obj", b"Solid cube\n facet normal 0 0 1\n", "stl"),
    ("a.drc", b"DRACO\x02\x02", "draco"),
    ("a.ktx2", b"\xabKTX 20\xbb\r\n\x1a\n", "ktx2"),
    ("a.b3dm", b"b3dm\x01\x00\x00\x00", "b3dm"),
    ("a.gpx", b'<?xml version="1.0"?>\n<gpx version="1.1">', "gpx"),
    ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
    ("a.csv", b"site,kind,file\n", "csv"),
    ("a.pdf", b"%PDF-1.7", "pdf"),
    ("notes.txt", b"Remember the boat.\n", "text"),
    ("a.glb", b"", "empty"),
    ("a.bin", bytes(range(256)), "unknown"),
    ("damaged.glb", b"gltF\x00\x01\x02\x03\x04\x05", "glb"),
]


@pytest.mark.parametrize(
    ("name", "body", "expected"), SAMPLES, ids=[f"{s[0]}-{s[2]}-{i}" for i, s in enumerate(SAMPLES)]
)
def test_content_tells_the_type(tmp_path: Path, name, body, expected):
    (tmp_path / name).write_bytes(body)
    assert sniff(tmp_path / name).name == expected


def test_every_type_that_is_not_taken_says_what_to_do():
    for file_type in FILE_TYPES.values():
        assert file_type.advice or file_type.route is not Route.NONE, file_type.name


def test_little_is_read_of_a_large_file(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)
    assert sniff(path).name == "unknown"


def test_the_manifests_kinds_are_recognised(shared):
    """Every shared asset is given the type of its folder, whatever its name."""
    by_suffix = {
        ".jpg": "jpeg",
        ".png": "png",
        ".webp": "webp",
        ".tif": "tiff",
        ".tiff": "tiff",
        ".avif": "avif",
    }
    by_suffix |= {".gif": "gif", ".heic": "heic", ".hdr": "hdr", ".las": "las", ".laz": "las", ".xyz": "xyz"}
    by_suffix |= {
        ".drc": "draco",
        ".ktx2": "ktx2",
        ".b3dm": "b3dm",
        ".gpx": "gpx",
        ".obj": "obj",
        ".ply": "ply",
    }
    by_suffix |= {".stl": "stl", ".mtl": "mtl", ".gltf": "gltf"}
    wrong = []
    for path in sorted((shared / "assets").rglob("*")):
        expected = by_suffix.get(path.suffix.lower())
        if path.is_file() and expected and (found := sniff(path).name) != expected:
            wrong.append((path.name, found))
    assert wrong == []
