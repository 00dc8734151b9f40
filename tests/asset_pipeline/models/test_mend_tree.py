"""Slips that the Khronos validator calls errors: mended, said, and gone from what is written."""

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.run import run_model
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, glb_json

Tree = dict[str, Any]
FLOATS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


def tree_of(columns: dict[str, tuple[str, list[list[float]]]], **more: Any) -> Tree:
    """A glTF whose accessors are float columns, numbered in order."""
    body, views, accessors = b"", [], []
    for name, (kind, rows) in columns.items():
        array = np.array(rows, np.float32)
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": array.nbytes})
        accessor = {"bufferView": len(views) - 1, "componentType": 5126, "count": len(rows), "type": kind}
        if name in ("POSITION", "times"):
            accessor["min"], accessor["max"] = array.min(0).tolist(), array.max(0).tolist()
        accessors.append(accessor)
        body += array.tobytes()
    uri = "data:application/octet-stream;base64," + base64.b64encode(body).decode()
    return {
        "asset": {"version": "2.0"},
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"uri": uri, "byteLength": len(body)}],
        **more,
    }


CORNERS = ("VEC3", [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
UVS = ("VEC2", [[0, 0], [1, 0], [0, 1]])
UP = ("VEC3", [[0, 0, 1]] * 3)


def bare(**more: Any) -> Tree:
    return {"asset": {"version": "2.0"}, **more}


def light(**spot: Any) -> Tree:
    lights = {"KHR_lights_punctual": {"lights": [{"type": "spot", **spot}]}}
    return bare(extensionsUsed=["KHR_lights_punctual"], extensions=lights)


def variants(mappings: list[Tree], **more: Any) -> Tree:
    primitive = {
        "attributes": {"POSITION": 0},
        "extensions": {"KHR_materials_variants": {"mappings": mappings}},
    }
    tree = tree_of({"POSITION": CORNERS}, meshes=[{"primitives": [primitive]}], materials=[{}, {}])
    return tree | {"nodes": [{"mesh": 0}], "extensionsUsed": ["KHR_materials_variants"], **more}


def animated(keys: int, **sampler: Any) -> Tree:
    tree = tree_of(
        {"times": ("SCALAR", [[float(key)] for key in range(keys)]), "values": ("VEC3", [[9, 9, 9]] * keys)}
    )
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    animation = {"channels": [channel], "samplers": [{"input": 0, "output": 1, **sampler}]}
    return tree | {"nodes": [{}], "animations": [animation]}


def tangentless(columns: dict[str, Any], extension: Tree, **primitive: Any) -> Tree:
    attributes = {name: index for index, name in enumerate(columns)}
    return tree_of(columns) | {
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "material": 0, **primitive}]}],
        "textures": [{}],
        "materials": [{"extensions": extension}],
        "extensionsUsed": list(extension),
    }


def changed(tree: Tree, **changes: Any) -> Tree:
    """The tree with values put at paths like `animations__0__channels__0__target`."""
    copy = json.loads(json.dumps(tree))
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        owner = copy
        for step in way:
            owner = owner[step]
        owner[last] = value
    return copy


SHEEN = {"KHR_materials_sheen": {"sheenRoughnessFactor": 0.5}}
COAT = {"KHR_materials_clearcoat": {"clearcoatNormalTexture": {"index": 0}}}
BRUSHED = {"KHR_materials_anisotropy": {"anisotropyTexture": {"index": 0}}}
VARIANT_NAMES = {"KHR_materials_variants": {"variants": [{"name": "a"}, {"name": "b"}]}}
SKINNED = {"POSITION": CORNERS, "WEIGHTS_0": ("VEC4", [[1, 0, 0, 0]] * 3)}


def skinned(joint: Tree) -> Tree:
    tree = tree_of(SKINNED)
    tree["accessors"].append({"componentType": 5121, "count": 3, "type": "VEC4"})
    mesh = {"primitives": [{"attributes": {"POSITION": 0, "WEIGHTS_0": 1, "JOINTS_0": 2}}]}
    nodes = [{"children": [1]}, joint, {"mesh": 0, "skin": 0}]
    return tree | {"meshes": [mesh], "nodes": nodes, "skins": [{"joints": [1]}], "scenes": [{"nodes": [2]}]}


CASES: dict[str, tuple[Tree, str, Callable[[Tree], object], object]] = {
    "an extension where it does not belong": (
        bare(materials=[{"pbrMetallicRoughness": {"extensions": SHEEN}}], extensionsUsed=list(SHEEN)),
        "/materials/0/pbrMetallicRoughness/extensions/KHR_materials_sheen",
        lambda out: out["materials"],
        [{"pbrMetallicRoughness": {}}],
    ),
    "an extension on a sampler, one on a scene": (
        bare(samplers=[{"extensions": {"KHR_materials_unlit": {}}}], nodes=[{}], scenes=[{"nodes": [0]}]),
        "/samplers/0/extensions/KHR_materials_unlit",
        lambda out: out["samplers"],
        [{}],
    ),
    "ior between 0 and 1": (
        bare(
            materials=[{"extensions": {"KHR_materials_ior": {"ior": ior}}} for ior in (0, 0.5, 1.5)],
            extensionsUsed=["KHR_materials_ior"],
        ),
        "/materials/1/extensions/KHR_materials_ior/ior",
        lambda out: [material["extensions"]["KHR_materials_ior"]["ior"] for material in out["materials"]],
        [0, 1, 1.5],
    ),
    "two lenses": (
        bare(
            cameras=[
                {"type": "perspective", "perspective": {"yfov": 1, "znear": 1}, "orthographic": {
                    "xmag": 1, "ymag": 1, "zfar": 2, "znear": 1}}
            ]
        ),
        "/cameras/0",
        lambda out: sorted(out["cameras"][0]),
        ["perspective", "type"],
    ),
    "a camera of no width": (
        bare(
            cameras=[{"type": "orthographic", "orthographic": {"xmag": 0, "ymag": 3, "zfar": 2, "znear": 1}}]
        ),
        "/cameras/0/orthographic/xmag",
        lambda out: out["cameras"][0]["orthographic"]["xmag"],
        3,
    ),
    "a spot light without spot": (
        light(),
        "/extensions/KHR_lights_punctual/lights/0",
        lambda out: out["extensions"]["KHR_lights_punctual"]["lights"],
        [{"type": "spot", "spot": {}}],
    ),
    "cones crossed": (
        light(spot={"innerConeAngle": 0.2, "outerConeAngle": 0.1}),
        "/extensions/KHR_lights_punctual/lights/0/spot",
        lambda out: out["extensions"]["KHR_lights_punctual"]["lights"][0]["spot"],
        {"innerConeAngle": 0.99 * 0.1, "outerConeAngle": 0.1},
    ),
    "a light of an unknown type": (
        changed(light(), extensions__KHR_lights_punctual__lights__0__type="spherical")
        | {"nodes": [{"extensions": {"KHR_lights_punctual": {"light": 0}}}]},
        "/nodes/0",
        lambda out: (out["nodes"], out["extensions"]["KHR_lights_punctual"]["lights"]),
        ([{}], [{"type": "spherical"}]),
    ),
    "a variant twice": (
        variants(
            [{"material": 0, "variants": [1, 0]}, {"material": 1, "variants": [0]}], extensions=VARIANT_NAMES
        ),
        "/meshes/0/primitives/0/extensions/KHR_materials_variants",
        lambda out: out["meshes"][0]["primitives"][0]["extensions"]["KHR_materials_variants"]["mappings"],
        [{"material": 0, "variants": [1, 0]}],
    ),
    "variants without names": (
        variants([{"material": 0, "variants": [0]}]),
        "/meshes/0/primitives/0/extensions/KHR_materials_variants",
        lambda out: "extensions" in out["meshes"][0]["primitives"][0],
        False,
    ),
    "weights without a mesh": (
        bare(nodes=[{"weights": [0.5]}]),
        "/nodes/0/weights",
        lambda out: out["nodes"],
        [{}],
    ),
    "a spline of one key": (
        changed(animated(1, interpolation="CUBICSPLINE"), accessors__1__count=1)
        | tree_of({"times": ("SCALAR", [[0]]), "values": ("VEC3", [[7, 7, 7], [1, 2, 3], [8, 8, 8]])}),
        "/animations/0/samplers/0",
        lambda out: out["animations"][0]["samplers"][0]["interpolation"],
        "STEP",
    ),
    "key times without data": (
        changed(animated(2), accessors__0={"componentType": 5126, "count": 2, "type": "SCALAR"}),
        "/animations/0/channels/0",
        lambda out: "animations" in out,
        False,
    ),
    "a pointer to nothing": (
        changed(animated(2), animations__0__channels__0__target={"path": "pointer"}),
        "/animations/0/channels/0",
        lambda out: "animations" in out,
        False,
    ),
    "a pointer with a node": (
        changed(
            animated(2),
            animations__0__channels__0__target={
                "path": "pointer",
                "node": 0,
                "extensions": {"KHR_animation_pointer": {"pointer": "/nodes/0/translation"}},
            },
            extensionsUsed=["KHR_animation_pointer"],
        ),
        "/animations/0/channels/0/target/node",
        lambda out: sorted(out["animations"][0]["channels"][0]["target"]),
        ["extensions", "path"],
    ),
    "tangents of a strip": (
        tangentless({"POSITION": CORNERS, "NORMAL": UP, "TEXCOORD_0": UVS}, COAT, mode=5),
        "/meshes/0",
        lambda out: "TANGENT" in out["meshes"][0]["primitives"][0]["attributes"],
        True,
    ),
    "no normals to make tangents of": (
        tangentless({"POSITION": CORNERS, "TEXCOORD_0": UVS}, BRUSHED),
        "/meshes/0",
        lambda out: (out["meshes"][0]["primitives"][0]["material"], out["materials"]),
        (1, [{"extensions": BRUSHED}, {"extensions": {"KHR_materials_anisotropy": {}}}]),
    ),
    "joints outside the scene": (
        skinned({"name": "joint"}),
        "/scenes/0",
        lambda out: out["scenes"],
        [{"nodes": [2, 0]}],
    ),
    "a required extension that is not declared": (
        bare(materials=[{"extensions": SHEEN}], extensionsRequired=list(SHEEN)),
        "",
        lambda out: (out["extensionsUsed"], out["extensionsRequired"]),
        (list(SHEEN), list(SHEEN)),
    ),
    "a picture nobody shows": (
        bare(images=[{"uri": "data:text/plain;base64,AAAA"}]),
        "",
        lambda out: "images" in out,
        False,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """Every case through a recipe: the file, and where the warnings point."""
    results = {}
    for number, (name, (tree, *_)) in enumerate(CASES.items()):
        folder = tmp_path_factory.mktemp(f"mend{number}")
        (folder / "master.gltf").write_text(json.dumps(tree))
        (outcome,) = run_model(folder / "master.gltf", recipes=["thumb"], workdir=folder)
        assert not outcome.refused, outcome.problems
        results[name] = (folder / "thumb" / "model.glb", [problem.where for problem in outcome.problems])
    return results


@pytest.mark.parametrize("name", CASES)
def test_it_is_mended_and_said(done: dict[str, tuple[Path, list[str]]], name: str) -> None:
    path, warned = done[name]
    _, where, look, wanted = CASES[name]
    assert look(glb_json(path)) == wanted
    assert warned == [where] * (name != "a required extension that is not declared")


def test_what_is_written_is_valid(done: dict[str, tuple[Path, list[str]]], validate: Validate) -> None:
    reports = validate([path for path, _ in done.values()])
    assert {path: report["errors"] for path, report in reports.items() if report["errors"]} == {}


def written(tmp_path: Path, tree: Tree) -> Path:
    path = tmp_path / "model.gltf"
    path.write_text(json.dumps(tree))
    return path


def test_the_one_value_of_a_spline_is_kept(tmp_path: Path) -> None:
    document, _ = load_gltf(written(tmp_path, CASES["a spline of one key"][0]))
    output = document.json["animations"][0]["samplers"][0]["output"]
    assert document.accessors[output].array.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (skinned({"mesh": 0}), "and they carry meshes"),
        (changed(skinned({}), meshes__0__primitives__0__targets=[{}]), "targets/0: the object is empty"),
        (changed(skinned({}), meshes__0__primitives__0__attributes={}), "attributes: the object is empty"),
        (variants([{"material": 0, "variants": [2]}], extensions=VARIANT_NAMES), "points to variant 2 of 2"),
        (
            changed(variants([{"material": 0, "variants": [0]}]), accessors__0__type="VEC5"),
            "unknown type, 'VEC5'",
        ),
        (changed(animated(2), buffers__0={"byteLength": 99}), "a buffer that holds no data"),
    ],
)
def test_what_cannot_be_mended_is_refused(tmp_path: Path, tree: Tree, said: str) -> None:
    with pytest.raises(Refused, match=said):
        load_gltf(written(tmp_path, tree))


def test_what_nothing_uses_may_be_odd(tmp_path: Path) -> None:
    tree = bare(
        accessors=[{"componentType": 5126, "count": 1, "type": "VEC5", "bufferView": 0}],
        bufferViews=[{"buffer": 0, "byteLength": 4}],
        buffers=[{"byteLength": 4}],
        textures=[{"extensions": {"EXT_texture_webp": {}}}],
        extensionsUsed=["EXT_texture_webp"],
    )
    document, warnings = load_gltf(written(tmp_path, tree))
    assert (document.accessors, len(warnings)) == ((), 1)


def test_a_texture_without_any_picture_is_kept(tmp_path: Path) -> None:
    tree = tree_of(
        {"POSITION": CORNERS, "TEXCOORD_0": UVS},
        textures=[{"extensions": {"EXT_texture_webp": {}}}],
        materials=[{"emissiveTexture": {"index": 0}}],
        meshes=[{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}]}],
        nodes=[{"mesh": 0}],
        extensionsUsed=["EXT_texture_webp"],
    )
    (outcome,) = run_model(written(tmp_path, tree), recipes=["thumb"], workdir=tmp_path)
    assert glb_json(outcome.drafts[0].folder / "model.glb")["textures"] == [{}]


def test_a_data_uri_may_be_plain_text(tmp_path: Path) -> None:
    tree = tree_of({"POSITION": CORNERS}, meshes=[{"primitives": [{"attributes": {"POSITION": 0}}]}])
    plain = "".join(f"%{byte:02x}" for byte in np.array(CORNERS[1], np.float32).tobytes())
    tree["buffers"][0]["uri"] = "data:application/octet-stream," + plain
    assert load_gltf(written(tmp_path, tree))[0].accessors[0].array.tolist() == CORNERS[1]


def test_bytes_behind_a_glb_are_ignored(tmp_path: Path) -> None:
    text = b'{"asset":{"version":"2.0"}} '
    body = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text
    (tmp_path / "a.glb").write_bytes(body + b"mp4")
    _, (problem,) = load_gltf(tmp_path / "a.glb")
    assert problem.message == "3 bytes stand behind the end of the GLB; they were ignored."
    (tmp_path / "b.glb").write_bytes(body[:-1])
    with pytest.raises(Refused, match="says it is 48 bytes long, but it has 47"):
        load_gltf(tmp_path / "b.glb")
