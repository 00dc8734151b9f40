"""Derivatives in model-viewer, in a real Chromium: they look like their masters, and move like them."""

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.run import run_model
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from content_api.web.routes import DIST
from tests.browser.bulging_sheet import bulging_sheet
from tests.browser.chromium import chromium, chromium_path
from tests.browser.likeness import compare, compare_motion, flat
from tests.browser.model_page import ORBITS_DEG, Frame, ModelPage, Pixels, Shown, model_page
from tests.conftest import ROOT, missing

pytestmark = pytest.mark.browser

SHEETS = ROOT / "build" / "screenshots" / "models"
DEFAULT, VR = ("thumb", "ar"), ("thumb", "ar", "vr")
SHARES = (0.1, 0.45)  # of an animation's duration
MIN_MOVED_PX = 100

NOTHING_TO_SEE = {"gltf/empty_nodes.glb": "it has nodes and no mesh"}
STAND_INS = {  # masters whose `archive` file (plain, nothing left out) is looked at in their place
    "gltf-compressed/DracoSparseMesh/DracoSparseMesh.gltf": "model-viewer opens no file without materials",
}


@dataclass(frozen=True)
class Bounds:
    """How far a derivative may be from its master; the figures are those of tests/browser/likeness.py."""

    overlap: float = 0.985
    luminance: float = 1.0
    colour: float = 2.2
    tile: float = 4.0
    ssim: float = 0.92


BOUNDS = Bounds()
POINTS = Bounds(overlap=0.85, ssim=0.75)  # a point is one pixel, and a step of the grid moves it to the next
BOUNDS_OF = {
    "gltf/PointCloudHouse/PropertyAttributesPointCloudHouse.gltf": POINTS,
    "pointcloud/simple.las": POINTS,
    "obj/capsule/capsule.obj": Bounds(luminance=4.0, colour=5.0, tile=8.0),  # thin lines on black, in 512 px
    "gltf/atoncube.glb": Bounds(colour=1.2, tile=2.5),  # flat sides: its slight relief must not get lost
}

SUBJECTS = {
    "gltf-compressed/EXT_texture_webp/box-textured-embedded.gltf": VR,  # a WebP texture; KTX2
    "gltf/Fox/Fox.gltf": DEFAULT,  # a skin with three animations
    "gltf/CesiumMilkTruck.glb": DEFAULT,  # several materials; wheels that turn
    "gltf/PointCloudHouse/PropertyAttributesPointCloudHouse.gltf": DEFAULT,  # points
    "gltf/UnlitTest/UnlitTest.gltf": DEFAULT,
    "gltf/VertexColorTest/VertexColorTest.gltf": DEFAULT,
    "gltf/atoncube.glb": DEFAULT,  # normal map, occlusion, roughness, metal
    "gltf/pirate.glb": DEFAULT,  # meshopt and quantization in the master
    "obj/edge_assimp/cube_with_vertexcolors.obj": DEFAULT,
}
SLOW_SUBJECTS = {
    "gltf-compressed/BoxDraco/BoxDraco.gltf": DEFAULT,
    "gltf-compressed/BoxMeshopt.glb": DEFAULT,
    "gltf-compressed/Box_Draco.glb": DEFAULT,
    "gltf-compressed/DracoSparseMesh/DracoSparseMesh.gltf": DEFAULT,
    "gltf/2CylinderEngine.glb": DEFAULT,
    "gltf/BoxInterleaved.glb": DEFAULT,
    "gltf/ClearCoatTest/ClearCoatTest.gltf": VR,
    "gltf/Ingenuity.glb": DEFAULT,
    "gltf/SheenCloth.glb": DEFAULT,
    "gltf/SimpleSparseAccessor/SimpleSparseAccessor.gltf": DEFAULT,
    "gltf/house-5-3.glb": DEFAULT,
    "gltf/house1-1.glb": DEFAULT,
    "gltf/nested.glb": DEFAULT,
    "gltf/tree-lime-2-0.glb": DEFAULT,
    "obj/capsule/capsule.obj": DEFAULT,
    "obj/pirate.obj": DEFAULT,
    "obj/spider/spider.obj": DEFAULT,
    "ply/edge_draco/test_pos_color_ascii.ply": DEFAULT,
    "pointcloud/simple.las": DEFAULT,
    "stl/featuretype.STL": DEFAULT,
    "stl/multibody.stl": DEFAULT,
}
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in SLOW_SUBJECTS]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for this file."""
    if chromium_path() is None:
        missing("chromium (Debian's package)")
    with chromium() as running:
        yield running


@dataclass
class Studio:
    """The page, the shared files and what was made of them: each once."""

    page: ModelPage
    assets: Path
    folder: Path
    made: dict[tuple[str, tuple[str, ...]], dict[str, Path]] = field(default_factory=dict)

    def master(self, name: str) -> Path:
        """The file itself, or where model-viewer does not open it its archive."""
        if name in STAND_INS or not name.startswith("gltf"):
            return self.derivatives(name, ("archive",))["archive"]
        return self.assets / name

    def derivatives(self, name: str, recipes: Sequence[str]) -> dict[str, Path]:
        """GLB by recipe."""
        key = (name, tuple(recipes))
        if key not in self.made:
            workdir = self.folder / str(len(self.made))
            workdir.mkdir()
            outcomes = run_model(
                self.assets / name, recipes=recipes, workdir=workdir, options=ModelOptions(search=False)
            )
            assert [outcome.recipe for outcome in outcomes if outcome.refused] == []
            self.made[key] = {one.recipe: one.drafts[0].folder / "model.glb" for one in outcomes}
        return self.made[key]

    def edited(self, path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
        """The GLB with another JSON tree; its binary part as it was."""
        tree, rest = split_glb(path)
        edit(tree)
        text = json.dumps(tree).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<II", len(text), 0x4E4F534A) + text + rest
        return self.planted(struct.pack("<III", 0x46546C67, 2, 12 + len(body)) + body)

    def planted(self, body: bytes) -> Path:
        path = self.folder / f"planted-{len(list(self.folder.iterdir()))}.glb"
        path.write_bytes(body)
        return path


@pytest.fixture(scope="module")
def studio(browser: Browser, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    if not (DIST / "index.html").is_file():
        missing("the built page, content_api/web/dist (make setup)")
    folder = tmp_path_factory.mktemp("made")
    with model_page(browser, DIST, {"shared": shared / "assets", "made": folder}) as page:
        yield Studio(page, shared / "assets", folder)


def split_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON tree, and the chunks after it."""
    body = path.read_bytes()
    (length,) = struct.unpack_from("<I", body, 12)
    return json.loads(body[20 : 20 + length]), body[20 + length :]


@pytest.mark.parametrize("name", [*SUBJECTS, *SLOW])
def test_derivatives_look_like_their_master(studio: Studio, name: str) -> None:
    look_alike(studio, name, studio.derivatives(name, {**SUBJECTS, **SLOW_SUBJECTS}[name]))


def look_alike(studio: Studio, name: str, files: Mapping[str, Path]) -> None:
    """Each file is opened without complaint and shows what the master shows."""
    master = studio.page.show(studio.master(name))
    wanted = master.pictures()
    assert max(np.count_nonzero(picture[..., 3] > 127) for picture in wanted) > 1000  # of 102,400
    studio.page.check_clean()
    rows = [wanted]
    for path in files.values():
        rows.append(studio.page.show(path, master.frame).pictures())
        studio.page.check_clean()
    keep_sheet(rows, f"{name}-{'-'.join(files)}")
    for recipe, row in zip(files, rows[1:], strict=True):
        check_alike(wanted, row, BOUNDS_OF.get(name, BOUNDS), f"{name}, {recipe}")


def check_alike(wanted: Sequence[Pixels], found: Sequence[Pixels], bounds: Bounds, what: str) -> None:
    """What shows in the master's pictures shows alike in these."""
    for number, (first, second) in enumerate(zip(wanted, found, strict=True)):
        alike = compare(first, second)
        if not (first[..., 3] > 127).any():  # a single-sided sheet from behind
            assert alike.covered == 0, f"{what}, view {number}"
            continue
        before, after = alike.luminance
        far = {
            "overlap": alike.overlap < bounds.overlap,
            "luminance": abs(before - after) > bounds.luminance,
            "colour": alike.colour > bounds.colour,
            "worst tile": alike.worst_tile > bounds.tile,
            "ssim": alike.ssim < bounds.ssim,
        }
        wrong = [name for name, holds in far.items() if holds]
        assert wrong == [], f"{what}, view {number}: {alike}"


def keep_sheet(rows: Sequence[Sequence[Pixels]], name: str) -> None:
    """A contact sheet to look at: the master's pictures on top, a row for each derivative below."""
    SHEETS.mkdir(parents=True, exist_ok=True)
    sheet = np.vstack([np.hstack([flat(picture) for picture in row]) for row in rows])
    Image.fromarray(np.clip(np.rint(sheet), 0, 255).astype(np.uint8)).save(
        SHEETS / f"{name.replace('/', '-')}.png"
    )


def test_every_shared_gltf_is_looked_at(shared: Path) -> None:
    found = {
        path.relative_to(shared / "assets").as_posix()
        for folder in ("gltf", "gltf-compressed")
        for path in (shared / "assets" / folder).rglob("*")
        if path.suffix in (".glb", ".gltf")
    }
    assert found == {name for name in {**SUBJECTS, **SLOW_SUBJECTS} if name.startswith("gltf")} | set(
        NOTHING_TO_SEE
    )


def test_the_decoders_are_our_own(studio: Studio) -> None:
    """Draco, meshopt and KTX2; check_clean has seen that no other machine was asked."""
    files = studio.derivatives("gltf-compressed/EXT_texture_webp/box-textured-embedded.gltf", VR)
    used = {recipe: set(split_glb(path)[0]["extensionsRequired"]) for recipe, path in files.items()}
    assert "EXT_meshopt_compression" in used["thumb"]
    assert "KHR_draco_mesh_compression" in used["ar"]
    assert "KHR_texture_basisu" in used["vr"]
    for path in files.values():
        studio.page.show(path)
    studio.page.check_clean()
    loaded = studio.page.page.evaluate(
        "() => performance.getEntriesByType('resource').map((one) => one.name)"
    )
    for part in ("meshopt/meshopt_decoder.js", "draco/draco_decoder.wasm", "basis/basis_transcoder.wasm"):
        assert f"{studio.page.origin}/static/decoders/{part}" in loaded


FOX, TRUCK = "gltf/Fox/Fox.gltf", "gltf/CesiumMilkTruck.glb"
SIDES_DEG = ((0.0, 85.0), (180.0, 85.0))
WHEELS = Frame((0.0, 0.43, 0.0), 8.0)  # nothing else of the truck moves
MOVING = {FOX: None, TRUCK: WHEELS}


@pytest.mark.parametrize("name", MOVING)
def test_derivatives_move_like_their_master(studio: Studio, name: str) -> None:
    check_moves(studio, studio.assets / name, list(studio.derivatives(name, DEFAULT).values()), MOVING[name])


@pytest.mark.slow
def test_files_for_headsets_look_and_move_alike(studio: Studio) -> None:
    for name, frame in MOVING.items():
        files = studio.derivatives(name, ("vr",))
        look_alike(studio, name, files)
        check_moves(studio, studio.assets / name, [files["vr"]], frame)


def test_shapes_still_morph(studio: Studio) -> None:
    """No shared master has morph targets, so a sheet that bulges is made here."""
    master = studio.folder / "bulging.gltf"
    master.write_text(json.dumps(bulging_sheet()))
    files = list(studio.derivatives(str(master), DEFAULT).values())
    check_moves(studio, master, files)


def check_moves(studio: Studio, master: Path, files: Sequence[Path], frame: Frame | None = None) -> None:
    """Every animation is in every file, moves it as far as the master, and shows the same at that time."""
    shown = studio.page.show(master, frame)
    names = shown.animations
    assert names != ()
    wanted = {name: film(shown, name) for name in names}
    for path in files:
        other = studio.page.show(path, shown.frame)
        assert other.animations == names
        for name in names:
            (seconds, before), (other_seconds, after) = wanted[name], film(other, name)
            assert other_seconds == pytest.approx(seconds, rel=1e-3)
            for view, (first, second) in enumerate(zip(before, after, strict=True)):
                what = f"{path.parent.name}, animation {name}, view {view}"
                for one, another in zip(first, second, strict=True):
                    check_alike([one], [another], BOUNDS, what)
                motion = compare_motion(first, second)
                assert motion.pixels >= MIN_MOVED_PX, f"{what}: the master stands still, {motion}"
                assert 0.9 < motion.extent < 1.1, f"{what}: {motion}"
                assert motion.agreement > 0.85, f"{what}: {motion}"
    studio.page.check_clean()


def film(shown: Shown, animation: str) -> tuple[float, list[list[Pixels]]]:
    """The animation's seconds, and by view its pictures at both moments."""
    moments = []
    seconds = math.nan
    for share in SHARES:
        seconds = shown.pose(animation, share)
        moments.append(shown.pictures(SIDES_DEG))
    return seconds, [list(view) for view in zip(*moments, strict=True)]


# What must not pass: each defect is planted in a file that passes without it.


def untextured(tree: dict[str, Any]) -> None:
    for material in tree["materials"]:
        material["pbrMetallicRoughness"].pop("baseColorTexture", None)


def without_one_texture(tree: dict[str, Any]) -> None:
    textured = [one for one in tree["materials"] if "baseColorTexture" in one["pbrMetallicRoughness"]]
    del textured[-1]["pbrMetallicRoughness"]["baseColorTexture"]


def without_relief(tree: dict[str, Any]) -> None:
    for material in tree["materials"]:
        del material["normalTexture"]


def black(tree: dict[str, Any]) -> None:
    for material in tree["materials"]:
        material["pbrMetallicRoughness"]["baseColorFactor"] = [0, 0, 0, 1]


def metal(tree: dict[str, Any]) -> None:
    for material in tree["materials"]:
        material["pbrMetallicRoughness"] |= {"metallicFactor": 1, "roughnessFactor": 0.2}


def invisible(tree: dict[str, Any]) -> None:
    for material in tree["materials"]:
        material["alphaMode"] = "BLEND"
        material["pbrMetallicRoughness"]["baseColorFactor"] = [1, 1, 1, 0]


def without_a_part(tree: dict[str, Any]) -> None:
    del tree["meshes"][0]["primitives"][-1]


BOX = "gltf-compressed/EXT_texture_webp/box-textured-embedded.gltf"


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        (BOX, untextured), (BOX, black), (BOX, metal), (BOX, invisible),
        (TRUCK, untextured), (TRUCK, without_one_texture), (TRUCK, without_a_part),
        ("gltf/atoncube.glb", without_relief),
    ],
)  # fmt: skip
def test_a_spoiled_look_is_seen(studio: Studio, name: str, defect: Callable[[dict[str, Any]], None]) -> None:
    """The file without the defect passes above."""
    shown = studio.page.show(studio.master(name))
    wanted = shown.pictures(ORBITS_DEG[:1])
    spoiled = studio.edited(studio.derivatives(name, SUBJECTS[name])["ar"], defect)
    pictures = studio.page.show(spoiled, shown.frame).pictures(ORBITS_DEG[:1])
    with pytest.raises(AssertionError, match="spoiled, view 0"):
        check_alike(wanted, pictures, BOUNDS_OF.get(name, BOUNDS), "spoiled")


def test_normals_that_point_inwards_are_seen(studio: Studio) -> None:
    name = "gltf/pirate.glb"
    shown = studio.page.show(studio.master(name))
    wanted = shown.pictures()
    document, _ = load_gltf(studio.derivatives(name, DEFAULT)["ar"])
    sound, turned = (
        studio.page.show(
            studio.planted(write_glb(one, WriteOptions(GeometryCodec.NONE))), shown.frame
        ).pictures()
        for one in (document, _turned(document))
    )
    check_alike(wanted, sound, BOUNDS, "sound")
    with pytest.raises(AssertionError, match="luminance"):
        check_alike(wanted, turned, BOUNDS, "turned")


def _turned(document: Document) -> Document:
    numbers = {
        primitive["attributes"]["NORMAL"]
        for mesh in document.json["meshes"]
        for primitive in mesh["primitives"]
    }
    accessors = [
        replace(accessor, array=-accessor.array) if number in numbers else accessor
        for number, accessor in enumerate(document.accessors)
    ]
    return replace(document, accessors=tuple(accessors))


def without_animation(tree: dict[str, Any]) -> None:
    del tree["animations"][-1]


def without_half_the_channels(tree: dict[str, Any]) -> None:
    """The animation is there by name, and the wheels of one axle stand still."""
    for animation in tree["animations"]:
        del animation["channels"][: len(animation["channels"]) // 2]


def without_skin(tree: dict[str, Any]) -> None:
    for node in tree["nodes"]:
        node.pop("skin", None)


def exchanged(tree: dict[str, Any]) -> None:
    """Each name stays in its place and has the movement of the next."""
    names = [animation["name"] for animation in tree["animations"]]
    tree["animations"] = [*tree["animations"][1:], tree["animations"][0]]
    for animation, name in zip(tree["animations"], names, strict=True):
        animation["name"] = name


@pytest.mark.parametrize(
    ("name", "defect", "told"),
    [
        (FOX, without_animation, "Run"),
        (FOX, without_skin, "overlap"),
        (FOX, exchanged, "Obtained"),  # its seconds
        (TRUCK, without_half_the_channels, "Motion"),
    ],
)
def test_a_spoiled_movement_is_seen(
    studio: Studio, name: str, defect: Callable[[dict[str, Any]], None], told: str
) -> None:
    spoiled = studio.edited(studio.derivatives(name, DEFAULT)["ar"], defect)
    with pytest.raises(AssertionError, match=told):
        check_moves(studio, studio.assets / name, [spoiled], MOVING[name])
    studio.page.forget()


def test_a_texture_that_cannot_be_read_is_told(studio: Studio) -> None:
    def torn(tree: dict[str, Any]) -> None:
        tree["bufferViews"][tree["images"][0]["bufferView"]]["byteLength"] = 40

    studio.page.show(studio.edited(studio.derivatives(BOX, VR)["ar"], torn))
    with pytest.raises(AssertionError, match="texture"):
        studio.page.check_clean()
