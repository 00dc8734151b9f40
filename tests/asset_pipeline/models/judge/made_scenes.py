"""Small scenes made in code for the judge, and a statue with everything a judge must look at."""

import io
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, Image

QUAD_POSITIONS = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
QUAD_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)  # an image stands upright on it
QUAD_INDICES = np.array([0, 1, 2, 0, 2, 3], np.uint32)

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class SceneMaker:
    """Collects accessors, images and the tree of one Document."""

    def __init__(self) -> None:
        self.accessors: list[Accessor] = []
        self.images: list[Image] = []
        self.tree: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "materials": [],
        }

    def column(self, values: Any, *, normalized: bool = False) -> int:
        """An accessor; its number."""
        array = np.atleast_2d(np.asarray(values))
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        array = array.reshape(-1, 1) if np.ndim(values) == 1 else array
        self.accessors.append(Accessor(array, _TYPES[array.shape[1]], normalized))
        return len(self.accessors) - 1

    def texture(self, pixels: NDArray[np.uint8], *, nearest: bool = True, **sampler: int) -> int:
        """A texture of these pixels, as PNG; its number."""
        self.images.append(Image(png(pixels), "image/png"))
        samplers = self.tree.setdefault("samplers", [])
        filters = {"magFilter": 9728 if nearest else 9729, "minFilter": 9728 if nearest else 9987}
        samplers.append({**filters, **sampler})
        textures = self.tree.setdefault("textures", [])
        textures.append({"source": len(self.images) - 1, "sampler": len(samplers) - 1})
        return len(textures) - 1

    def material(self, *, unlit: bool = True, **values: Any) -> int:
        """A material; its number."""
        if unlit:
            values.setdefault("extensions", {})["KHR_materials_unlit"] = {}
        self.tree["materials"].append(values)
        return len(self.tree["materials"]) - 1

    def mesh(
        self,
        attributes: dict[str, int],
        *,
        indices: int | None = None,
        material: int | None = None,
        mode: int = 4,
        **values: Any,
    ) -> int:
        """A mesh of one primitive; its number."""
        primitive: dict[str, Any] = {"attributes": attributes, "mode": mode, **values}
        if indices is not None:
            primitive["indices"] = indices
        if material is not None:
            primitive["material"] = material
        self.tree["meshes"].append({"primitives": [primitive]})
        return len(self.tree["meshes"]) - 1

    def quad(self, material: int | None = None, **columns: Any) -> int:
        """A mesh of the square from -1 to 1, facing +Z, with UVs and what else is named; its number."""
        attributes = {"POSITION": self.column(QUAD_POSITIONS), "TEXCOORD_0": self.column(QUAD_UVS)}
        attributes |= {name: self.column(values) for name, values in columns.items()}
        return self.mesh(attributes, indices=self.column(QUAD_INDICES), material=material)

    def node(self, *, root: bool = True, **values: Any) -> int:
        """A node; its number."""
        self.tree["nodes"].append(values)
        number = len(self.tree["nodes"]) - 1
        if root:
            self.tree["scenes"][0]["nodes"].append(number)
        return number

    def document(self) -> Document:
        """The Document."""
        tree = {key: value for key, value in self.tree.items() if value}
        names = {
            name
            for owner in (*self.tree["materials"], *self.tree["nodes"])
            for name in owner.get("extensions", {})
        }
        if "KHR_texture_transform" in str(tree):
            names.add("KHR_texture_transform")
        if names:
            tree["extensionsUsed"] = sorted(names)
        return Document(tree, tuple(self.accessors), tuple(self.images))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The picture as PNG."""
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def statue(side: int = 96, texture_px: int = 512) -> Document:
    """A bumpy ball of 2 (side - 1)^2 triangles with normals, and colour, normal and roughness textures."""
    maker = SceneMaker()
    v, u = np.mgrid[0:side, 0:side] / (side - 1)
    across, down = 2 * np.pi * u, np.pi * v
    radius = 1 + 0.1 * np.sin(5 * across) * np.sin(down) ** 2 + 0.05 * np.cos(9 * down)
    ball = np.stack([np.sin(across) * np.sin(down), np.cos(down), np.cos(across) * np.sin(down)], -1)
    points = ball * radius[..., None]
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1)).reshape(-1, 3)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(lengths > 1e-9, normals / np.maximum(lengths, 1e-9), ball.reshape(-1, 3))
    normals[(normals * ball.reshape(-1, 3)).sum(1) < 0] *= -1
    place = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (place[:-1, :-1], place[:-1, 1:], place[1:, :-1], place[1:, 1:]))
    corners = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).astype(np.uint32)
    y, x = np.mgrid[0:texture_px, 0:texture_px] / texture_px
    noise = np.random.default_rng(5).normal(0, 14, (texture_px, texture_px, 3))
    bricks = np.stack(
        [90 + 60 * np.sin(60 * x), 100 + 50 * np.cos(40 * y), 80 + 40 * np.sin(50 * (x + y))], -1
    )
    waves = np.stack([0.35 * np.cos(70 * x), 0.35 * np.cos(60 * y), np.ones_like(x)], -1)
    waves /= np.linalg.norm(waves, axis=2, keepdims=True)
    rough = np.stack([0 * x, 0.5 + 0.3 * np.sin(20 * x), 0 * x], -1)
    textures = [
        maker.texture(np.rint(values).clip(0, 255).astype(np.uint8), nearest=False)
        for values in (bricks + noise, waves * 127.5 + 127.5, rough * 255)
    ]
    material = maker.material(
        unlit=False,
        pbrMetallicRoughness={
            "baseColorTexture": {"index": textures[0]},
            "metallicRoughnessTexture": {"index": textures[2]},
            "metallicFactor": 0.0,
        },
        normalTexture={"index": textures[1]},
    )
    mesh = maker.mesh(
        {
            "POSITION": maker.column(points.reshape(-1, 3)),
            "NORMAL": maker.column(normals),
            "TEXCOORD_0": maker.column(np.stack([u, v], -1).reshape(-1, 2)),
        },
        indices=maker.column(corners.ravel()),
        material=material,
    )
    maker.node(mesh=mesh)
    return maker.document()
