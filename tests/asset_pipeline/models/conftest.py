"""Tools for tests of models: the Khronos validator, GLB taken apart, and small models made in code."""

import json
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]

Validate = Callable[[Sequence[Path]], dict[Path, dict[str, Any]]]


@pytest.fixture(scope="session")
def validate(node: Path) -> Validate:
    """Khronos gltf-validator over many files in one process: {file: {errors, warnings, info}}."""

    def run(files: Sequence[Path]) -> dict[Path, dict[str, Any]]:
        done = subprocess.run(
            [node, str(HERE / "validate.mjs"), "-"],
            input="\n".join(str(file) for file in files),
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            timeout=300,
        )
        return {Path(name): report for name, report in json.loads(done.stdout).items()}

    return run


def glb_json(path: Path) -> dict[str, Any]:
    """The JSON of a GLB, read without our own reader."""
    body = path.read_bytes()
    magic, version, length, size, kind = struct.unpack_from("<4sIIII", body)
    assert (magic, version, length, kind) == (b"glTF", 2, len(body), 0x4E4F534A)
    return json.loads(body[20 : 20 + size])


def gltf_json(path: Path) -> dict[str, Any]:
    """The JSON of a .gltf or .glb master."""
    return glb_json(path) if path.suffix == ".glb" else json.loads(path.read_bytes())


@pytest.fixture
def plain_glb(tmp_path: Path) -> Callable[..., Path]:
    """Writes a Document uncompressed, as a master, and returns its path."""

    def write(document: Document, name: str = "master.glb") -> Path:
        path = tmp_path / name
        path.write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))
        return path

    return write


def grid_mesh(side: int, *, size_m: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A wavy sheet: positions, normals, UVs, indices; 2 (side - 1)^2 triangles."""
    v, u = np.mgrid[0:side, 0:side] / (side - 1)
    height = 0.1 * np.sin(7 * u) * np.cos(5 * v)
    positions = (np.stack([u, height, v], -1) * size_m).reshape(-1, 3).astype(np.float32)
    slope_u = 0.7 * np.cos(7 * u) * np.cos(5 * v)
    slope_v = -0.5 * np.sin(7 * u) * np.sin(5 * v)
    normals = np.stack([-slope_u, np.ones_like(u), -slope_v], -1).reshape(-1, 3)
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    uvs = np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)
    place = np.arange(side * side).reshape(side, side)
    a, b, c, d = place[:-1, :-1], place[:-1, 1:], place[1:, :-1], place[1:, 1:]
    corners = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return positions, normals, uvs, corners.reshape(-1, 1).astype(np.uint32)


def sheet(side: int = 9, *, size_m: float = 1.0, **tree: Any) -> Document:
    """A Document with one mesh of `grid_mesh`; `tree` adds to or replaces its JSON."""
    positions, normals, uvs, indices = grid_mesh(side, size_m=size_m)
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    json_tree: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3}]}],
        **tree,
    }
    accessors = (
        Accessor(positions, "VEC3"),
        Accessor(normals, "VEC3"),
        Accessor(uvs, "VEC2"),
        Accessor(indices, "SCALAR"),
    )
    return Document(json_tree, accessors)
