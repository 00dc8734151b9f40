"""Point clouds: LAS, LAZ, PLY, OBJ, Draco and text, number for number, and what is said about them."""

import itertools
import struct
import tracemalloc
from pathlib import Path

import laspy
import numpy as np
import pytest

from asset_pipeline.models.document import Document
from asset_pipeline.models.measure import measure
from asset_pipeline.models.reading import point_cloud, read_las
from asset_pipeline.models.reading.local_origin import SOURCE_KEY
from asset_pipeline.models.reading.mesh_files import LoadedMesh, load_mesh_file
from asset_pipeline.models.reading.point_cloud import kept_rows
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.reading.source_frame import UNSTATED_FRAME, SourceFrame
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from asset_pipeline.outcome import Refused
from heritage_sites.problem import Severity
from tests.asset_pipeline.models.conftest import Validate

POINTS_SAID = "it is shown as points"
FOOT_WKT = (
    'PROJCS["Oregon",GEOGCS["NAD83",DATUM["D",SPHEROID["GRS80",6378137,298.25]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["Lambert"],PARAMETER["false_easting",1312335.95],'
    'UNIT["foot",0.3048]]'
)
UTM_WKT2 = (
    'COMPOUNDCRS["UTM 48N + height",PROJCRS["WGS 84 / UTM zone 48N",BASEGEOGCRS["WGS 84",DATUM["W",'
    'ELLIPSOID["WGS 84",6378137,298.2,LENGTHUNIT["metre",1]]]],CONVERSION["u",METHOD["TM"],'
    'PARAMETER["False easting",500000,LENGTHUNIT["foot",0.3048]]],CS[Cartesian,2],'
    'AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["(N)",north,ORDER[2],LENGTHUNIT["metre",1]]],'
    'VERTCRS["NAVD88",VDATUM["N"],CS[vertical,1],AXIS["up",up],LENGTHUNIT["US foot",0.304800609601219]]]'
)


def column(document: Document, name: str) -> np.ndarray:
    primitive = document.json["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    return document.accessors[primitive["attributes"][name]].array


def messages(loaded: LoadedMesh) -> list[str]:
    assert all(problem.severity is Severity.WARNING for problem in loaded.problems)
    return [problem.message for problem in loaded.problems]


def refusal_of(path: Path) -> str:
    with pytest.raises(Refused) as refusal:
        load_mesh_file(path)
    (problem,) = refusal.value.problems
    assert problem.advice
    return problem.message


def las(
    path: Path,
    points: int = 4,
    *,
    version: str = "1.4",
    point_format: int = 7,
    origin: tuple[float, float, float] = (732000.0, 2300000.0, 10.0),
    wkt: str = "",
    **columns: object,
) -> Path:
    """A cloud on a line: point i lies at origin + (i, 2 i, 0.5 i)."""
    header = laspy.LasHeader(version=version, point_format=point_format)
    header.scales, header.offsets = np.array([0.001] * 3), np.array(origin)
    if wkt:
        header.vlrs.append(laspy.vlrs.known.WktCoordinateSystemVlr(wkt))
        header.global_encoding.wkt = version == "1.4"
    cloud = laspy.LasData(header)
    steps = np.arange(points)
    cloud.x, cloud.y, cloud.z = origin[0] + steps, origin[1] + 2 * steps, origin[2] + 0.5 * steps
    for name, values in columns.items():
        cloud[name] = np.broadcast_to(np.asarray(values), points)
    cloud.write(path)
    return path


# LAS


def test_las_becomes_points_in_metres_with_y_up(tmp_path):
    eight_bits = {"red": [0, 128, 255, 1], "green": [0, 0, 255, 2], "blue": [0, 255, 255, 3]}
    loaded = load_mesh_file(las(tmp_path / "cave.las", **eight_bits, wkt=UTM_WKT2))
    assert column(loaded.document, "POSITION").tolist() == pytest.approx(
        np.array([[-2, 0, 3], [-1, 0.1524, 1], [0, 0.3048, -1], [1, 0.4572, -3]]), abs=1e-5
    )
    colors = column(loaded.document, "COLOR_0")
    assert colors.dtype == np.uint16
    assert (colors / 65535).tolist() == pytest.approx(
        np.array([[0, 0, 0], [0.215861, 0, 1], [1, 1, 1], [0.000304, 0.000607, 0.000911]]), abs=1e-5
    )
    assert loaded.document.json["asset"]["extras"][SOURCE_KEY] == {
        "origin": [732002.0, 2300003.0, 10.0],
        "unit_m": 1.0,
        "vertical_unit_m": 0.304800609601219,
        "axes": "x = origin + x / unit, y = origin - z / unit, z = origin + y / vertical unit",
        "crs": UTM_WKT2,
    }
    assert loaded.document.json["nodes"] == [{"name": "cave", "mesh": 0}]
    assert loaded.frame == SourceFrame(1.0, "z", is_survey=True)
    assert POINTS_SAID in messages(loaded)[0]
    assert messages(loaded)[1].startswith("The cloud's own coordinates have z up; it was turned")
    assert "its zero is at x 732002, y 2300003, z 10." in messages(loaded)[1]


def test_sixteen_bit_colours_are_told_from_eight_bit_ones(tmp_path):
    whole = {"red": [0, 256, 32896, 65535], "green": 0, "blue": 0}
    colors = column(load_mesh_file(las(tmp_path / "a.las", **whole)).document, "COLOR_0")
    assert (colors[:, 0] / 65535).tolist() == pytest.approx([0, 0.000302, 0.215861, 1], abs=1e-5)


def test_intensity_stands_for_colours_that_are_all_black(tmp_path):
    loaded = load_mesh_file(las(tmp_path / "a.las", intensity=[0, 1000, 2000, 4000]))
    colors = column(loaded.document, "COLOR_0")
    assert (colors == colors[:, :1]).all()
    assert (np.diff(colors[:, 0].astype(int)) > 0).all()
    loaded = load_mesh_file(las(tmp_path / "b.las", intensity=7))
    assert "COLOR_0" not in loaded.document.json["meshes"][0]["primitives"][0]["attributes"]


@pytest.mark.parametrize(
    ("version", "point_format"),
    [("1.2", 0), ("1.2", 1), ("1.2", 2), ("1.2", 3), ("1.3", 3), ("1.4", 6), ("1.4", 7), ("1.4", 8)],
)
@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_versions_and_formats_give_the_same_points(tmp_path, version, point_format, suffix):
    path = las(tmp_path / f"a.{suffix}", 100, version=version, point_format=point_format)
    document = load_mesh_file(path).document
    expected = np.stack([np.arange(100) - 50, 0.5 * np.arange(100), 99 - 2 * np.arange(100)], axis=1)
    assert np.abs(column(document, "POSITION") - expected).max() <= 0.5001


def test_noise_and_withheld_points_are_left_out_and_counted(tmp_path):
    path = las(tmp_path / "a.las", 6, classification=[2, 7, 18, 2, 7, 6], withheld=[0, 0, 0, 1, 1, 0])
    loaded = load_mesh_file(path)
    assert column(loaded.document, "POSITION").shape == (2, 3)
    assert "Points were left out: 2 marked as withheld and 2 classified as noise." in messages(loaded)
    old = las(tmp_path / "b.las", 3, version="1.2", point_format=3, classification=[2, 7, 18])
    assert len(column(load_mesh_file(old).document, "POSITION")) == 2  # 18 was not noise before LAS 1.4
    assert "All points of the cloud are marked" in refusal_of(las(tmp_path / "c.las", 2, classification=7))


@pytest.mark.parametrize(
    ("wkt", "unit_m"),
    [
        (FOOT_WKT, 0.3048),
        (UTM_WKT2, 1.0),
        ("", None),
        ("PROJCS[", None),
        ("nonsense", None),
        ('PROJCS["a",UNIT["foot","nan"]]', None),
        ('PROJCS["a",UNIT["none",0]]', None),
        ("A[" * 40, None),
    ],
)
def test_the_unit_is_the_coordinate_systems(tmp_path, wkt, unit_m):
    loaded = load_mesh_file(las(tmp_path / "a.las", wkt=wkt))
    assert loaded.frame.unit_m == unit_m
    positions = column(loaded.document, "POSITION")
    assert np.ptp(positions[:, 0]) == pytest.approx(3 * (unit_m or 1), rel=1e-5)


@pytest.mark.parametrize(
    ("keys", "name", "unit_m"),
    [
        ({1024: 1, 3072: 32648}, "EPSG:32648", 1.0),
        ({1024: 1, 3072: 2994}, "EPSG:2994", None),
        ({1024: 1, 3072: 32767, 3076: 9003}, None, 1200 / 3937),
        ({3072: 3405, 4099: 9002}, "EPSG:3405", 1.0),
    ],
)
def test_geotiff_keys_name_the_system_too(tmp_path, keys, name, unit_m):
    rows = [(1, 1, 0, len(keys)), *((key, 0, 1, value) for key, value in keys.items())]
    body = b"".join(struct.pack("<4H", *row) for row in rows)
    path = las(tmp_path / "a.las", version="1.2", point_format=3)
    cloud = laspy.read(path)
    cloud.header.vlrs.append(laspy.VLR("LASF_Projection", 34735, "", body))
    cloud.write(path)
    loaded = load_mesh_file(path)
    assert loaded.frame.unit_m == unit_m
    assert loaded.document.json["asset"]["extras"][SOURCE_KEY].get("crs") == name


def test_degrees_are_refused_with_advice(tmp_path, shared):
    wkt = 'GEOGCS["WGS 84",DATUM["D",SPHEROID["S",6378137,298]],UNIT["degree",0.0174532925199433]]'
    assert "degrees" in refusal_of(las(tmp_path / "a.las", wkt=wkt))
    assert "degrees" in refusal_of(shared / "assets/pointcloud/simple1_4.las")


@pytest.mark.parametrize(
    ("name", "points", "unit_m", "size_m"),
    [
        ("autzen_trim.laz", 110_000, 0.3048, (358.9, 34.8, 171.5)),
        ("simple.copc.laz", 1065, 1.0, (3362.7, 54.8, 4635.7)),
        ("simple.las", 1065, None, (3362.7, 179.8, 4635.7)),
    ],
)
def test_shared_clouds(shared, name, points, unit_m, size_m):
    loaded = load_mesh_file(shared / "assets/pointcloud" / name)
    positions = column(loaded.document, "POSITION")
    assert len(positions) == points
    assert np.ptp(positions, axis=0) == pytest.approx(np.array(size_m), abs=0.1)
    assert loaded.frame.unit_m == unit_m
    assert column(loaded.document, "COLOR_0").max() > 40_000


def test_more_points_than_the_limit_are_thinned_evenly_and_the_same_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(point_cloud, "MAX_POINTS", 100)
    monkeypatch.setattr(read_las, "PART_BYTES", 1000)
    path = las(tmp_path / "a.laz", 1037)
    loaded = load_mesh_file(path)
    places = np.sort(column(loaded.document, "POSITION")[:, 1]) * 2
    assert len(places) == 100
    assert set(np.diff(places).tolist()) == {10.0, 11.0}
    assert "Of 1,037 points 100 were kept, evenly spread: more are not taken." in messages(loaded)
    again = column(load_mesh_file(path).document, "POSITION")
    assert np.array_equal(again, column(loaded.document, "POSITION"))


@pytest.mark.parametrize(("points", "parts"), [(100, 1), (101, 1), (250, 7), (99_999, 13)])
def test_kept_rows_are_as_many_as_the_limit_however_the_file_is_cut(monkeypatch, points, parts):
    monkeypatch.setattr(point_cloud, "MAX_POINTS", 100)
    edges = np.linspace(0, points, parts + 1).astype(int)
    kept = [kept_rows(points, start, stop) for start, stop in itertools.pairwise(edges)]
    if points == 100:
        assert kept == [None]
        return
    rows = np.concatenate([part + start for part, start in zip(kept, edges[:-1], strict=True)])
    assert len(rows) == 100
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert rows[-1] < points


# hostile LAS: each refused at once, without memory for what it claims


def spoiled(path: Path, offset: int, form: str, *values: object) -> Path:
    body = bytearray(path.read_bytes())
    struct.pack_into(form, body, offset, *values)
    path.write_bytes(body)
    return path


def no_evlrs(path: Path) -> Path:
    return path


@pytest.mark.parametrize(
    ("offset", "form", "values", "message"),
    [
        (247, "<Q", (1 << 31,), "announces 2,147,483,648 points"),
        (247, "<Q", (0xFFFFFFFF,), "announces 4,294,967,295 points"),
        (247, "<Q", (1 << 63,), "announces 9,223,372,036,854,775,808 points"),
        (247, "<Q", (5,), "announces 5 points of 36 bytes"),
        (96, "<I", (0xFFFFFFFF,), "begin outside the file"),
        (94, "<H", (0xFFFF,), "begin outside the file"),
        (94, "<H", (0,), "begin outside the file"),
        (100, "<I", (0xFFFFFFFF,), "announces 4,294,967,295 records before its points"),
        (104, "<B", (63,), "unknown format 63"),
        (105, "<H", (3,), "3 bytes are too few for a point of format 7"),
        (105, "<H", (0xFFFF,), "announces 4 points of 65535 bytes"),
        (131, "<d", (float("nan"),), "scale or offset"),
        (131, "<d", (0.0,), "scale or offset"),
        (155, "<d", (float("inf"),), "scale or offset"),
        (155, "<d", (1e300,), "outside any map"),
        (25, "<B", (9,), "LAS version 1.9"),
        (243, "<I", (1000,), "records behind its points"),
        (235, "<QI", (111, 1), "longer than the file"),
    ],
)
def test_headers_that_lie_are_refused(tmp_path, offset, form, values, message):
    path = spoiled(las(tmp_path / "a.las"), offset, form, *values)
    tracemalloc.start()
    said = refusal_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message in said
    assert peak < 32 << 20


def test_zero_points_and_half_a_file_are_refused(tmp_path):
    assert "holds no points" in refusal_of(las(tmp_path / "a.las", 0))
    body = las(tmp_path / "b.las", 1000).read_bytes()
    for length in (4, 100, 226, 300, 374, 380, len(body) - 1):
        (tmp_path / "b.las").write_bytes(body[:length])
        assert refusal_of(tmp_path / "b.las")


def test_every_cut_and_every_garbled_laz_is_refused_or_read(tmp_path, shared):
    body = (shared / "assets/pointcloud/simple.copc.laz").read_bytes()
    path = tmp_path / "a.laz"
    for length in range(0, len(body), 1487):
        path.write_bytes(body[:length])
        if length:
            assert refusal_of(path)
    random = np.random.default_rng(3)
    for _ in range(100):
        spoilt = bytearray(body)
        for place in random.integers(375, len(body), 20):
            spoilt[place] = random.integers(256)
        path.write_bytes(spoilt)
        try:
            load_mesh_file(path)
        except Refused:
            continue


def test_a_laz_that_claims_too_much_is_refused(tmp_path):
    path = las(tmp_path / "a.laz", 1000)
    table = struct.unpack_from("<q", path.read_bytes(), struct.unpack_from("<I", path.read_bytes(), 96)[0])[0]
    spoiled(path, table + 4, "<I", 0xFFFFFFFF)
    assert "4,294,967,295 parts" in refusal_of(path)
    path = spoiled(las(tmp_path / "b.laz", 1000), 247, "<Q", 1 << 31)
    assert "cannot hold" in refusal_of(path)
    path = spoiled(las(tmp_path / "c.laz", 1000), 247, "<Q", 60_000)
    assert "its parts hold 50,000 points, its header announces 60,000" in refusal_of(path)
    path = spoiled(las(tmp_path / "d.laz", 1000), 247, "<Q", 2000)  # one part of up to 50,000 points
    assert "cut off or damaged" in refusal_of(path)


def test_layers_that_claim_gigabytes_are_refused_in_little_memory(tmp_path, shared):
    body = bytearray((shared / "assets/pointcloud/simple.copc.laz").read_bytes())
    first = struct.unpack_from("<I", body, 96)[0] + 8
    struct.pack_into("<I", body, first + 36 + 4, 0xFFFFFFF0)  # behind the first point and the count
    (tmp_path / "a.laz").write_bytes(body)
    assert "a part is not as long as its layers" in refusal_of(tmp_path / "a.laz")


# PLY, OBJ, Draco


def test_ply_points_keep_normals_and_colours(tmp_path):
    header = "ply\nformat ascii 1.0\nelement vertex 3\n"
    names = ("float x", "float y", "float z", "float nx", "float ny", "float nz")
    header += "".join(f"property {name}\n" for name in (*names, "uchar red", "uchar green", "uchar blue"))
    rows = "0 0 0 0 0 2 255 0 0\n1 2 3 0 1 0 0 188 0\nnan 0 1e309 1 0 0 0 0 0\n"
    (tmp_path / "a.ply").write_text(header + "end_header\n" + rows)
    loaded = load_mesh_file(tmp_path / "a.ply")
    assert column(loaded.document, "POSITION").tolist() == [[0, 0, 0], [1, 2, 3]]
    assert column(loaded.document, "NORMAL").tolist() == [[0, 0, 1], [0, 1, 0]]
    assert column(loaded.document, "COLOR_0") == pytest.approx(
        np.array([[1, 0, 0], [0, 0.502886, 0]]), abs=1e-6
    )
    assert loaded.frame == UNSTATED_FRAME
    assert messages(loaded) == [
        "The file holds 2 points and no triangles: it is shown as points.",
        "1 of 3 points have a coordinate that is not a number or is infinite; they were left out.",
    ]
    assert "KHR_materials_unlit" not in loaded.document.json.get("extensionsUsed", [])


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("ply/edge/points_ascii.ply", 5),
        ("ply/edge/points_bin.ply", 5),
        ("ply/edge_draco/float_inf_point_cloud.ply", 13),
        ("gltf-compressed/pc_color.drc", 7733),
        ("pointcloud/points_agisoft.xyz", 100),
    ],
)
def test_other_shared_clouds(shared, name, points):
    loaded = load_mesh_file(shared / "assets" / name)
    assert len(column(loaded.document, "POSITION")) == points
    assert loaded.document.json["extensionsUsed"] == ["KHR_materials_unlit"]
    assert f"The file holds {points:,} points" in messages(loaded)[0]


def test_an_obj_of_points_is_a_cloud(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0 255 0 0\nv 1 0 0 0 255 0\n")
    loaded = load_mesh_file(tmp_path / "a.obj")
    assert column(loaded.document, "POSITION").tolist() == [[0, 0, 0], [1, 0, 0]]
    assert column(loaded.document, "COLOR_0").tolist() == [[1, 0, 0], [0, 1, 0]]


def test_points_none_of_which_is_a_number_are_refused(tmp_path):
    (tmp_path / "a.xyz").write_text("nan 0 0\n0 inf 0\n0 0 1e309\n")
    assert "None of the 3 points" in refusal_of(tmp_path / "a.xyz")


@pytest.mark.parametrize("name", ["car.drc", "cube_att_sub_o_2.drc"])
def test_bare_draco_meshes_are_read(shared, name):
    loaded = load_mesh_file(shared / "assets/gltf-compressed" / name)
    primitive = loaded.document.json["meshes"][0]["primitives"][0]
    assert set(primitive["attributes"]) == {"POSITION", "NORMAL", "TEXCOORD_0"}
    triangles = {"car.drc": 1744, "cube_att_sub_o_2.drc": 12}[name]
    assert loaded.document.accessors[primitive["indices"]].count == 3 * triangles


def test_spoilt_draco_is_refused_or_read(tmp_path, shared):
    random = np.random.default_rng(4)
    path = tmp_path / "a.drc"
    for name in ("cube_att_sub_o_2.drc", "pc_color.drc"):
        body = (shared / "assets/gltf-compressed" / name).read_bytes()
        for length in range(5, min(len(body), 277), 9):
            path.write_bytes(body[:length])
            assert "damaged" in refusal_of(path) or len(body) > 1000
    for count in (0xFFFFFFFF, 1 << 31):
        body = bytearray((shared / "assets/gltf-compressed/pc_color.drc").read_bytes())
        struct.pack_into("<I", body, 11, count)
        path.write_bytes(body)
        assert "claims more data than it can hold" in refusal_of(path)
    body = (shared / "assets/gltf-compressed/cube_att_sub_o_2.drc").read_bytes()
    for _ in range(100):
        spoilt = bytearray(body)
        spoilt[random.integers(9, len(body))] = random.integers(256)
        path.write_bytes(spoilt)
        try:
            load_mesh_file(path)
        except Refused:
            continue


# text


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("1 2 3\n4 5 6\n", {"POSITION"}),
        ("1,2,3\n4,5,6\n", {"POSITION"}),
        ("1;2;3\r\n4;5;6\r\n", {"POSITION"}),
        ("1\t2\t3\r4\t5\t6", {"POSITION"}),
        ("\ufeff1 2 3\n4 5 6\n\n\n", {"POSITION"}),
        ("# made by hand\n1 2 3\n4 5 6 # the last\n", {"POSITION"}),
        ("2\n1 2 3\n4 5 6\n", {"POSITION"}),
        ("1 2 3 255 128 0\n4 5 6 0 0 0\n", {"POSITION", "COLOR_0"}),
        ("1 2 3 1.0 0.5 0.0\n4 5 6 0 0 0.5\n", {"POSITION", "COLOR_0"}),
        ("1 2 3 0 0 1\n4 5 6 0.6 0.8 0\n", {"POSITION", "NORMAL"}),
        ("1 2 3 -700 255 0 0\n4 5 6 900 0 255 0\n", {"POSITION", "COLOR_0"}),
        ("1 2 3 255 0 0 0 0 1\n4 5 6 0 0 0 0 1 0\n", {"POSITION", "COLOR_0", "NORMAL"}),
        ("1 2 3 0 0 1 255 0 0\n4 5 6 0 1 0 0 7 0\n", {"POSITION", "COLOR_0", "NORMAL"}),
        ("1 2 3 120.5\n4 5 6 300\n", {"POSITION", "COLOR_0"}),
        ("1 2 3 900 1000 7777\n4 5 6 0 0 0\n", {"POSITION"}),
    ],
)
def test_columns_of_text_are_told_by_their_values(tmp_path, body, attributes):
    (tmp_path / "a.xyz").write_text(body, encoding="utf-8")
    loaded = load_mesh_file(tmp_path / "a.xyz")
    assert column(loaded.document, "POSITION").tolist() == [[1, 2, 3], [4, 5, 6]]
    assert set(loaded.document.json["meshes"][0]["primitives"][0]["attributes"]) == attributes
    told = any("does not name its columns" in message for message in messages(loaded))
    assert told == (len(body.splitlines()[-1].split()) > 3 and "#" not in body)


def test_columns_that_are_named_are_taken_by_name(tmp_path):
    (tmp_path / "a.txt").write_text("//R G B X Y Z\n255 0 0 1 2 3\n0 255 0 4 5 6\n")
    loaded = load_mesh_file(tmp_path / "a.txt")
    assert column(loaded.document, "POSITION").tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (column(loaded.document, "COLOR_0") // 65535).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert len(messages(loaded)) == 1


def test_coordinates_of_a_map_keep_their_millimetres(tmp_path, shared):
    (tmp_path / "a.xyz").write_text("665187.001 5648349.002 1.003\n665188.004 5648350.005 1.006\n")
    loaded = load_mesh_file(tmp_path / "a.xyz")
    positions = column(loaded.document, "POSITION")
    assert (positions[1] - positions[0]).tolist() == pytest.approx([1.003, 1.003, 0.003], abs=1e-6)
    origin = loaded.document.json["asset"]["extras"][SOURCE_KEY]["origin"]
    assert origin == [665188.0, 5648350.0, 1.0]
    assert "665188, 5648350, 1 was taken away" in messages(loaded)[1]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 2 3\n4 5\n7 8 9\n", "A line has 2 numbers where the first has 3"),
        ("1 2 3\n4 5 x\n7 8 9\n", "'x' where a number should be"),
        ("ncols 4\nnrows 6\n1 2 3\n", "not a list of points"),
        ("3\nwater\nO 0 0 0\nH 1 0 0\n", "not a list of points"),
        ("1 2 3 4 5 6 7 8 9 10\n", "not a list of points"),
        ("# nothing\n", "not a list of points"),
        ("1,5 2,5 3,5\n1,5 2,5 3,5\n", "decimal commas"),
        ("1 2 3\n" + "4" * 100_000, "longer than"),
    ],
)
def test_text_that_is_no_cloud_is_refused_in_words(tmp_path, body, message):
    (tmp_path / "a.xyz").write_text(body)
    assert message in refusal_of(tmp_path / "a.xyz")


def test_a_line_of_a_hundred_megabytes_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "a.xyz"
    with path.open("wb") as file:
        file.write(b"1 2 3\n4 5 6\n")
        for _ in range(100):
            file.write(b"7" * (1 << 20))
    tracemalloc.start()
    said = refusal_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "A line is longer than" in said
    assert peak < 64 << 20


def test_text_is_thinned_like_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(point_cloud, "MAX_POINTS", 10)
    (tmp_path / "a.xyz").write_text("".join(f"{i} 0 0\n" for i in range(25)))
    loaded = load_mesh_file(tmp_path / "a.xyz")
    assert column(loaded.document, "POSITION")[:, 0].tolist() == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22]


# through the pipeline


@pytest.mark.parametrize(
    ("name", "points"), [("pointcloud/autzen_trim.laz", 110_000), ("gltf-compressed/pc_color.drc", 7733)]
)
def test_a_cloud_goes_through_the_steps_and_is_valid(shared, tmp_path, validate: Validate, name, points):
    document = load_mesh_file(shared / "assets" / name).document
    made = quantize(reorder(weld(prune(document))), position_bits=14, uv_bits=12)
    path = tmp_path / "model.glb"
    path.write_bytes(write_glb(made, WriteOptions()))
    assert validate([path])[path]["errors"] == []
    read, warnings = load_gltf(path)
    assert warnings == ()
    assert (measure(read).points, measure(read).triangles) == (points, 0)
    assert read.json["asset"].get("extras") == document.json["asset"].get("extras")
    low, high = measure(document).bounds_m
    for wanted, got in zip(
        (*low, *high), (*measure(read).bounds_m[0], *measure(read).bounds_m[1]), strict=True
    ):
        assert got == pytest.approx(wanted, abs=0.03)
