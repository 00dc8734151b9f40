"""The tower scan: a grown tower in over a million triangles, its texture baked, in a piece of the bay."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from content_api.demo.field import FloatArray, fbm2, fbm3, noise3
from content_api.demo.glb import Part, Surface, glb_bytes
from content_api.demo.karst import STEEPNESS_LOW, Tower, TowerForm, grow_tower, surface_points, table_axes
from content_api.demo.pictures import ILLUSTRATION, jpeg_bytes, to_srgb

SCAN_FORM = TowerForm(
    seed=3, height_m=62.0, radius_m=25.0, squareness=3.0, taper=0.28, lobes=0.19, cave_turn_rad=0.75
)
FULL_COLUMNS, FULL_ROWS = 1024, 516  # quads around and up: 1,054,720 triangles
FULL_TEXTURE_PX = 4096
WATER_REACH = 1.9  # the water around the islet ends at this many radii of the tower
_STRIP = 128


def tower_glb(columns: int = FULL_COLUMNS, rows: int = FULL_ROWS, texture_px: int = FULL_TEXTURE_PX) -> bytes:
    """The GLB of the demo scan, standing on the sea at the origin."""
    tower = grow_tower(SCAN_FORM, texture_px // 2, texture_px // 2)
    rock = Surface("limestone and shrubs", picture_jpeg=texture_jpeg(tower, texture_px))
    parts = (tower_part(tower, columns, rows, rock), _water(SCAN_FORM.radius_m * WATER_REACH))
    notes = {"title": "Karst tower islet", "description": ILLUSTRATION, "licence": "CC0-1.0"}
    return glb_bytes(parts, name="karst tower", asset_notes=notes)


def tower_part(tower: Tower, columns: int, rows: int, rock: Surface) -> Part:
    """Triangles of the surface above the sea, closed by a floor at sea level."""
    form = tower.form
    turn = (np.arange(columns + 1, dtype=np.float32) * np.float32(2 * np.pi / columns))[None, :]
    share = (np.arange(rows, dtype=np.float32) / np.float32(rows - 1))[:, None]
    steepness = np.float32(STEEPNESS_LOW) + share * np.float32(1.0 - STEEPNESS_LOW)
    reach = _at_vertices(tower.reach, turn, share)
    reach[-1] = reach[-2].mean()  # one crown point, not a ring of them
    x, y, z = surface_points(form, turn, steepness, reach)
    inward = np.minimum(1.0, np.float32(form.core_m) / np.maximum(np.float32(form.core_m) - y, 1e-3))
    x, z = x * inward, z * inward
    floor = y <= 0.0
    y = np.where(floor, 0.0, y)
    normal = np.stack([_at_vertices(tower.normal[..., axis], turn, share) for axis in range(3)], axis=-1)
    normal /= np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    normal[floor] = (0.0, -1.0, 0.0)
    normal[-1] = (0.0, 1.0, 0.0)
    positions = np.stack([x, y, z], axis=-1)
    positions[:, -1], normal[:, -1] = positions[:, 0], normal[:, 0]  # the seam differs only in u
    uvs = np.stack(np.broadcast_arrays(turn * np.float32(1 / (2 * np.pi)), 1.0 - share), axis=-1)

    middle = np.array([[0.0, 0.0, 0.0]], np.float32)
    down = np.array([[0.0, -1.0, 0.0]], np.float32)
    return Part(
        surface=rock,
        positions=np.concatenate([positions.reshape(-1, 3), middle]).astype(np.float32),
        normals=np.concatenate([normal.reshape(-1, 3), down]).astype(np.float32),
        uvs=np.clip(np.concatenate([uvs.reshape(-1, 2), [[0.5, 1.0]]]), 0.0, 1.0).astype(np.float32),
        triangles=_triangles(columns, rows),
    )


def texture_jpeg(tower: Tower, texture_px: int) -> bytes:
    """The baked base colour, twice as fine as the tower's table: its colours plus grain and leaves."""
    linear = np.empty((texture_px, texture_px, 3), np.float32)
    turn, steepness = table_axes(texture_px, texture_px)
    reach, leaf = (_twice_as_fine(table) for table in (tower.reach, tower.leaf))
    colour = _twice_as_fine(tower.colour)
    for start in range(0, texture_px, _STRIP):
        strip = slice(start, start + _STRIP)
        x, y, z = surface_points(tower.form, turn, steepness[strip], reach[strip])
        grain = fbm3(x * 3.1, y * 3.1, z * 3.1, 2, 901, gain=0.8)
        crack = np.abs(noise3(x * 1.1, y * 0.8, z * 1.1, 902))
        leaves = fbm3(x * 4.3, y * 4.3, z * 4.3, 2, 903, gain=0.9)
        rock = 0.13 * grain - 0.28 * np.exp(-crack * 9.0)
        linear[strip] = colour[strip] * np.exp(rock + (0.36 * leaves - rock) * leaf[strip])[..., None]
    return jpeg_bytes(to_srgb(np.ascontiguousarray(linear[::-1])), quality=90)


def _water(radius_m: float, columns: int = 256, rings: int = 72) -> Part:
    """A round piece of the bay for the islet to stand in: small waves, a hand over the tower's floor."""
    turn = (np.arange(columns, dtype=np.float32) * np.float32(2 * np.pi / columns))[None, :]
    out = np.linspace(0.12 * radius_m, radius_m, rings, dtype=np.float32)[:, None]
    x, z = out * np.cos(turn), out * np.sin(turn)

    def height(east: FloatArray, south: FloatArray) -> FloatArray:
        return 0.14 + 0.035 * fbm2(east * 0.21, south * 0.21, 3, 911, gain=0.6)

    step = np.float32(0.05)
    slope_x = (height(x + step, z) - height(x - step, z)) / (2 * step)
    slope_z = (height(x, z + step) - height(x, z - step)) / (2 * step)
    normal = np.stack([-slope_x, np.ones_like(x), -slope_z], axis=-1)
    normal /= np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    ring = np.arange(rings - 1)[:, None] * columns
    here = (ring + np.arange(columns)[None, :]).astype(np.uint32)
    beside = (ring + (np.arange(columns)[None, :] + 1) % columns).astype(np.uint32)
    quads = [here, beside, here + columns], [beside, beside + columns, here + columns]
    return Part(
        surface=Surface("jade water", colour=(0.016, 0.105, 0.083), roughness=0.18),
        positions=np.stack([x, height(x, z), z], axis=-1).reshape(-1, 3),
        normals=normal.reshape(-1, 3),
        uvs=None,
        triangles=np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in quads]).astype(
            np.uint32
        ),
    )


def _at_vertices(table: FloatArray, turn: FloatArray, share: FloatArray) -> FloatArray:
    rows, columns = table.shape
    closed = np.concatenate([table[:, -1:], table, table[:, :1]], axis=1)
    u = turn * np.float32(columns / (2 * np.pi)) + np.float32(0.5) + np.zeros_like(share)
    v = share * np.float32(rows) - np.float32(0.5) + np.zeros_like(turn)
    return cast(FloatArray, cv2.remap(closed, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _twice_as_fine(table: FloatArray) -> FloatArray:
    rows, columns = table.shape[:2]
    closed = np.concatenate([table[:, -4:], table, table[:, :4]], axis=1)
    fine = cv2.resize(closed, (2 * (columns + 8), 2 * rows), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(fine[:, 8:-8])


def _triangles(columns: int, rows: int) -> NDArray[np.uint32]:
    """Two per quad, one per column at the crown (its ring is one point) and one per column in the floor."""
    stride = columns + 1
    corner = (np.arange(rows - 1)[:, None] * stride + np.arange(columns)[None, :]).astype(np.uint32)
    lower = np.stack([corner, corner + stride, corner + 1], axis=-1)
    upper = np.stack([corner[:-1] + 1, corner[:-1] + stride, corner[:-1] + stride + 1], axis=-1)
    first = np.arange(columns, dtype=np.uint32)
    floor = np.stack([first, first + 1, np.full_like(first, rows * stride)], axis=-1)
    corners = np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3), floor])
    return np.asarray(corners, np.uint32)
