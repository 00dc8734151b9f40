"""OBJ, PLY and STL: what comes out number for number, and what is refused or left out in an editor's
words."""

import io
import struct

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asset_pipeline.models.reading import read_stl
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.read_obj import parse_obj
from asset_pipeline.models.reading.read_ply import parse_ply
from asset_pipeline.models.reading.surfaces import Surface, smooth_normals, unique_points
from asset_pipeline.outcome import Refused
from heritage_sites.problem import Severity

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"
OK_FILES = {
    "obj/capsule/capsule.obj": (10200, 1),
    "obj/edge/groups.obj": (2308, 0),
    "obj/edge/nancolor.obj": (12, 0),
    "obj/edge/negative_indices.obj": (12, 0),
    "obj/edge/notenoughindices.obj": (1, 0),
    "obj/edge_assimp/box_UTF16BE.obj": (12, 0),
    "obj/edge_assimp/cube_with_vertexcolors.obj": (12, 0),
    "obj/edge_assimp/number_formats.obj": (1, 0),
    "obj/pirate.obj": (5010, 0),
    "obj/spider/spider.obj": (1368, 4),
    "ply/edge/multi.ply": (2, 0),
    "ply/edge_draco/test_pos_color_ascii.ply": (224, 0),
    "stl/Spider_ascii.stl": (1368, 0),
    "stl/busted.STL": (3878, 0),
    "stl/featuretype.STL": (3476, 0),
    "stl/multibody.stl": (32, 0),
    "stl/triangle_with_two_solids.stl": (2, 0),
}
REFUSED_FILES = {
    "obj/edge/empty.obj": "holds no points",
    "obj/edge_assimp/malformed.obj": "names a point before the first one",
    "ply/edge/empty.ply": "holds no points",
    "stl/empty.stl": "holds no triangles",
}

CLOUDS = {  # see test_point_clouds.py
    "ply/edge/points_ascii.ply",
    "ply/edge/points_bin.ply",
    "ply/edge_draco/float_inf_point_cloud.ply",
}


def triangles_of(document):
    return sum(
        document.accessors[primitive["indices"]].count // 3 for _, _, primitive in document.primitives()
    )


def column(document, name, primitive=0):
    attributes = document.json["meshes"][0]["primitives"][primitive]["attributes"]
    return document.accessors[attributes[name]].array


def write(tmp_path, name, body):
    path = tmp_path / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


def load(tmp_path, name, body):
    return load_mesh_file(write(tmp_path, name, body))


def refusal_of(tmp_path, name, body):
    with pytest.raises(Refused) as refusal:
        load(tmp_path, name, body)
    (problem,) = refusal.value.problems
    return problem


def png(color=(10, 20, 30)):
    out = io.BytesIO()
    PIL.Image.new("RGB", (4, 4), color).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("name", "expected"), OK_FILES.items())
def test_shared_files_load(shared, name, expected):
    document = load_mesh_file(shared / "assets" / name).document
    assert (triangles_of(document), len(document.images)) == expected


@pytest.mark.parametrize(("name", "message"), REFUSED_FILES.items())
def test_shared_files_are_refused_in_words(shared, name, message):
    with pytest.raises(Refused, match=message):
        load_mesh_file(shared / "assets" / name)


def test_every_shared_file_is_in_one_of_the_tables(shared):
    found = {
        str(path.relative_to(shared / "assets"))
        for kind in ("obj", "ply", "stl")
        for path in (shared / "assets" / kind).rglob("*")
        if path.suffix.lower() in (".obj", ".ply", ".stl")
    }
    assert found == OK_FILES.keys() | REFUSED_FILES.keys() | CLOUDS


# OBJ


def test_obj_corners_become_vertices_and_v_is_flipped(tmp_path):
    body = TRIANGLE + "v 1 1 0\nvt 0 0\nvt 1 0.25\nvn 0 0 2\nf 1/1/1 2/2/1 3/1/1\nf 2/2/1 4/1/1 3/1/1\n"
    document = load(tmp_path, "a.obj", body).document
    assert column(document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
    assert column(document, "TEXCOORD_0").tolist() == [[0, 1], [1, 0.75], [0, 1], [0, 1]]
    assert column(document, "NORMAL").tolist() == [[0, 0, 1]] * 4
    assert document.accessors[-1].array.ravel().tolist() == [0, 1, 2, 1, 3, 2]
    assert document.json["nodes"] == [{"name": "a", "mesh": 0}]


@pytest.mark.parametrize(
    "faces",
    [
        "f 1 2 3 4",
        "f 1// 2// 3// 4//",
        "f -4 -3 -2 -1",
        "f 1 2 3 4 # a comment",
        "f 1 2 \\\n3 4",
        "  f\t1  2\t3 4 ",
    ],
)
def test_obj_polygons_become_fans(tmp_path, faces):
    document = load(tmp_path, "a.obj", TRIANGLE + "v 1 1 0\n" + faces + "\n").document
    assert document.accessors[-1].array.ravel().tolist() == [0, 1, 2, 0, 2, 3]


def test_negative_indices_count_back_from_their_own_line(tmp_path):
    body = TRIANGLE + "f -3 -2 -1\n" + "v 0 0 5\nv 1 0 5\nv 0 1 5\n" + "f -3 -2 -1\n"
    document = load(tmp_path, "a.obj", body).document
    assert column(document, "POSITION")[:, 2].tolist() == [0, 0, 0, 5, 5, 5]


def test_odd_faces_beside_plain_ones(tmp_path):
    body = TRIANGLE + "v 1 1 0\nvt 0 0\nf 1/1 2/1 3/1\nf 2/1 4/1 3/1 1/1\nf 1 2\n"
    loaded = load(tmp_path, "a.obj", body)
    assert triangles_of(loaded.document) == 3
    assert [problem.message for problem in loaded.problems] == [
        "Faces with fewer than three corners were left out: 1."
    ]


def test_faces_partly_without_uv_lose_uv_with_a_warning(tmp_path):
    body = TRIANGLE + "vt 0 0\nf 1/1 2/1 3/1\nf 1 2 3\n"
    loaded = load(tmp_path, "a.obj", body)
    assert "TEXCOORD_0" not in loaded.document.json["meshes"][0]["primitives"][0]["attributes"]
    (problem,) = loaded.problems
    assert problem.severity is Severity.WARNING
    assert "lack texture coordinates" in problem.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline):
    body = "# Hội An, ngôi nhà cổ\n" if encoding != "latin-1" else "# Café\n"
    text = (body + TRIANGLE + "usemtl Mái\nf 1 2 3").replace("\n", newline)
    document = load(tmp_path, "a.obj", text.encode(encoding, "replace")).document
    assert triangles_of(document) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("v 0 0\nf 1 1 1\n", "has 2 numbers; it needs 3"),
        ("v 0 0 x\nf 1 1 1\n", "'x' where a number should be"),
        ("v 0 0 nan\nf 1 1 1\n", "not a number or is infinite"),
        ("v 0 0 1e39\nf 1 1 1\n", "not a number or is infinite"),
        (TRIANGLE + "f 1 2 4\n", "names point 4, but the file has only 3"),
        (TRIANGLE + "f 0 1 2\n", "before the first one"),
        (TRIANGLE + "f 1 2 -9\n", "before the first one"),
        (TRIANGLE + "f 1 2 a\n", "'a', which is not a number"),
        (TRIANGLE + "f 1 2\n", "No face of the OBJ file has three corners"),
        ("", "holds no points"),
        ("<html>nothing here</html>", "holds no points"),
    ],
)
def test_bad_obj_is_refused_in_words(tmp_path, body, message):
    assert message in refusal_of(tmp_path, "a.obj", body).message


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="vtnf 0123456789/-.\n#eousml", max_size=200))
def test_any_obj_text_is_read_or_refused(text):
    try:
        parse_obj(text.encode())
    except Refused:
        return


def test_obj_on_a_map_keeps_its_millimetres_and_says_where_it_was(tmp_path):
    points = ["665187.001 5648349.002 1.003", "665188.002 5648349.004 1.006", "665187.5 5648350.001 1"]
    loaded = load(tmp_path, "a.obj", "".join(f"v {point}\n" for point in points) + "f 1 2 3\n")
    positions = column(loaded.document, "POSITION")
    assert (positions[1] - positions[0]).tolist() == pytest.approx([1.001, 0.002, 0.003], abs=1e-6)
    assert loaded.document.json["asset"]["extras"] == {
        "halong_xr_source": {"origin": [665188.0, 5648350.0, 1.0]}
    }
    assert "was taken away" in loaded.problems[0].message


@pytest.mark.parametrize("away", [0, 100, 160])
def test_coordinates_not_far_from_zero_stay(tmp_path, away):
    body = f"v {away} 0 0\nv {away + 1} 0 0\nv {away} 1 0\nf 1 2 3\n"
    loaded = load(tmp_path, "a.obj", body)
    assert column(loaded.document, "POSITION")[:, 0].tolist() == [away, away + 1, away]
    assert loaded.problems == ()


def test_lines_of_an_obj_are_left_out_with_a_warning(tmp_path):
    loaded = load(tmp_path, "a.obj", TRIANGLE + "f 1 2 3\nl 1 2\nl 2 3\n")
    (problem,) = loaded.problems
    assert problem.message == "Lines were left out, only faces and points are shown: 2."


FACET = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"


@pytest.mark.parametrize(
    "body",
    [
        f"solid cave\n{FACET}endsolid cave\n",
        f"solid a vertex of the caf\u00e9\n{FACET}endsolid",
        f"SOLID\n{FACET.upper()}ENDSOLID\n",
        f"solid one line\n{' '.join(FACET.split())} endsolid",
        f"solid\r\n{FACET.replace(chr(10), chr(13) + chr(10))}endsolid\r\n",
    ],
)
def test_text_stl_in_its_many_spellings(tmp_path, body):
    document = load(tmp_path, "a.stl", body.encode("latin-1")).document
    assert sorted(column(document, "POSITION").tolist()) == [[0, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert triangles_of(document) == 1


def test_text_stl_is_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(read_stl, "BLOCK_BYTES", 150)
    loops = [FACET.replace("0 1 0\nendloop", f"0 1 {index}\nendloop") for index in range(50)]
    document = load(tmp_path, "a.stl", f"solid\n{''.join(loops)}endsolid\n").document
    assert triangles_of(document) == 50
    assert column(document, "POSITION")[:, 2].max() == 49


@pytest.mark.parametrize("broken", ["vertex 0 1\n", "vertex 0 1 x\n", ""])
def test_text_stl_with_a_broken_corner_is_refused(tmp_path, broken):
    body = f"solid\n{FACET.replace('vertex 0 1 0' + chr(10), broken)}endsolid\n"
    assert "cut off or damaged" in refusal_of(tmp_path, "a.stl", body).message


# MTL


def with_material(tmp_path, mtl, textures=()):
    for name in textures:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png())
    write(tmp_path, "a.mtl", mtl)
    body = "mtllib a.mtl\n" + TRIANGLE + "vt 0 0\nusemtl one\nf 1/1 2/1 3/1\nusemtl two\nf 3/1 2/1 1/1\n"
    return load(tmp_path, "a.obj", body)


def test_materials_become_primitives_with_linear_colours(tmp_path):
    loaded = with_material(
        tmp_path, "newmtl one\nKd 1 0.5 0\nd 0.5\nNs 0\nnewmtl two\nKd 0 0 0\nKe 1 0 0\nPr 0.2\nPm 1\n"
    )
    first, second = loaded.document.json["materials"]
    assert first["name"] == "one"
    assert first["pbrMetallicRoughness"]["baseColorFactor"] == pytest.approx([1, 0.214041, 0, 0.5])
    assert first["alphaMode"] == "BLEND"
    assert second["emissiveFactor"] == [1, 0, 0]
    assert (
        second["pbrMetallicRoughness"]["roughnessFactor"],
        second["pbrMetallicRoughness"]["metallicFactor"],
    ) == (0.2, 1)
    assert [p["material"] for _, _, p in loaded.document.primitives()] == [0, 1]
    assert loaded.problems == ()


def test_a_material_that_tr_would_make_invisible_is_taken_as_opaque(tmp_path):
    loaded = with_material(tmp_path, "newmtl one\nTr 1.0\nnewmtl two\nTr 0.25\n")
    first, second = loaded.document.json["materials"]
    assert first.get("alphaMode", "OPAQUE") == "OPAQUE"
    assert second["pbrMetallicRoughness"]["baseColorFactor"][3] == 0.75
    (problem,) = loaded.problems
    assert (
        problem.message
        == "The material 'one' says Tr 1, which would make it invisible; it was taken as opaque."
    )


@pytest.mark.parametrize(
    "line",
    ["map_Kd tex.png", "map_Kd .\\tex.png", "map_kd ./tex.png", "map_Kd -o 0 0 0 -s 1 1 1 -clamp on tex.png"],
)
def test_texture_beside_the_model_is_taken(tmp_path, line):
    loaded = with_material(tmp_path, f"newmtl one\nKd 0.1 0.1 0.1\n{line}\nnewmtl two\n{line}\n", ["tex.png"])
    (image,) = loaded.document.images
    assert (image.body, image.media_type, image.name) == (png(), "image/png", "tex.png")
    pbr = loaded.document.json["materials"][0]["pbrMetallicRoughness"]
    assert pbr["baseColorTexture"] == {"index": 0}
    assert "baseColorFactor" not in pbr
    assert loaded.problems == ()


def test_texture_names_with_spaces_folders_and_percent(tmp_path):
    loaded = with_material(
        tmp_path, "newmtl one\nmap_Kd maps/my tex 50%.png\nnewmtl two\n", ["maps/my tex 50%.png"]
    )
    assert len(loaded.document.images) == 1


def test_missing_library_and_texture_are_warnings_that_name_them(tmp_path):
    loaded = with_material(tmp_path, "newmtl one\nmap_Kd gone.jpg\nnewmtl two\n")
    (problem,) = loaded.problems
    assert (problem.severity, problem.where) == (Severity.WARNING, "a.mtl")
    assert "'gone.jpg' is missing" in problem.message
    (tmp_path / "a.mtl").unlink()
    (problem,) = load_mesh_file(tmp_path / "a.obj").problems
    assert "'a.mtl' is missing" in problem.message


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret.png",
        "maps/../../secret.png",
        "http://example.org/t.png",
        "C:\\art\\t.png",
        "//host/t.png",
    ],
)
def test_paths_outside_the_folder_are_refused(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(png())
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(Refused, match="outside the model's own folder"):
        with_material(folder, f"newmtl one\nmap_Kd {path}\nnewmtl two\n")


def test_a_link_that_leads_outside_is_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(png())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "t.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(Refused, match="outside"):
        with_material(folder, "newmtl one\nmap_Kd t.png\nnewmtl two\n")


def test_a_makers_own_path_is_taken_from_beside_the_model_with_a_warning(tmp_path):
    loaded = with_material(tmp_path, "newmtl one\nmap_Kd C:\\Users\\An\\t.png\nnewmtl two\n", ["t.png"])
    assert len(loaded.document.images) == 1
    assert "taken from beside the model" in loaded.problems[0].message


def test_bmp_becomes_png_and_what_is_no_image_a_warning(tmp_path):
    out = io.BytesIO()
    PIL.Image.new("RGB", (4, 4), (1, 2, 3)).save(out, "BMP")
    write(tmp_path, "t.bmp", out.getvalue())
    write(tmp_path, "t.txt", "not an image")
    loaded = with_material(tmp_path, "newmtl one\nmap_Kd t.bmp\nmap_Bump t.bmp\nnewmtl two\nmap_Kd t.txt\n")
    (image,) = loaded.document.images
    assert image.media_type == "image/png"
    messages = [problem.message for problem in loaded.problems]
    assert messages == [
        "The material 'one' has textures that were left out: map_bump.",
        "The texture 't.txt' is not an image that can be read; the model is made without it.",
    ]


# PLY

PLY_HEADER = "ply\nformat {}\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
FACES = "element face {}\nproperty list uchar int vertex_indices\nend_header\n"
POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_ply_with_triangles_and_a_quad(tmp_path, order):
    name = {"<": "binary_little_endian 1.0", ">": "binary_big_endian 1.0"}[order]
    body = (PLY_HEADER.format(name) + FACES.format(2)).encode() + POINTS.astype(f"{order}f4").tobytes()
    body += struct.pack(f"{order}B3iB4i", 3, 0, 1, 2, 4, 0, 1, 2, 3)
    document = load(tmp_path, "a.ply", body).document
    assert column(document, "POSITION").tolist() == POINTS.tolist()
    assert document.accessors[-1].array.ravel().tolist() == [0, 1, 2, 0, 1, 2, 0, 2, 3]


def test_ascii_ply_with_colours_normals_and_uv(tmp_path):
    header = PLY_HEADER.format("ascii 1.0").replace("vertex 4", "vertex 3")
    header += "".join(f"property float {name}\n" for name in ("nx", "ny", "nz", "s", "t"))
    header += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    rows = "0 0 0 0 0 3 0 0 255 0 0\n1 0 0 0 0 3 1 0 0 188 0\n0 1 0 0 0 3 0 1 0 0 0\n"
    document = load(tmp_path, "a.ply", header + FACES.format(1) + rows + "3 0 1 2\n").document
    assert column(document, "NORMAL").tolist() == [[0, 0, 1]] * 3
    assert column(document, "TEXCOORD_0").tolist() == [[0, 1], [1, 1], [0, 0]]
    assert column(document, "COLOR_0") == pytest.approx(
        np.array([[1, 0, 0], [0, 0.502886, 0], [0, 0, 0]]), abs=1e-6
    )


def test_ply_uv_per_corner_splits_vertices_and_its_texture_is_taken(tmp_path):
    header = "ply\nformat ascii 1.0\ncomment TextureFile t.png\n" + PLY_HEADER.format("x").split("\n", 2)[2]
    header += "element face 2\nproperty list uchar int vertex_indices\n"
    header += "property list uchar float texcoord\nend_header\n"
    rows = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2 6 0 0 1 0 1 1\n3 0 2 3 6 0.5 0 1 1 0 1\n"
    write(tmp_path, "t.png", png())
    document = load(tmp_path, "a.ply", header + rows).document
    assert len(column(document, "POSITION")) == 5
    assert document.images[0].body == png()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"ply\nformat ascii 1.0\n", "no complete header"),
        (
            PLY_HEADER.format("ascii 1.0") + "property quaternion q\nend_header\n",
            "cannot be understood: 'property quaternion q'",
        ),
        (PLY_HEADER.format("zip 1.0") + "end_header\n", "'zip', which is not a form of PLY"),
        (
            PLY_HEADER.format("ascii 1.0").replace("4", "4000000000") + "end_header\n0 0 0\n",
            "announces 4000000000 times 'vertex'",
        ),
        (PLY_HEADER.format("ascii 1.0") + FACES.format(1) + "0 0 0\n" * 4 + "3 0 1 9\n", "names point 9"),
        (
            PLY_HEADER.format("ascii 1.0") + FACES.format(1) + "0 0 0\n" * 4 + "3 0 1 -1\n",
            "A face names point",
        ),
        (PLY_HEADER.format("ascii 1.0") + FACES.format(1) + "0 0 0\n" * 4 + "3 0 1\n", "cut off or damaged"),
        (
            PLY_HEADER.format("ascii 1.0") + FACES.format(1) + "0 0 0\n" * 3 + "0 0 nan\n3 0 1 3\n",
            "not a number",
        ),
        (PLY_HEADER.format("ascii 1.0") + FACES.format(1) + "0 0 zero\n" * 4 + "3 0 1 3\n", "is no number"),
    ],
)
def test_bad_ply_is_refused_in_words(tmp_path, body, message):
    assert message in refusal_of(tmp_path, "a.ply", body).message


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 300), st.binary(max_size=60))
def test_any_cut_ply_is_read_or_refused(cut, junk):
    body = (PLY_HEADER.format("binary_little_endian 1.0") + FACES.format(1)).encode() + POINTS.tobytes()
    body += struct.pack("<B3i", 3, 0, 1, 2)
    try:
        parse_ply(body[:cut] + junk)
    except Refused:
        return


# STL


def binary_stl(corners, count=None):
    corners = np.asarray(corners, np.float32).reshape(-1, 9)
    rows = b"".join(bytes(12) + row.tobytes() + b"\0\0" for row in corners)
    return (
        b"solid made by a scanner".ljust(80, b"\0")
        + struct.pack("<I", len(corners) if count is None else count)
        + rows
    )


def test_stl_corners_are_joined(tmp_path):
    quad = [POINTS[[0, 1, 2]], POINTS[[0, 2, 3]]]
    document = load(tmp_path, "a.stl", binary_stl(quad)).document
    assert sorted(column(document, "POSITION").tolist()) == sorted(POINTS.tolist())
    assert triangles_of(document) == 2


@pytest.mark.parametrize("count", [0, 1, 3, 4_000_000_000])
def test_stl_whose_count_disagrees_with_its_length_is_refused(tmp_path, count):
    body = binary_stl([POINTS[[0, 1, 2]], POINTS[[0, 2, 3]]], count)
    assert f"announces {count} triangles" in refusal_of(tmp_path, "a.stl", body).message


def test_stl_with_nan_is_refused(tmp_path):
    assert (
        "not a number"
        in refusal_of(tmp_path, "a.stl", binary_stl([[0, 0, 0, 1, 0, 0, 0, np.nan, 0]])).message
    )


def test_kind_is_told_by_content_not_by_name(tmp_path):
    body = (PLY_HEADER.format("ascii 1.0") + FACES.format(1)) + "0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n"
    assert triangles_of(load(tmp_path, "a.obj", body).document) == 1


# Normals


def bump(sharp):
    x, y = np.meshgrid(np.arange(10.0), np.arange(10.0))
    height = np.where((x + y) % 2 == 0, 3.0, 0.0) if sharp else np.sin(x / 3)
    positions = np.stack([x, height, y], -1).reshape(-1, 3).astype(np.float32)
    grid = np.arange(100).reshape(10, 10)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    )
    return Surface(positions, triangles.astype(np.uint32))


def test_smooth_scans_get_smooth_normals_and_sharp_forms_none():
    normals = smooth_normals(bump(sharp=False))
    assert normals is not None
    assert (normals[:, 1] > 0).all()
    assert smooth_normals(bump(sharp=True)) is None


@given(st.lists(st.tuples(*[st.sampled_from([0.0, -0.0, 1.0, 1e-30])] * 3), min_size=1, max_size=30))
def test_unique_points_are_the_different_ones(rows):
    points = np.array(rows, np.float32)
    different, place = unique_points(points)
    assert len(different) == len(np.unique(points, axis=0))
    assert np.array_equal(different[place], points)
