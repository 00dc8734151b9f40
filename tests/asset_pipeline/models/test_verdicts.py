"""Which device would take a file: every rule at its limit and one past it, and the rule that decided."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from asset_pipeline.models.verdicts import FileFacts, Verdict, device_verdicts, find_facts

MEASURES = {
    "triangles": 30_000,
    "triangles_drawn": 30_000,
    "vertices": 15_000,
    "materials": 1,
    "texture_px_max": 1024,
    "gpu_bytes": 8_000_000,
}
GLB = FileFacts("glb", size_bytes=1_000_000, uv_sets=1, draw_calls=1)
USDZ = FileFacts("usdz", size_bytes=1_000_000)


def verdict(device: str, facts: FileFacts, **measures: Any) -> Verdict:
    (found,) = (one for one in device_verdicts({**MEASURES, **measures}, facts) if one.device == device)
    return found


def test_a_device_is_asked_about_formats_that_it_opens() -> None:
    glb = [(one.device, one.holds) for one in device_verdicts(MEASURES, GLB)]
    assert glb == [("Scene Viewer", True), ("WebXR headset", True), ("Desktop browser", True)]
    assert [(one.device, one.holds) for one in device_verdicts(MEASURES, USDZ)] == [("AR Quick Look", True)]


@pytest.mark.parametrize(
    ("device", "measure", "limit", "rule"),
    [
        ("AR Quick Look", "triangles", 100_000, "at most 100,000 polygons"),
        ("AR Quick Look", "texture_px_max", 2048, "at most 2,048 px of texture"),
        ("Scene Viewer", "vertices", 30_000, "at most 30,000 vertices"),
        ("Scene Viewer", "materials", 10, "at most 10 materials"),
        ("Scene Viewer", "texture_px_max", 2048, "at most 2,048 px of texture"),
        ("WebXR headset", "triangles_drawn", 750_000, "at most 750,000 triangles drawn"),
        ("WebXR headset", "gpu_bytes", 256 * 2**20, "at most 256 MiB of graphics memory"),
        ("WebXR headset", "texture_px_max", 4096, "at most 4,096 px of texture"),
        ("Desktop browser", "gpu_bytes", 2**30, "at most 1,024 MiB of graphics memory"),
        ("Desktop browser", "texture_px_max", 8192, "at most 8,192 px of texture"),
    ],
)
def test_a_limit_holds_at_it_and_not_one_past_it(device: str, measure: str, limit: int, rule: str) -> None:
    facts = USDZ if device == "AR Quick Look" else GLB
    at = verdict(device, facts, **{measure: limit})
    past = verdict(device, facts, **{measure: limit + 1})
    assert (at.holds, at.rule) == (True, rule)  # the rule nearest to its limit decided
    assert (past.holds, past.rule) == (False, rule)


@pytest.mark.parametrize(
    ("device", "changes", "rule", "actual"),
    [
        ("Scene Viewer", {"size_bytes": 10_000_001}, "at most 10 MB of file", "10.0"),
        ("Scene Viewer", {"uv_sets": 2}, "at most 1 UV set per mesh", "2"),
        ("Scene Viewer", {"joints": 255}, "at most 254 joints", "255"),
        ("WebXR headset", {"draw_calls": 201}, "at most 200 draw calls", "201"),
        ("Desktop browser", {"size_bytes": 50_000_001}, "at most 50 MB of file", "50.0"),
        (
            "Scene Viewer",
            {"extensions_required": ("EXT_texture_webp", "KHR_texture_transform")},
            "requires no extension but KHR_materials_unlit and KHR_texture_transform",
            "requires EXT_texture_webp",
        ),
    ],
)
def test_facts_of_the_file_decide_too(device: str, changes: dict[str, Any], rule: str, actual: str) -> None:
    facts = FileFacts(**{"format": "glb", "size_bytes": 1_000_000, "uv_sets": 1, "draw_calls": 1, **changes})
    found = verdict(device, facts)
    assert (found.holds, found.rule, found.actual) == (False, rule, actual)


@pytest.mark.parametrize(("seconds", "holds"), [(10.0, True), (10.1, False)])
def test_quick_look_plays_ten_seconds(seconds: float, holds: bool) -> None:
    found = verdict("AR Quick Look", FileFacts("usdz", 1000, animation_s=seconds))
    assert (found.holds, found.rule) == (holds, "at most 10 s of animation")


def test_a_package_that_fails_our_checks_fails() -> None:
    found = verdict("AR Quick Look", FileFacts("usdz", 1000, package_problems=("no layer.", "no scene.")))
    assert (found.holds, found.rule, found.actual) == (False, "no problems in the package", "2: no layer.")


def test_the_worst_broken_rule_decides() -> None:
    found = verdict("Scene Viewer", GLB, vertices=31_000, materials=40)
    assert (found.rule, found.actual) == ("at most 10 materials", "40")
    assert [check.rule for check in found.checks if not check.holds] == [
        "at most 30,000 vertices",
        "at most 10 materials",
    ]


def test_what_was_not_measured_does_not_hold() -> None:
    found = verdict("Scene Viewer", GLB, vertices=None)
    assert (found.holds, found.rule, found.actual) == (False, "at most 30,000 vertices", "not measured")


def test_the_json_says_all_and_is_json() -> None:
    (found,) = device_verdicts(MEASURES, USDZ)
    value = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert list(value) == ["device", "holds", "rule", "actual", "source", "checks"]
    assert value["checks"][0] == {"rule": "at most 100,000 polygons", "holds": True, "actual": "30,000"}


def glb_of(tree: dict[str, Any], path: Path) -> Path:
    body = json.dumps({"asset": {"version": "2.0"}, **tree}).encode()
    body += b" " * (-len(body) % 4)
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(body), len(body), b"JSON") + body)
    return path


def test_the_facts_of_a_glb(tmp_path: Path) -> None:
    primitive = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1, "TEXCOORD_1": 2}}
    path = glb_of(
        {
            "extensionsRequired": ["KHR_mesh_quantization", "EXT_texture_webp"],
            "meshes": [{"primitives": [primitive, {"attributes": {"POSITION": 0}}]}],
            "nodes": [{"mesh": 0}, {"mesh": 0}, {}],
            "skins": [{"joints": [0, 1, 2]}],
            "accessors": [{}, {}, {}, {"max": [2.5]}],
            "animations": [{"samplers": [{"input": 3, "output": 0}], "channels": []}],
        },
        tmp_path / "model.glb",
    )
    assert find_facts(path) == FileFacts(
        "glb",
        path.stat().st_size,
        extensions_required=("EXT_texture_webp", "KHR_mesh_quantization"),
        uv_sets=2,
        joints=3,
        draw_calls=4,
        animation_s=2.5,
    )


def test_the_facts_of_a_usdz(tmp_path: Path) -> None:
    from pxr import Sdf, Usd, UsdGeom, UsdUtils

    stage = Usd.Stage.CreateNew(str(tmp_path / "model.usdc"))
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/model").GetPrim())
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(36)
    stage.SetTimeCodesPerSecond(24)
    stage.Save()
    path = tmp_path / "model.usdz"
    assert UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(tmp_path / "model.usdc")), str(path))
    facts = find_facts(path)
    assert (facts.format, facts.size_bytes, facts.animation_s) == ("usdz", path.stat().st_size, 1.5)
    assert any("mesh" in problem.lower() or "unit" in problem.lower() for problem in facts.package_problems)


def test_another_file_has_no_facts(tmp_path: Path) -> None:
    path = tmp_path / "model.glb"
    path.write_bytes(b"no model at all, but long enough")
    with pytest.raises(ValueError, match=r"want a GLB or USDZ, got 'model\.glb'"):
        find_facts(path)
    with pytest.raises(ValueError, match="want glb or usdz"):
        FileFacts("obj", 1)
