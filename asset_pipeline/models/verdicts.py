"""Whether a device would take a file well, with the rule that decided.

The rules are what makers say in documents and talks, and guides of our own where they say nothing: no device
was held in hand. A device is asked only about formats that it opens: Quick Look about USDZ, the others about
GLB.
"""

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from asset_pipeline.models.usdz.limits import QUICK_LOOK as QUICK_LOOK_LIMITS

MB = 1_000_000
MIB = 1024 * 1024
MAX_JSON_BYTES = 64 * MB  # of a GLB of ours; a longer tree is no derivative for a device

QUICK_LOOK, SCENE_VIEWER = "AR Quick Look", "Scene Viewer"
HEADSET, DESKTOP = "WebXR headset", "Desktop browser"

SCENE_VIEWER_EXTENSIONS = frozenset({"KHR_materials_unlit", "KHR_texture_transform"})

_SOURCES = {
    QUICK_LOOK: "Apple, WWDC 2018, and its staff in developer forum thread 693867; our own checks of the"
    " package.",
    SCENE_VIEWER: "Google, recommended limits shown at I/O 2019; extensions as its documents list them"
    " (google/model-viewer issue 754).",
    HEADSET: "Meta's figures for Quest 2, 750,000 to 1,000,000 triangles and 80 to 200 draw calls a frame in"
    " a busy scene; memory and textures are our own guide.",
    DESKTOP: "Our own guide: half of the graphics memory that browsers commonly have.",
}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a verdict needs to know of a file beside its measures. package_problems: of a USDZ, in words."""

    format: str
    size_bytes: int
    extensions_required: tuple[str, ...] = ()
    uv_sets: int = 0
    joints: int = 0
    draw_calls: int = 0
    animation_s: float = 0.0
    package_problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in ("glb", "usdz"):
            raise ValueError(f"format: want glb or usdz, got {self.format!r}")


@dataclass(frozen=True, slots=True)
class Check:
    """One rule and what was found. load: share of what is allowed that is used; above 1 it is broken."""

    rule: str
    holds: bool
    actual: str
    load: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """holds: every rule does. rule and actual: of the check that decided, the one nearest to its limit or
    farthest beyond it. checks: all of them. source: whose rules they are.
    """

    device: str
    holds: bool
    rule: str
    actual: str
    source: str
    checks: tuple[Check, ...]

    def as_json(self) -> dict[str, Any]:
        """The verdict as it stands in measures."""
        checks = [{"rule": one.rule, "holds": one.holds, "actual": one.actual} for one in self.checks]
        return {**asdict(self), "checks": checks}


def device_verdicts(measures: Mapping[str, Any], facts: FileFacts) -> tuple[Verdict, ...]:
    """One verdict per device that opens files of this format. What was not measured does not hold."""
    if facts.format == "usdz":
        return (_verdict(QUICK_LOOK, _quick_look(measures, facts)),)
    return (
        _verdict(SCENE_VIEWER, _scene_viewer(measures, facts)),
        _verdict(HEADSET, _headset(measures, facts)),
        _verdict(DESKTOP, _desktop(measures, facts)),
    )


def _quick_look(measures: Mapping[str, Any], facts: FileFacts) -> Iterator[Check]:
    yield _at_most("polygons", measures.get("triangles"), QUICK_LOOK_LIMITS.triangles)
    yield _at_most("px of texture", measures.get("texture_px_max"), QUICK_LOOK_LIMITS.texture_px)
    yield _at_most("s of animation", facts.animation_s, QUICK_LOOK_LIMITS.animation_s)
    problems = facts.package_problems
    found = f"{len(problems)}: {problems[0]}" if problems else "0"
    yield Check("no problems in the package", not problems, found, math.inf if problems else 0.0)


def _scene_viewer(measures: Mapping[str, Any], facts: FileFacts) -> Iterator[Check]:
    unknown = sorted(set(facts.extensions_required) - SCENE_VIEWER_EXTENSIONS)
    yield Check(
        f"requires no extension but {' and '.join(sorted(SCENE_VIEWER_EXTENSIONS))}",
        not unknown,
        f"requires {', '.join(unknown)}" if unknown else "none",
        math.inf if unknown else 0.0,
    )
    yield _at_most("vertices", measures.get("vertices"), 30_000)
    yield _at_most("materials", measures.get("materials"), 10)
    yield _at_most("px of texture", measures.get("texture_px_max"), 2048)
    yield _at_most("MB of file", facts.size_bytes / MB, 10)
    yield _at_most("UV set per mesh", facts.uv_sets, 1)
    yield _at_most("joints", facts.joints, 254)


def _headset(measures: Mapping[str, Any], facts: FileFacts) -> Iterator[Check]:
    yield _at_most("triangles drawn", measures.get("triangles_drawn"), 750_000)
    yield _at_most("draw calls", facts.draw_calls, 200)
    yield _at_most("MiB of graphics memory", _in_mib(measures.get("gpu_bytes")), 256)
    yield _at_most("px of texture", measures.get("texture_px_max"), 4096)


def _desktop(measures: Mapping[str, Any], facts: FileFacts) -> Iterator[Check]:
    yield _at_most("MiB of graphics memory", _in_mib(measures.get("gpu_bytes")), 1024)
    yield _at_most("px of texture", measures.get("texture_px_max"), 8192)
    yield _at_most("MB of file", facts.size_bytes / MB, 50)


def _at_most(what: str, actual: Any, limit: float) -> Check:
    rule = f"at most {limit:,g} {what}"
    if not isinstance(actual, (int, float)) or not math.isfinite(actual):
        return Check(rule, False, "not measured", math.inf)
    shown = f"{actual:,}" if isinstance(actual, int) else f"{actual:,.1f}"
    return Check(rule, actual <= limit, shown, actual / limit)


def _in_mib(count: Any) -> float | None:
    return count / MIB if isinstance(count, (int, float)) else None


def _verdict(device: str, checks: Iterable[Check]) -> Verdict:
    every = tuple(checks)
    broken = [check for check in every if not check.holds]
    deciding = max(broken or every, key=lambda check: check.load)
    return Verdict(device, not broken, deciding.rule, deciding.actual, _SOURCES[device], every)


def find_facts(path: Path) -> FileFacts:
    """Facts of a GLB or USDZ that the pipeline wrote. ValueError for any other file."""
    if path.suffix == ".usdz":
        return _usdz_facts(path)
    with path.open("rb") as file:
        head = file.read(20)
        length = int.from_bytes(head[12:16], "little")
        if head[:4] != b"glTF" or head[16:20] != b"JSON" or length > MAX_JSON_BYTES:
            raise ValueError(f"find_facts: want a GLB or USDZ, got {path.name!r}")
        tree = json.loads(file.read(length))
    meshes, nodes = tree.get("meshes", []), tree.get("nodes", [])
    return FileFacts(
        format="glb",
        size_bytes=path.stat().st_size,
        extensions_required=tuple(sorted(tree.get("extensionsRequired", []))),
        uv_sets=max(
            (_uv_sets(primitive["attributes"]) for mesh in meshes for primitive in mesh["primitives"]),
            default=0,
        ),
        joints=max((len(skin["joints"]) for skin in tree.get("skins", [])), default=0),
        draw_calls=sum(len(meshes[node["mesh"]]["primitives"]) for node in nodes if "mesh" in node),
        animation_s=max(_animation_ends(tree), default=0.0),
    )


def _uv_sets(attributes: Collection[str]) -> int:
    return sum(name.startswith("TEXCOORD_") for name in attributes)


def _animation_ends(tree: Mapping[str, Any]) -> Iterator[float]:
    """When each sampler ends, in seconds: inputs must state their maximum."""
    for animation in tree.get("animations", []):
        for sampler in animation["samplers"]:
            yield float(tree["accessors"][sampler["input"]].get("max", [0.0])[0])


def _usdz_facts(path: Path) -> FileFacts:
    from pxr import Usd

    from asset_pipeline.models.usdz import check_usdz

    problems = tuple(str(problem.message) for problem in check_usdz(path))
    stage = Usd.Stage.Open(str(path))
    seconds = 0.0
    if stage is not None and stage.HasAuthoredTimeCodeRange():
        seconds = (stage.GetEndTimeCode() - stage.GetStartTimeCode()) / stage.GetTimeCodesPerSecond()
    return FileFacts("usdz", path.stat().st_size, animation_s=seconds, package_problems=problems)
