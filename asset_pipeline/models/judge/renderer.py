"""Pictures of a Document by OpenGL without a display: lit and unlit in one pass, at twice the size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import POINTS, TRIANGLES, Document
from asset_pipeline.models.judge.pictures import decode_for_view
from asset_pipeline.models.judge.scene import Placement, Shape, placements, shape_of
from asset_pipeline.models.judge.shaders import FRAGMENT, MIRROR_FUNCTION, VERTEX, sampling
from asset_pipeline.models.judge.surfaces import COLOR_SLOTS, Slot, Surface, TextureUse, Wrap, surfaces_of
from asset_pipeline.models.judge.views import Camera

SAMPLES = 2  # per side of a pixel
TEXTURE_TO_VIEW = 4  # a texture is held at most this many times as large as the view
MAX_TEXTURE_PX = 4096
POINT_PX, LINE_PX = 2.0, 1.0  # of the finished picture
BACKGROUND = (160, 96, 160)  # sRGB; no stone, wood or leaf has it, so that what is missing shows

_SRGB8_ALPHA8 = 0x8C43

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One view: (n, n, 3) lit and unlit, sRGB-encoded, over BACKGROUND; (n, n) how far it is covered, 255 is
    whole.
    """

    lit: Pixels
    unlit: Pixels
    coverage: Pixels


class Renderer:
    """Holds the OpenGL context, the picture buffers and the compiled shaders. Raises where there is none."""

    def __init__(self, size_px: int) -> None:
        self._context = _open_context()
        self._side = size_px * SAMPLES
        self._max_texture_px = min(size_px * TEXTURE_TO_VIEW, MAX_TEXTURE_PX)
        size = (self._side, self._side)
        self._frames = [
            self._context.framebuffer(
                [self._context.texture(size, 4) for _ in range(2)], self._context.depth_renderbuffer(size)
            )
            for _ in range(2)
        ]
        self._programs: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """Who draws: OpenGL's name for it."""
        return str(self._context.info["GL_RENDERER"])

    def draw(
        self, document: Document, middle: NDArray[np.float64], cameras: Sequence[Camera]
    ) -> Iterator[Picture]:
        """One picture per camera. Nothing of the document stays on the GPU when the iterator ends."""
        load = _Load(self._context)
        try:
            items = list(self._upload(document, middle, load))
            del document  # what is drawn is on the GPU now; the caller may have let go of it as well
            for number, camera in enumerate(cameras):
                self._draw_view(items, camera, self._frames[number % 2])
                if (
                    number
                ):  # one view behind: OpenGL fills pixels while the caller looks at the picture before
                    yield self._picture(self._frames[(number - 1) % 2])
            yield self._picture(self._frames[(len(cameras) - 1) % 2])
        finally:
            load.release()

    def _upload(self, document: Document, middle: NDArray[np.float64], load: "_Load") -> Iterator["_Item"]:
        surfaces = surfaces_of(document)
        for placement in placements(document):
            shape = shape_of(document, placement)
            if not len(shape.positions) or (shape.indices is not None and not len(shape.indices)):
                continue
            number = placement.primitive.get("material")
            surface = Surface() if number is None else surfaces[number]
            yield self._item(document, placement, shape, surface, middle, load)

    def _item(
        self,
        document: Document,
        placement: Placement,
        shape: Shape,
        surface: Surface,
        middle: NDArray[np.float64],
        load: "_Load",
    ) -> "_Item":
        uses = {slot: use for slot, use in surface.textures.items() if use.uv_set in shape.uvs}
        sets = sorted({use.uv_set for use in uses.values()})[:2]
        uses = {slot: use for slot, use in uses.items() if use.uv_set in sets}
        program = self._program(_defines(shape, surface, uses, sets, placement.mirrored))
        anchor = _anchor(shape.positions)
        content = [
            (load.buffer(shape.positions - anchor if anchor.any() else shape.positions), "3f", "in_position"),
            (load.buffer(_matrices(placement.matrices, anchor, middle)), "16f/i", "in_model"),
        ]
        columns = (
            (shape.normals, "3f", "in_normal"),
            (shape.tangents, "4f", "in_tangent"),
            (shape.colors, "4f", "in_color"),
            (shape.uvs[sets[0]] if sets else None, "2f", "in_uv_a"),
            (shape.uvs[sets[1]] if len(sets) > 1 else None, "2f", "in_uv_b"),
        )
        for column, layout, name in columns:
            if column is not None and name in program:
                content.append((load.buffer(column), layout, name))
        indices = None if shape.indices is None else load.buffer(shape.indices)
        vertices = load.keep(
            self._context.vertex_array(program, content, index_buffer=indices, index_element_size=4)
        )
        textures = {
            slot: load.texture(document, use, slot in COLOR_SLOTS, self._max_texture_px)
            for slot, use in uses.items()
        }
        return _Item(program, vertices, shape.mode, surface, placement, uses, textures)

    def _program(self, defines: str) -> Any:
        if defines not in self._programs:
            head = "#version 330\n" + defines
            self._programs[defines] = self._context.program(
                vertex_shader=head + VERTEX, fragment_shader=head + MIRROR_FUNCTION + FRAGMENT
            )
        return self._programs[defines]

    def _draw_view(self, items: Sequence["_Item"], camera: Camera, frame: Any) -> None:
        context = self._context
        frame.use()
        red, green, blue = (value / 255 for value in BACKGROUND)
        frame.clear(red, green, blue, 0.0, depth=1.0)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.PROGRAM_POINT_SIZE)
        context.line_width = LINE_PX * SAMPLES
        for item in items:
            item.draw(context, camera)

    def _picture(self, frame: Any) -> Picture:
        lit, unlit = (self._read(frame, number) for number in range(2))
        coverage = np.ascontiguousarray(unlit[:, :, 3])
        return Picture(_without_alpha(lit), _without_alpha(unlit), coverage)

    def _read(self, frame: Any, number: int) -> Pixels:
        raw = np.frombuffer(frame.read(components=4, attachment=number), np.uint8)
        samples = raw.reshape(self._side, self._side, 4)[::-1]
        half = self._side // SAMPLES
        return np.asarray(cv2.resize(samples, (half, half), interpolation=cv2.INTER_AREA))


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    """One primitive on the GPU."""

    program: Any
    vertices: Any
    mode: int
    surface: Surface
    placement: Placement
    uses: dict[Slot, TextureUse]
    textures: dict[Slot, Any]

    def draw(self, context: Any, camera: Camera) -> None:
        """Into the frame that is in use."""
        surface = self.surface
        self._put("u_projected", camera.projected.T.astype("f4").tobytes())
        self._put("u_eye", camera.eye.astype("f4").tobytes())
        self._put("u_point_px", np.float32(POINT_PX * SAMPLES).tobytes())
        self._put("u_base", _vector(*surface.base))
        self._put("u_rough_metal_cutoff", _vector(surface.roughness, surface.metallic, surface.alpha_cutoff))
        self._put("u_emissive", _vector(*surface.emissive))
        self._put("u_normal_occlusion", _vector(surface.normal_scale, surface.occlusion_strength))
        for unit, (slot, use) in enumerate(self.uses.items()):
            texture = self.textures[slot]
            texture.use(unit)
            texture.repeat_x, texture.repeat_y = (side is Wrap.REPEAT for side in use.wrap)
            near = moderngl.NEAREST if use.is_nearest else moderngl.LINEAR
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, near)
            self._put(f"t_{slot}", np.int32(unit).tobytes())
            self._put(f"m_{slot}", np.array(use.rows, "f4").tobytes())
        context.front_face = "cw" if self.placement.mirrored else "ccw"
        if self.mode >= TRIANGLES and not surface.is_double_sided:
            context.enable(moderngl.CULL_FACE)
        else:
            context.disable(moderngl.CULL_FACE)
        self.vertices.render(self.mode, instances=len(self.placement.matrices))

    def _put(self, name: str, value: bytes) -> None:
        member = self.program.get(name, None)
        if member is not None:
            member.write(value)


def _without_alpha(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), np.uint8)


def _vector(*values: float) -> bytes:
    return np.array(values, "f4").tobytes()


@dataclass(slots=True, eq=False)
class _Load:
    """What one document has on the GPU, to be released together; an image stands there once."""

    context: Any
    things: list[Any] = field(default_factory=list)
    known: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def keep(self, thing: Any) -> Any:
        self.things.append(thing)
        return thing

    def buffer(self, column: NDArray[Any]) -> Any:
        return self.keep(self.context.buffer(np.ascontiguousarray(column)))

    def texture(self, document: Document, use: TextureUse, is_color: bool, max_px: int) -> Any:
        key = (use.image, is_color, use.wrap, use.is_nearest)  # wrap and filter belong to OpenGL's texture
        if key not in self.known:
            pixels = decode_for_view(document.images[use.image], max_px=max_px, is_color=is_color)
            height, width = pixels.shape[:2]
            form = {"internal_format": _SRGB8_ALPHA8} if is_color else {}
            texture = self.keep(self.context.texture((width, height), 4, pixels, **form))
            texture.build_mipmaps()
            self.known[key] = texture
        return self.known[key]

    def release(self) -> None:
        while self.things:
            self.things.pop().release()
        self.known.clear()


def _open_context() -> Any:
    """By the libraries' own names first: those without a number come with the developers' packages only."""
    create: Callable[..., Any] = moderngl.create_context
    try:
        return create(standalone=True, backend="egl", libgl="libGL.so.1", libegl="libEGL.so.1")
    except Exception:  # noqa: BLE001 - glcontext raises bare Exceptions; the second try raises its own
        return create(standalone=True, backend="egl")


def _defines(
    shape: Shape, surface: Surface, uses: dict[Slot, TextureUse], sets: Sequence[int], mirrored: bool
) -> str:
    is_flat = surface.is_unlit or (shape.normals is None and shape.mode < TRIANGLES)
    flags = {
        "UNLIT": is_flat,
        "HAS_NORMAL": shape.normals is not None and not is_flat,
        "HAS_TANGENT": shape.tangents is not None and Slot.NORMAL in uses and not is_flat,
        "HAS_COLOR": shape.colors is not None,
        "HAS_UV_A": len(sets) > 0,
        "HAS_UV_B": len(sets) > 1,
        "MASKED": surface.alpha_mode == "MASK",
        "BLENDED": surface.alpha_mode == "BLEND",
        "MIRRORED": mirrored,
        "POINTS": shape.mode == POINTS,
    }
    lines = [f"#define {name}\n" for name, is_set in flags.items() if is_set]
    for slot, use in uses.items():
        if not is_flat or slot is Slot.BASE:
            lines.append(sampling(slot, "v_uv_a" if use.uv_set == sets[0] else "v_uv_b", use.wrap))
    return "".join(lines)


def _anchor(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """A point to count from where positions are large beside their spread (maps, surveys); else zero."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    is_far = np.abs(low + high) > 16 * (high - low)
    return np.where(is_far, low, np.float32(0)).astype(np.float32)


def _matrices(
    matrices: NDArray[np.float64], anchor: NDArray[np.float32], middle: NDArray[np.float64]
) -> NDArray[np.float32]:
    """As OpenGL wants them, column by column, from the middle of the master's sphere."""
    moved = matrices.copy()
    moved[:, :3, 3] += moved[:, :3, :3] @ anchor.astype(np.float64) - middle
    return np.ascontiguousarray(moved.transpose(0, 2, 1), np.float32)
