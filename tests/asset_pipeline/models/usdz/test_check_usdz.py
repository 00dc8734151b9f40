"""Each rule of `check_usdz` against a package with one defect planted: it must be found, and it alone."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, Vt

from asset_pipeline.models.usdz import check_usdz, write_usdz
from asset_pipeline.models.usdz.limits import UsdzLimits
from asset_pipeline.models.usdz.package import NotAPackage, read_entries, write_package
from tests.asset_pipeline.models.usdz.conftest import textured_sheet
from tests.asset_pipeline.models.usdz.pictures import encoded, picture, png

MATERIAL = {
    "pbrMetallicRoughness": {
        "baseColorTexture": {"index": 0},
        "metallicRoughnessTexture": {"index": 1},
    },
    "normalTexture": {"index": 2},
    "emissiveTexture": {"index": 3},
    "emissiveFactor": [1, 1, 1],
}
Files = dict[str, bytes]
MESH, SURFACE = "/Model/Node/Mesh", "/Model/Materials/Material/Surface"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.usdz"
    assert write_usdz(textured_sheet(**MATERIAL), path) == ()
    assert check_usdz(path) == []
    return path


def files_of(path: Path) -> Files:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def with_stage(path: Path, change: Callable[[Any], object]) -> Path:
    """The package with its scene changed."""
    files = files_of(path)
    layer = path.with_name("model.usdc")
    layer.write_bytes(files["model.usdc"])
    stage = Usd.Stage.Open(str(layer))
    change(stage)
    stage.GetRootLayer().Export(str(path.with_name("changed.usdc")))
    files["model.usdc"] = path.with_name("changed.usdc").read_bytes()
    bad = path.with_name("bad.usdz")
    write_package(list(files.items()), bad)
    return bad


def mesh(stage: Any) -> Any:
    return UsdGeom.Mesh.Get(stage, MESH)


def shader(stage: Any, name: str) -> Any:
    return UsdShade.Shader.Get(stage, f"/Model/Materials/Material/{name}")


def messages(path: Path, limits: UsdzLimits | None = None) -> list[str]:
    problems = check_usdz(path) if limits is None else check_usdz(path, limits)
    return [f"{problem.where}: {problem.message}" for problem in problems]


def no_default_prim(stage: Any) -> None:
    stage.ClearDefaultPrim()


def scope_as_default(stage: Any) -> None:
    UsdGeom.Scope.Define(stage, "/Other")
    stage.SetDefaultPrim(stage.GetPrimAtPath("/Other"))


def z_up(stage: Any) -> None:
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)


def no_up_axis(stage: Any) -> None:
    stage.ClearMetadata("upAxis")


def no_unit(stage: Any) -> None:
    stage.ClearMetadata("metersPerUnit")


def centimetres(stage: Any) -> None:
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)


def long_animation(stage: Any) -> None:
    stage.SetTimeCodesPerSecond(24)
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(241)


def reference(stage: Any) -> None:
    stage.DefinePrim("/Model/Other").GetReferences().AddReference("/elsewhere/other.usda")


def sublayer(stage: Any) -> None:
    stage.GetRootLayer().subLayerPaths.append("other.usda")


def lost_texture(stage: Any) -> None:
    shader(stage, "baseColor").GetInput("file").Set(Sdf.AssetPath("textures/9.png"))


def outside_texture(stage: Any) -> None:
    shader(stage, "baseColor").GetInput("file").Set(Sdf.AssetPath("../textures/0.png"))


def no_texture_file(stage: Any) -> None:
    shader(stage, "baseColor").GetInput("file").GetAttr().Clear()


def smooth_subdivision(stage: Any) -> None:
    mesh(stage).GetSubdivisionSchemeAttr().Set("catmullClark")


def default_subdivision(stage: Any) -> None:
    mesh(stage).GetSubdivisionSchemeAttr().Clear()


def no_extent(stage: Any) -> None:
    mesh(stage).GetExtentAttr().Clear()


def wrong_extent(stage: Any) -> None:
    low, high = mesh(stage).GetExtentAttr().Get()
    mesh(stage).GetExtentAttr().Set([low, high * 1.001])


def no_normals(stage: Any) -> None:
    mesh(stage).GetNormalsAttr().Clear()


def few_normals(stage: Any) -> None:
    mesh(stage).GetNormalsAttr().Set(list(mesh(stage).GetNormalsAttr().Get())[:-1])


def broken_normal(stage: Any) -> None:
    normals = np.array(mesh(stage).GetNormalsAttr().Get())
    normals[3, 1] = np.nan
    mesh(stage).GetNormalsAttr().Set(Vt.Vec3fArray.FromNumpy(normals))


def broken_point(stage: Any) -> None:
    points = np.array(mesh(stage).GetPointsAttr().Get())
    points[0, 0] = np.inf
    mesh(stage).GetPointsAttr().Set(Vt.Vec3fArray.FromNumpy(points))


def broken_uv(stage: Any) -> None:
    st = UsdGeom.PrimvarsAPI(mesh(stage)).GetPrimvar("st")
    values = np.array(st.Get())
    values[1] = np.nan
    st.Set(Vt.Vec2fArray.FromNumpy(values))


def few_uv(stage: Any) -> None:
    st = UsdGeom.PrimvarsAPI(mesh(stage)).GetPrimvar("st")
    st.Set(list(st.Get())[1:])


def no_uv(stage: Any) -> None:
    UsdGeom.PrimvarsAPI(mesh(stage)).RemovePrimvar("st")


def lost_vertex(stage: Any) -> None:
    corners = list(mesh(stage).GetFaceVertexIndicesAttr().Get())
    mesh(stage).GetFaceVertexIndicesAttr().Set([25, *corners[1:]])


def lost_corner(stage: Any) -> None:
    corners = list(mesh(stage).GetFaceVertexIndicesAttr().Get())
    mesh(stage).GetFaceVertexIndicesAttr().Set(corners[:-1])


def empty_mesh(stage: Any) -> None:
    for attribute in (mesh(stage).GetFaceVertexIndicesAttr(), mesh(stage).GetFaceVertexCountsAttr()):
        attribute.Set([])


def no_mesh(stage: Any) -> None:
    stage.RemovePrim(MESH)


def unbound(stage: Any) -> None:
    mesh(stage).GetPrim().RemoveProperty("material:binding")


def other_surface(stage: Any) -> None:
    shader(stage, "Surface").SetShaderId("ND_standard_surface_surfaceshader")


def transform_node(stage: Any) -> None:
    UsdShade.Shader.Define(stage, "/Model/Materials/Material/shift").SetShaderId("UsdTransform2d")


def second_uv(stage: Any) -> None:
    other = UsdShade.Shader.Define(stage, "/Model/Materials/Material/st1")
    other.SetShaderId("UsdPrimvarReader_float2")
    other.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st1")
    shader(stage, "normal").GetInput("st").ConnectToSource(other.ConnectableAPI(), "result")
    UsdGeom.PrimvarsAPI(mesh(stage)).CreatePrimvar(
        "st1", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex
    ).Set([Gf.Vec2f(0, 0)] * 25)


def linear_colour(stage: Any) -> None:
    shader(stage, "baseColor").GetInput("sourceColorSpace").Set("raw")


def srgb_numbers(stage: Any) -> None:
    shader(stage, "normal").GetInput("sourceColorSpace").Set("sRGB")


def unspread_normals(stage: Any) -> None:
    shader(stage, "normal").GetInput("bias").Set(Gf.Vec4f(0, 0, 0, 0))


def vertex_colours(stage: Any) -> None:
    surface = shader(stage, "Surface").GetInput("diffuseColor")
    surface.GetAttr().ClearConnections()
    display = mesh(stage).CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
    display.Set([Gf.Vec3f(index / 25, 0, 0) for index in range(25)])


def points(stage: Any) -> None:
    UsdGeom.Points.Define(stage, "/Model/Dots")


def instancer(stage: Any) -> None:
    UsdGeom.PointInstancer.Define(stage, "/Model/Many")


def two_skeletons(stage: Any) -> None:
    UsdSkel.Skeleton.Define(stage, "/Model/One")
    UsdSkel.Skeleton.Define(stage, "/Model/Two")


STAGE_DEFECTS: list[tuple[Callable[[Any], None], str]] = [
    (no_default_prim, "stage: it has no default prim."),
    (scope_as_default, "stage: its default prim has no place in space: want an Xform."),
    (z_up, "stage: its up axis is not Y."),
    (no_up_axis, "stage: its up axis is not Y."),
    (no_unit, "stage: it does not say its unit; USD's default is the centimetre."),
    (centimetres, "stage: its unit is 0.01 m, want 1 m."),
    (long_animation, "stage: its animation takes 10.0417 s; 10 s are taken."),
    (reference, "stage: it is composed with another file: /elsewhere/other.usda."),
    (sublayer, "stage: it is composed with another file: other.usda."),
    (lost_texture, "the package has no file 'textures/9.png'."),
    (outside_texture, "the package has no file '../textures/0.png'."),
    (no_texture_file, "/Model/Materials/Material/baseColor: the texture names no file."),
    (smooth_subdivision, f"{MESH}: its subdivision scheme is not `none`."),
    (default_subdivision, f"{MESH}: its subdivision scheme is not `none`."),
    (no_extent, f"{MESH}: it has no extent."),
    (wrong_extent, f"{MESH}: its extent is not that of its points."),
    (no_normals, f"{MESH}: it has no normals."),
    (few_normals, f"{MESH}: it has 24 normals at interpolation vertex, want 25."),
    (broken_normal, f"{MESH}: normals are not finite numbers."),
    (broken_point, f"{MESH}: points are not finite numbers."),
    (broken_uv, f"{MESH}: st holds what is no finite number."),
    (few_uv, f"{MESH}: st has 24 values, want 25."),
    (no_uv, f"{MESH}: its material reads the UV set 'st', which it does not have."),
    (lost_vertex, f"{MESH}: its faces point to vertices that are not there."),
    (lost_corner, f"{MESH}: its faces point to vertices that are not there."),
    (empty_mesh, f"{MESH}: the mesh is empty."),
    (no_mesh, "stage: it shows no mesh."),
    (unbound, f"{MESH}: its material is no UsdPreviewSurface."),
    (other_surface, f"{MESH}: its material is no UsdPreviewSurface."),
    (transform_node, "/Model/Materials/Material/shift: the shader UsdTransform2d is not shown."),
    (second_uv, "/Model/Materials/Material: it reads 2 UV sets; AR Quick Look reads one."),
    (linear_colour, "/Model/Materials/Material/baseColor: it is read as raw for diffuseColor, want sRGB."),
    (srgb_numbers, "/Model/Materials/Material/normal: it is read as sRGB for normal, want raw."),
    (
        unspread_normals,
        "/Model/Materials/Material/normal: normals want scale (2, 2, 2) and bias (-1, -1, -1).",
    ),
    (
        vertex_colours,
        f"{MESH}: its colours stand at the vertices only; AR Quick Look does not show them.",
    ),
    (points, "/Model/Dots: Points is not drawn by AR Quick Look."),
    (instancer, "/Model/Many: PointInstancer is not drawn by AR Quick Look."),
    (two_skeletons, "stage: it has 2 skeletons; AR Quick Look shows one."),
]


@pytest.mark.parametrize(
    ("plant", "message"), STAGE_DEFECTS, ids=[plant.__name__ for plant, _ in STAGE_DEFECTS]
)
def test_a_planted_defect_of_the_scene_is_found_and_it_alone(
    good: Path, plant: Callable[[Any], None], message: str
) -> None:
    found = messages(with_stage(good, plant))
    assert len(found) == 1
    assert found[0].endswith(message)


def test_changing_nothing_finds_nothing(good: Path) -> None:
    assert messages(with_stage(good, lambda stage: None)) == []


def test_the_number_of_triangles_is_limited(good: Path) -> None:
    assert messages(good, UsdzLimits(triangles=32)) == []
    assert messages(good, UsdzLimits(triangles=31)) == ["stage: it has 32 triangles; at most 31 are taken."]


def test_the_size_of_the_package_is_limited(good: Path) -> None:
    size = good.stat().st_size
    assert messages(good, UsdzLimits(package_bytes=size)) == []
    assert messages(good, UsdzLimits(package_bytes=size - 1)) == [
        f"package: the file has {size} bytes; at most {size - 1} are taken."
    ]


def test_the_decoded_size_of_textures_is_limited(good: Path) -> None:
    decoded = 4 * (8 * 8 * 4 * 4 // 3)
    assert messages(good, UsdzLimits(decoded_bytes=decoded)) == []
    assert messages(good, UsdzLimits(decoded_bytes=decoded - 1)) == [
        f"package: its textures take {decoded} bytes decoded; {decoded - 1} are taken."
    ]


def test_the_pixels_of_textures_are_limited(good: Path) -> None:
    files = files_of(good)
    for side, found in ((2048, []), (2049, ["has 2049 x 1 pixels; at most 2048 per side are taken."])):
        files["textures/0.png"] = png(side, 1)
        write_package(list(files.items()), good)
        assert [message[-len(want) :] for message, want in zip(messages(good), found, strict=True)] == found


def compressed(files: Files, path: Path) -> str:
    with zipfile.ZipFile(path, "w") as package:
        for name, body in files.items():
            kind = zipfile.ZIP_DEFLATED if name == "textures/0.png" else zipfile.ZIP_STORED
            package.writestr(name, body, kind)
    return "textures/0.png: the file is compressed; in USDZ files are only stored."


def unaligned(files: Files, path: Path) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
        for name, body in files.items():
            package.writestr(name, body)
    return "model.usdc: the file starts at byte 40, no multiple of 64."


def texture_first(files: Files, path: Path) -> str:
    write_package([*list(files.items())[1:], ("model.usdc", files["model.usdc"])], path)
    return "package: the first file in it is no binary USD layer (.usdc)."


def text_layer(files: Files, path: Path) -> str:
    write_package([("model.usdc", b"#usda 1.0\n"), *list(files.items())[1:]], path)
    return "package: the first file in it is no binary USD layer (.usdc)."


def layer_in_a_folder(files: Files, path: Path) -> str:
    write_package([("scene/model.usdc", files["model.usdc"]), *list(files.items())[1:]], path)
    return "package: the first file in it is no binary USD layer (.usdc)."


def webp_texture(files: Files, path: Path) -> str:
    body = encoded(picture(8, 8), "WEBP")
    write_package([*files.items(), ("textures/x.webp", body)], path)
    return "textures/x.webp: the file is neither a PNG nor a JPEG texture."


def disguised_texture(files: Files, path: Path) -> str:
    files["textures/0.png"] = encoded(picture(8, 8), "JPEG")
    write_package(list(files.items()), path)
    return "textures/0.png: the texture is image/jpeg, not what its name says."


def cut_texture(files: Files, path: Path) -> str:
    files["textures/0.png"] = files["textures/0.png"][:18]
    write_package(list(files.items()), path)
    return "textures/0.png: the texture cannot be read: the file ends inside its header."


def changed_byte(files: Files, path: Path) -> str:
    write_package(list(files.items()), path)
    body = bytearray(path.read_bytes())
    entry = read_entries(bytes(body))[1]
    body[entry.start + entry.stored_bytes - 1] ^= 1
    path.write_bytes(body)
    return "textures/0.png: the file is damaged: its checksum is wrong."


def same_name_twice(files: Files, path: Path) -> str:
    write_package([*files.items(), ("textures/0.png", files["textures/0.png"])], path)
    return "textures/0.png: two files have this name."


def encrypted(files: Files, path: Path) -> str:
    write_package(list(files.items()), path)
    body = bytearray(path.read_bytes())
    place = body.index(b"PK\x01\x02", body.index(b"PK\x01\x02") + 4)  # the second entry's
    struct.pack_into("<H", body, place + 8, 1)
    path.write_bytes(body)
    return "textures/0.png: the file is encrypted; USDZ knows no encryption."


@pytest.mark.parametrize(
    "plant",
    [
        compressed,
        unaligned,
        texture_first,
        text_layer,
        layer_in_a_folder,
        webp_texture,
        disguised_texture,
        cut_texture,
        changed_byte,
        same_name_twice,
        encrypted,
    ],
)
def test_a_planted_defect_of_the_container_is_found(
    good: Path, plant: Callable[[Files, Path], str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.usdz"
    wanted = plant(files_of(good), bad)
    assert wanted in messages(bad)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "it has no ZIP directory at its end"),
        (b"PK\x05\x06" + bytes(18), ""),
        (b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 46, 0, 0), "its ZIP directory is damaged"),
        (
            b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 60_000, 60_000, 46, 0, 0),
            "it has 60000 entries, more than 10000",
        ),
    ],
)
def test_what_is_no_package_is_said_in_one_problem(tmp_path: Path, body: bytes, message: str) -> None:
    path = tmp_path / "x.usdz"
    path.write_bytes(body)
    if message:
        with pytest.raises(NotAPackage, match=message):
            read_entries(body)
        assert messages(path) == [f"package: the file is no USDZ package: {message}."]
    else:
        assert messages(path) == ["package: the first file in it is no binary USD layer (.usdc)."]


def test_a_cut_package_is_refused_not_crashed_on(good: Path) -> None:
    body = good.read_bytes()
    for length in range(0, len(body), 97):
        good.write_bytes(body[:length])
        assert len(check_usdz(good)) == 1
    entries = read_entries(body)
    start = entries[0].start
    good.write_bytes(body[: start + 8] + bytes(200) + body[start + 208 :])  # a spoiled layer
    assert check_usdz(good)


def test_limits_must_be_positive() -> None:
    with pytest.raises(ValueError, match="want positive limits"):
        UsdzLimits(triangles=0)
