"""The judge's renderer shows what glTF says: tiny scenes whose pixels are known beforehand."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Document
from asset_pipeline.models.judge.renderer import BACKGROUND, Picture, Renderer
from asset_pipeline.models.judge.scene import bounding_sphere
from asset_pipeline.models.judge.views import Camera
from tests.asset_pipeline.models.judge.made_scenes import QUAD_INDICES, QUAD_POSITIONS, SceneMaker
from tests.conftest import missing

SIZE_PX = 64
FRONT = Camera(np.array([0.0, 0.0, 10.0]), np.diag([1.0, 1.0, -0.05, 1.0]))  # x and y from -1 to 1 fill it
BACK = Camera(np.array([0.0, 0.0, -10.0]), np.diag([-1.0, 1.0, 0.05, 1.0]))

RED, GREEN, BLUE, WHITE, BLACK = (
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0),
)  # fmt: skip
FOUR = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8)  # top row first

Look = Callable[..., Picture]


@pytest.fixture(scope="module")
def look() -> Iterator[Look]:
    """Draws a Document by a camera that looks straight at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIBGL_ALWAYS_SOFTWARE", "true")
        patch.setenv("MESA_SHADER_CACHE_DISABLE", "true")
        try:
            renderer = Renderer(SIZE_PX)
        except Exception as error:  # noqa: BLE001 - glcontext raises bare Exceptions
            missing(f"OpenGL without a display ({error})")

        def draw(document: Document, camera: Camera = FRONT, middle: Any = (0.0, 0.0, 0.0)) -> Picture:
            (picture,) = renderer.draw(document, np.array(middle, np.float64), [camera])
            return picture

        yield draw


def encoded(linear: float) -> int:
    """sRGB as 8 bits."""
    value = linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(value * 255)


def color_of(picture: Any) -> tuple[int, ...]:
    """The one colour that the middle half of a picture has."""
    middle = picture[SIZE_PX // 4 : -SIZE_PX // 4, SIZE_PX // 4 : -SIZE_PX // 4].reshape(-1, 3)
    assert (middle == middle[0]).all()
    return tuple(int(value) for value in middle[0])


def quarters(picture: Any) -> list[tuple[int, ...]]:
    """Colours at the middles of the four quarters, the top row first."""
    near, far = SIZE_PX // 4, 3 * SIZE_PX // 4
    return [tuple(int(value) for value in picture[y, x]) for y in (near, far) for x in (near, far)]


def test_an_unlit_square_has_its_colour_in_every_pixel_lit_or_not(look: Look) -> None:
    maker = SceneMaker()
    maker.node(mesh=maker.quad(maker.material(pbrMetallicRoughness={"baseColorFactor": [0.2, 0.5, 0.8, 1]})))
    picture = look(maker.document())
    wanted = tuple(encoded(value) for value in (0.2, 0.5, 0.8))
    assert (picture.unlit == wanted).all()
    assert (picture.lit == wanted).all()
    assert (picture.coverage == 255).all()


def test_what_is_not_covered_is_background(look: Look) -> None:
    maker = SceneMaker()
    maker.node(mesh=maker.quad(maker.material()), scale=[0.5, 0.5, 0.5], translation=[0.5, 0.5, 0])
    picture = look(maker.document())
    assert quarters(picture.unlit) == [BACKGROUND, WHITE, BACKGROUND, BACKGROUND]
    assert np.count_nonzero(picture.coverage) == SIZE_PX**2 // 4


def test_a_texture_stands_upright_and_is_srgb(look: Look) -> None:
    maker = SceneMaker()
    texture = {"index": maker.texture(np.array([[(200, 100, 50), GREEN], [BLUE, (7, 8, 9)]], np.uint8))}
    maker.node(mesh=maker.quad(maker.material(pbrMetallicRoughness={"baseColorTexture": texture})))
    assert quarters(look(maker.document()).unlit) == [(200, 100, 50), GREEN, BLUE, (7, 8, 9)]


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        ({"offset": [0.5, 0.0]}, [GREEN, RED, WHITE, BLUE]),
        ({"scale": [0.5, 0.5]}, [RED, RED, RED, RED]),
        ({"scale": [0.5, 0.5], "offset": [0.5, 0.5]}, [WHITE, WHITE, WHITE, WHITE]),
        # counterclockwise by 90 degrees: (u, v) is read at (v, -u), which the wrap brings to (v, 1 - u)
        ({"rotation": np.pi / 2}, [BLUE, RED, WHITE, GREEN]),
    ],
)
def test_texture_transform(look: Look, transform: dict[str, Any], wanted: list[Any]) -> None:
    maker = SceneMaker()
    info = {"index": maker.texture(FOUR), "extensions": {"KHR_texture_transform": transform}}
    maker.node(mesh=maker.quad(maker.material(pbrMetallicRoughness={"baseColorTexture": info})))
    assert quarters(look(maker.document()).unlit) == wanted


@pytest.mark.parametrize(
    "info", [{"texCoord": 1}, {"extensions": {"KHR_texture_transform": {"texCoord": 1}}}]
)
def test_the_second_uv_set_is_read_where_it_is_asked_for(look: Look, info: dict[str, Any]) -> None:
    maker = SceneMaker()
    flipped = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    texture = {"index": maker.texture(FOUR), **info}
    material = maker.material(pbrMetallicRoughness={"baseColorTexture": texture})
    maker.node(mesh=maker.quad(material, TEXCOORD_1=flipped))
    assert quarters(look(maker.document()).unlit) == [BLUE, WHITE, RED, GREEN]


@pytest.mark.parametrize(
    ("wrap", "wanted"),  # the right half lies beyond u = 1, where a row RED, GREEN ends
    [
        (10497, [RED, GREEN, RED, GREEN]),
        (33071, [RED, GREEN, GREEN, GREEN]),
        (33648, [RED, GREEN, GREEN, RED]),
    ],
)
def test_wrap_modes(look: Look, wrap: int, wanted: list[Any]) -> None:
    maker = SceneMaker()
    pixels = np.array([[RED, GREEN]], np.uint8)
    transform = {"KHR_texture_transform": {"scale": [2, 1]}}
    info = {"index": maker.texture(pixels, wrapS=wrap, wrapT=wrap), "extensions": transform}
    maker.node(mesh=maker.quad(maker.material(pbrMetallicRoughness={"baseColorTexture": info})))
    row = look(maker.document()).unlit[SIZE_PX // 2]
    found = [tuple(int(value) for value in row[SIZE_PX * eighth // 8]) for eighth in (1, 3, 5, 7)]
    assert found == wanted


def test_small_textures_are_averaged_in_linear_light(look: Look) -> None:
    maker = SceneMaker()
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    texture = {"index": maker.texture(np.dstack([board] * 3), nearest=False)}
    material = maker.material(pbrMetallicRoughness={"baseColorTexture": texture})
    maker.node(mesh=maker.quad(material), scale=[0.5, 0.5, 0.5])
    middle = look(maker.document()).unlit[24:40, 24:40]
    assert np.abs(middle.astype(int) - encoded(0.5)).max() <= 2  # 188; averaged as encoded it were 128


def test_vertex_colours_are_linear_and_multiply(look: Look) -> None:
    maker = SceneMaker()
    material = maker.material(pbrMetallicRoughness={"baseColorFactor": [1, 0.5, 1, 1]})
    maker.node(mesh=maker.quad(material, COLOR_0=np.tile([0.4, 0.4, 0.0], (4, 1))))
    assert color_of(look(maker.document()).unlit) == (encoded(0.4), encoded(0.2), 0)


def test_normalized_vertex_colours(look: Look) -> None:
    maker = SceneMaker()
    positions, indices = maker.column(QUAD_POSITIONS), maker.column(QUAD_INDICES)
    colors = maker.column(np.tile(np.array([51, 102, 255, 255], np.uint8), (4, 1)), normalized=True)
    mesh = maker.mesh({"POSITION": positions, "COLOR_0": colors}, indices=indices, material=maker.material())
    maker.node(mesh=mesh)
    assert color_of(look(maker.document()).unlit) == (encoded(0.2), encoded(0.4), 255)


def test_nodes_move_their_children(look: Look) -> None:
    maker = SceneMaker()
    child = maker.node(root=False, mesh=maker.quad(maker.material()), translation=[1, -1, 0])
    maker.node(children=[child], scale=[0.5, 0.5, 1])
    assert quarters(look(maker.document()).unlit) == [BACKGROUND, BACKGROUND, BACKGROUND, WHITE]


def test_hidden_nodes_are_not_drawn(look: Look) -> None:
    maker = SceneMaker()
    child = maker.node(root=False, mesh=maker.quad(maker.material()))
    maker.node(children=[child], extensions={"KHR_node_visibility": {"visible": False}})
    assert not look(maker.document()).coverage.any()


def test_backs_are_culled_unless_double_sided(look: Look) -> None:
    maker = SceneMaker()
    maker.node(mesh=maker.quad(maker.material()))
    assert not look(maker.document(), BACK).coverage.any()
    maker.tree["materials"][0]["doubleSided"] = True
    assert look(maker.document(), BACK).coverage.all()


def test_a_mirroring_node_turns_front_to_front(look: Look) -> None:
    maker = SceneMaker()
    maker.node(mesh=maker.quad(maker.material()), scale=[-1, 1, 1])
    assert look(maker.document()).coverage.all()
    assert not look(maker.document(), BACK).coverage.any()


def test_instances_stand_where_they_are_put(look: Look) -> None:
    maker = SceneMaker()
    attributes = {
        "TRANSLATION": maker.column([[-0.5, 0.5, 0], [0.5, -0.5, 0]]),
        "SCALE": maker.column([[0.5, 0.5, 1], [-0.5, 0.5, 1]]),  # the second is mirrored, and not culled
    }
    extension = {"EXT_mesh_gpu_instancing": {"attributes": attributes}}
    maker.node(mesh=maker.quad(maker.material()), extensions=extension)
    assert quarters(look(maker.document()).unlit) == [WHITE, BACKGROUND, BACKGROUND, WHITE]


def test_skins_stand_in_their_rest_pose(look: Look) -> None:
    maker = SceneMaker()
    bind = np.eye(4)
    bind[3, :3] = (0, -2, 0)  # column by column, as glTF stores it: down by 2
    joints, weights = np.zeros((4, 4), np.uint8), np.tile([1.0, 0, 0, 0], (4, 1))
    mesh = maker.quad(maker.material(), JOINTS_0=joints, WEIGHTS_0=weights)
    joint = maker.node(scale=[0.5, 0.5, 0.5], translation=[0.5, 1.5, 0])
    maker.tree["skins"] = [{"joints": [joint], "inverseBindMatrices": maker.column(bind.reshape(1, 16))}]
    maker.node(mesh=mesh, skin=0, translation=[50, 0, 0])  # the node's own place does not count
    assert quarters(look(maker.document()).unlit) == [BACKGROUND, WHITE, BACKGROUND, BACKGROUND]


def test_two_joints_share_a_vertex(look: Look) -> None:
    maker = SceneMaker()
    joints, weights = np.tile(np.array([0, 1, 0, 0], np.uint8), (4, 1)), np.tile([0.5, 0.5, 0, 0], (4, 1))
    mesh = maker.quad(maker.material(), JOINTS_0=joints, WEIGHTS_0=weights)
    first, second = maker.node(translation=[2, 0, 0]), maker.node(translation=[0, 0, 0])
    maker.tree["skins"] = [{"joints": [first, second]}]
    maker.node(mesh=mesh, skin=0)
    assert quarters(look(maker.document()).unlit) == [BACKGROUND, WHITE, BACKGROUND, WHITE]


@pytest.mark.parametrize("owner", ["mesh", "node"])
def test_morph_targets_at_their_default_weights(look: Look, owner: str) -> None:
    maker = SceneMaker()
    mesh = maker.quad(maker.material())
    moved = maker.column(np.tile([4.0, 0, 0], (4, 1)))
    maker.tree["meshes"][mesh]["primitives"][0]["targets"] = [{"POSITION": moved}]
    maker.node(mesh=mesh)
    maker.tree[{"mesh": "meshes", "node": "nodes"}[owner]][0]["weights"] = [0.25]
    assert quarters(look(maker.document()).unlit) == [BACKGROUND, WHITE, BACKGROUND, WHITE]


@pytest.mark.parametrize(("alpha", "covered"), [(0.49, False), (0.51, True)])
def test_masked_materials(look: Look, alpha: float, covered: bool) -> None:
    maker = SceneMaker()
    pbr = {"baseColorFactor": [1, 1, 1, alpha]}
    maker.node(mesh=maker.quad(maker.material(alphaMode="MASK", pbrMetallicRoughness=pbr)))
    assert look(maker.document()).coverage.all() == covered


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_blended_materials_cover_their_share(look: Look, alpha: float) -> None:
    maker = SceneMaker()
    pbr = {"baseColorFactor": [1, 1, 1, alpha]}
    maker.node(mesh=maker.quad(maker.material(alphaMode="BLEND", pbrMetallicRoughness=pbr)))
    assert look(maker.document()).coverage.mean() / 255 == pytest.approx(alpha, abs=0.003)


def test_opaque_materials_ignore_alpha(look: Look) -> None:
    maker = SceneMaker()
    maker.node(mesh=maker.quad(maker.material(pbrMetallicRoughness={"baseColorFactor": [1, 1, 1, 0]})))
    assert look(maker.document()).coverage.all()


@pytest.mark.parametrize(("mode", "pixels"), [(0, 4 * 9), (1, 2 * 32), (2, 4 * 32), (3, 3 * 32)])
def test_points_and_lines_are_drawn(look: Look, mode: int, pixels: int) -> None:
    maker = SceneMaker()
    half = QUAD_POSITIONS * np.float32(0.5) + np.float32(1 / SIZE_PX)  # on the middles of pixels
    attributes = {"POSITION": maker.column(half)}
    maker.node(mesh=maker.mesh(attributes, mode=mode))
    picture = look(maker.document())
    assert pixels * 0.4 <= np.count_nonzero(picture.coverage) <= pixels * 1.6
    drawn = picture.coverage == 255
    assert drawn.any()
    assert (picture.lit[drawn] == WHITE).all()  # without normals there is nothing to light


@pytest.mark.parametrize("mode", [5, 6])
def test_strips_and_fans(look: Look, mode: int) -> None:
    maker = SceneMaker()
    corners = QUAD_POSITIONS if mode == 6 else QUAD_POSITIONS[[0, 1, 3, 2]]
    maker.node(mesh=maker.mesh({"POSITION": maker.column(corners)}, mode=mode, material=maker.material()))
    assert look(maker.document()).coverage.all()


def test_far_from_the_origin_nothing_trembles(look: Look) -> None:
    maker = SceneMaker()
    far = np.array([700_000, 2_300_000, 8], np.float32)  # metres on a map, as surveys have them
    near = {"POSITION": maker.column(QUAD_POSITIONS * np.float32(64) + far)}
    maker.node(mesh=maker.mesh(near, indices=maker.column(QUAD_INDICES), material=maker.material()))
    sixtyfourth = Camera(FRONT.eye, FRONT.projected @ np.diag([1 / 64, 1 / 64, 1 / 64, 1]))
    assert look(maker.document(), sixtyfourth, far.astype(np.float64)).coverage.all()
    small = SceneMaker()
    near = {"POSITION": small.column(QUAD_POSITIONS + far)}
    small.node(mesh=small.mesh(near, indices=small.column(QUAD_INDICES), material=small.material()))
    aside = far + np.array([0.03, 0.0, 0.0])  # a pixel; float32 has steps of two pixels there
    assert look(small.document(), FRONT, aside).coverage[SIZE_PX // 2, -1] < 255
    middle, radius = bounding_sphere(maker.document()) or (np.zeros(3), 0.0)
    assert middle.tolist() == far.tolist()
    assert radius == pytest.approx(64 * 2**0.5)


def lit_quad(maker: SceneMaker, **columns: Any) -> Document:
    """A white square with normals, on which the test's material lies."""
    maker.node(mesh=maker.quad(len(maker.tree["materials"]) - 1, **columns))
    return maker.document()


def test_normals_that_are_absent_are_flat(look: Look) -> None:
    pictures = []
    for columns in ({}, {"NORMAL": np.tile([0.0, 0, 1], (4, 1))}):
        maker = SceneMaker()
        maker.material(unlit=False)
        pictures.append(look(lit_quad(maker, **columns)))
    assert np.abs(pictures[0].lit.astype(int) - pictures[1].lit).max() <= 1
    assert pictures[0].lit.std() > 0


def test_normal_maps_light_alike_with_and_without_tangents(look: Look) -> None:
    leaning = np.full((1, 1, 3), (200, 170, 220), np.uint8)  # to the right and up
    normals, along = np.tile([0.0, 0, 1], (4, 1)), np.tile([1.0, 0, 0, 1], (4, 1))
    pictures = {}
    for name, columns in {"derived": {}, "given": {"TANGENT": along}}.items():
        maker = SceneMaker()
        texture = maker.texture(leaning)
        maker.material(unlit=False, normalTexture={"index": texture})
        pictures[name] = look(lit_quad(maker, NORMAL=normals, **columns))
    assert np.abs(pictures["derived"].lit.astype(int) - pictures["given"].lit).max() <= 1
    maker = SceneMaker()
    maker.material(unlit=False)
    x, y, z = np.array([200, 170, 220]) / 127.5 - 1
    bent = lit_quad(maker, NORMAL=np.tile(np.array([x, y, z]) / np.sqrt(x * x + y * y + z * z), (4, 1)))
    assert np.abs(pictures["derived"].lit.astype(int) - look(bent).lit).max() <= 1


@pytest.mark.parametrize(
    "material",
    [
        {"emissiveFactor": [0.2, 0.1, 0.3]},
        {"pbrMetallicRoughness": {"metallicFactor": 0.0}},
        {"pbrMetallicRoughness": {"roughnessFactor": 0.3}},
    ],
)
def test_lit_depends_on_what_unlit_leaves_out(look: Look, material: dict[str, Any]) -> None:
    pictures = []
    for values in ({}, material):
        maker = SceneMaker()
        maker.material(unlit=False, **values)
        pictures.append(look(lit_quad(maker, NORMAL=np.tile([0.0, 0, 1], (4, 1)))))
    assert (pictures[0].unlit == pictures[1].unlit).all()
    assert np.abs(pictures[0].lit.astype(int) - pictures[1].lit).mean() > 2


@pytest.mark.parametrize(
    ("slot", "texel"), [("occlusionTexture", (0, 255, 255)), ("emissiveTexture", (255, 128, 0))]
)
def test_occlusion_and_emission_come_from_their_textures(look: Look, slot: str, texel: Any) -> None:
    pictures, glows = [], "emissiveTexture"
    for values in ({}, {slot: {"index": 0}}):
        maker = SceneMaker()
        maker.texture(np.full((1, 1, 3), texel, np.uint8))
        maker.material(
            unlit=False, emissiveFactor=[0.5, 0.5, 0.5] if glows in values else [0, 0, 0], **values
        )
        pictures.append(look(lit_quad(maker, NORMAL=np.tile([0.0, 0, 1], (4, 1)))))
    assert (pictures[0].unlit == pictures[1].unlit).all()
    change = pictures[1].lit.astype(int).mean() - pictures[0].lit.mean()
    assert change < -5 if slot == "occlusionTexture" else change > 5


def test_metal_and_roughness_are_blue_and_green(look: Look) -> None:
    pictures = []
    for is_textured in (False, True):
        maker = SceneMaker()
        maker.texture(np.full((1, 1, 3), (0, 255, 0), np.uint8))  # rough, and no metal
        texture = {"metallicRoughnessTexture": {"index": 0}}
        maker.material(unlit=False, pbrMetallicRoughness=texture if is_textured else {"metallicFactor": 0.0})
        pictures.append(look(lit_quad(maker, NORMAL=np.tile([0.0, 0, 1], (4, 1)))))
    assert (pictures[0].lit == pictures[1].lit).all()
