"""The karst language of the bay: one limestone tower as a surface around a vertical axis.

A tower is star-shaped around a point inside it, in a space squeezed vertically until it is about as tall as
wide. Each direction (turn around the axis, steepness) has one distance to the rock: a table. The tower scan
is such a table turned into triangles; the islands of the panorama are such tables met by rays. Form first,
then ledges, gullies and flutes, then what grows on it.
"""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from content_api.demo.field import FloatArray, fbm3, mix, noise3, smoothstep

STEEPNESS_LOW = -0.19  # lowest row of a table: well under the sea for every tower we grow
CORE_SHARE = 0.10  # the point seen from all the surface lies at this share of the height
CAVE_DEPTH_M = 9.5
_ROWS_PER_STRIP = 128  # arrays of this many rows stay in the processor's cache


@dataclass(frozen=True, slots=True)
class TowerForm:
    """What makes one tower differ from the next; lengths in metres."""

    seed: int
    height_m: float
    radius_m: float
    squareness: float = 3.2  # 2 is a dome, 6 a block
    taper: float = 0.25  # how much narrower it is at the top
    lobes: float = 0.20  # depth of the buttresses, as a share of the radius
    greenness: float = 0.0  # added to how readily plants take hold
    ledge_m: float = 13.0  # height of a cliff band between ledges
    cave_turn_rad: float | None = None  # where a sea cave opens, if one does

    def __post_init__(self) -> None:
        if not (self.height_m > 0 and self.radius_m > 0):
            raise ValueError(f"want a tower of positive size, got {self.height_m} m x {self.radius_m} m")
        if not 2.0 <= self.squareness <= 8.0:
            raise ValueError(f"squareness: want 2 to 8, got {self.squareness}")

    @property
    def core_m(self) -> float:
        """Height of the inner point above the sea."""
        return self.height_m * CORE_SHARE

    @property
    def squeeze(self) -> float:
        """Metres of height per unit of the squeezed space."""
        return self.height_m * (1.0 - CORE_SHARE) / self.radius_m


@dataclass(frozen=True, slots=True)
class Tower:
    """A grown tower: rows from below the sea to the crown, columns once around (the last meets the first)."""

    form: TowerForm
    reach: FloatArray  # (rows, columns) distance from the inner point, squeezed metres
    normal: FloatArray  # (rows, columns, 3) unit, metres
    colour: FloatArray  # (rows, columns, 3) linear reflectance with soft occlusion
    leaf: FloatArray  # (rows, columns) share covered by plants


def grow_tower(form: TowerForm, columns: int, rows: int) -> Tower:
    """The tower of a form at a resolution. The same form at another resolution is the same tower."""
    turn, steepness = table_axes(columns, rows)
    rock = np.empty((rows, columns), np.float32)
    for strip in _strips(rows):
        rock[strip] = _rock_reach(form, turn, steepness[strip])
    leaf = _leaf_share(form, turn, steepness, rock)
    reach = np.empty_like(rock)
    for strip in _strips(rows):
        reach[strip] = rock[strip] + _canopy(form, turn, steepness[strip], rock[strip], leaf[strip])
    normal = surface_normal(form, turn, steepness, reach)
    colour = np.empty((rows, columns, 3), np.float32)
    shade = _occlusion(form, reach)
    for strip in _strips(rows):
        points = surface_points(form, turn, steepness[strip], reach[strip])
        if form.cave_turn_rad is not None:
            shade[strip] *= 1.0 - np.float32(0.85 / CAVE_DEPTH_M) * _cave(form, *points)
        colour[strip] = paint(form, points, normal[strip], leaf[strip], shade[strip])
    return Tower(form, reach, normal, colour, leaf)


def table_axes(columns: int, rows: int, low: float = STEEPNESS_LOW) -> tuple[FloatArray, FloatArray]:
    """Middles of a table's cells: turn (1, columns) in radians and steepness (rows, 1).

    Steepness is y / (|y| + horizontal distance): 0 level, 1 straight up; rows run from `low` up to 1.
    """
    turn = ((np.arange(columns, dtype=np.float32) + 0.5) * np.float32(2 * np.pi / columns))[None, :]
    steepness = (
        (np.arange(rows, dtype=np.float32) + 0.5) * np.float32((1.0 - low) / rows) + np.float32(low)
    )[:, None]
    return turn, steepness


def directions(turn: FloatArray, steepness: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit directions of the squeezed space, each (rows, columns)."""
    flat = 1.0 - np.abs(steepness)
    length = np.sqrt(flat * flat + steepness * steepness)
    flat = flat / length
    up = (steepness / length) + np.zeros_like(turn)
    return flat * np.cos(turn), up, flat * np.sin(turn)


def surface_points(
    form: TowerForm, turn: FloatArray, steepness: FloatArray, reach: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points in metres, y up from the sea."""
    dx, dy, dz = directions(turn, steepness)
    return dx * reach, dy * reach * np.float32(form.squeeze) + np.float32(form.core_m), dz * reach


def surface_normal(form: TowerForm, turn: FloatArray, steepness: FloatArray, reach: FloatArray) -> FloatArray:
    """Outward unit normals from the table's neighbours; around the turn the table is closed."""
    x, y, z = surface_points(form, turn, steepness, reach)
    p = np.stack([x, y, z], axis=-1)
    around = np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1)
    upward = np.empty_like(p)
    upward[1:-1] = p[2:] - p[:-2]
    upward[0] = p[1] - p[0]
    upward[-1] = p[-1] - p[-2]
    normal = np.cross(upward, around)
    length = np.sqrt((normal * normal).sum(axis=-1, keepdims=True))
    flat = length[..., 0] < 1e-9  # the crown's single point
    normal /= np.maximum(length, 1e-9)
    normal[flat] = (0.0, 1.0, 0.0)
    return np.asarray(normal, np.float32)


def _strips(rows: int) -> list[slice]:
    return [slice(start, min(start + _ROWS_PER_STRIP, rows)) for start in range(0, rows, _ROWS_PER_STRIP)]


def _rock_reach(form: TowerForm, turn: FloatArray, steepness: FloatArray) -> FloatArray:
    """The bare rock: form, buttresses, ledges, gullies, flutes, cracks, the tidal notch and the cave."""
    dx, dy, dz = directions(turn, steepness)
    flat = np.sqrt(dx * dx + dz * dz)
    radius, seed = form.radius_m, form.seed * 31
    reach = _smooth_form(form, flat, dy)

    # buttresses and side peaks: long vertically, as water and joints carve them
    x, y, z = dx * reach, dy * reach * np.float32(form.squeeze) + np.float32(form.core_m), dz * reach
    s = np.float32(0.62 / radius)
    lobe = fbm3(x * s, y * s * 0.45, z * s, 3, seed, gain=0.5)
    reach *= 1.0 + np.float32(form.lobes) * mix(
        lobe, np.tanh(lobe * 0.9 - 0.45) * 0.9, smoothstep(0.55, 0.95, dy)
    )

    x, y, z = dx * reach, dy * reach * np.float32(form.squeeze) + np.float32(form.core_m), dz * reach
    per_m = _reach_per_m(form, flat, dy)
    wall = smoothstep(0.93, 0.62, dy) * per_m  # ledges and flutes belong to the walls, less to the crown
    # ledges: bands of cliff lean out a little, then step back
    warp = noise3(x * 0.020, y * 0.012, z * 0.020, seed + 1)
    band = y * np.float32(1.0 / form.ledge_m) + warp * 0.9
    depth = 0.5 + 0.5 * np.clip(0.6 + noise3(x * 0.03, y * 0.05, z * 0.03, seed + 2), 0.0, 1.6)
    reach += wall * depth * np.float32(0.085 * form.ledge_m) * _overhang(band, 0.34)
    fine = y * np.float32(1.0 / 2.7) + warp * 3.1 + 0.5 * noise3(x * 0.1, y * 0.02, z * 0.1, seed + 3)
    reach += (
        wall
        * 0.36
        * _overhang(fine, 0.3)
        * np.clip(0.4 + noise3(x * 0.05, y * 0.05, z * 0.05, seed + 4), 0.0, 1.5)
    )
    # gullies: deep, narrow, running down the wall
    gully = 1.0 - np.abs(noise3(x * 0.050, y * 0.011, z * 0.050, seed + 5))
    reach -= wall * 3.4 * np.clip(gully - 0.55, 0.0, 1.0) * 2.2 * np.clip(gully, 0.0, 1.0)
    # flutes and runnels: rounded ribs with sharp grooves between
    wx = x + 1.5 * noise3(x * 0.06, y * 0.06, z * 0.06, seed + 6)
    wz = z + 1.5 * noise3(x * 0.06, y * 0.06, z * 0.06, seed + 7)
    strength = np.clip(0.75 + 0.6 * noise3(x * 0.035, y * 0.03, z * 0.035, seed + 8), 0.1, 1.6)
    flute = np.abs(noise3(wx * 0.17, y * 0.016, wz * 0.17, seed + 9))
    reach += wall * strength * 1.15 * (np.minimum(flute, 1.2) - 0.6)
    runnel = np.abs(noise3(wx * 0.50, y * 0.045, wz * 0.50, seed + 10))
    reach += wall * strength * 0.34 * (np.minimum(runnel, 1.2) - 0.6)
    # broken rock
    reach += per_m * 0.42 * fbm3(x * 0.12, y * 0.14, z * 0.12, 4, seed + 11, gain=0.55)
    # the notch the tides and their mussels eat into the foot
    line = 1.3 + 0.25 * noise3(x * 0.05, y * 0.0, z * 0.05, seed + 12)
    tide = (y - line) * (1.0 / 1.45)
    reach -= (2.3 + 0.7 * noise3(x * 0.06, y * 0.05, z * 0.06, seed + 13)) * np.exp(
        -tide * tide * np.where(tide > 0, 0.8, 0.55)
    )
    if form.cave_turn_rad is not None:
        reach -= _cave(form, x, y, z)
    return np.maximum(reach, np.float32(radius * 0.2))


def _smooth_form(form: TowerForm, flat: FloatArray, up: FloatArray) -> FloatArray:
    """A rounded block above the inner point, a widening shaft below it."""
    n = np.float32(form.squareness)
    above = np.power(np.power(flat, n) + np.power(np.abs(up), n), -1.0 / n)
    reach = np.where(up >= 0, above, 1.0 / np.maximum(flat, 0.35))
    share = np.clip(CORE_SHARE + up * reach * (1.0 - CORE_SHARE), 0.0, 1.2)  # of the height
    narrow = 1.0 + np.float32(form.taper) * (0.30 - share)
    # narrowing acts on the horizontal part only; along the ray it fades towards the crown
    return np.float32(form.radius_m) * reach * mix(1.0, narrow, np.clip(flat * 1.25, 0.0, 1.0))


def _reach_per_m(form: TowerForm, flat: FloatArray, up: FloatArray) -> FloatArray:
    """How much to lengthen the reach for a metre of real displacement: less where the space is squeezed."""
    stretch = up * np.float32(form.squeeze)
    return np.asarray(1.0 / np.sqrt(flat * flat + stretch * stretch), dtype=np.float32)


def _overhang(band: FloatArray, ledge: float) -> FloatArray:
    """Rising slowly from -0.5 to 0.5 over a band, falling back over its last `ledge` share."""
    share = band - np.floor(band)
    rise = share * np.float32(1.0 / (1.0 - ledge))
    fall = (1.0 - share) * np.float32(1.0 / ledge)
    edge: FloatArray = np.minimum(rise, fall)
    return edge * edge * (3.0 - 2.0 * edge) * 0.4 + edge * 0.6 - 0.5


def _cave(form: TowerForm, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """How deep a sea cave goes, metres: a tall mouth at the waterline with a ragged rim."""
    assert form.cave_turn_rad is not None
    across = x * np.float32(-np.sin(form.cave_turn_rad)) + z * np.float32(np.cos(form.cave_turn_rad))
    facing = x * np.float32(np.cos(form.cave_turn_rad)) + z * np.float32(np.sin(form.cave_turn_rad))
    rag = 0.16 * noise3(x * 0.3, y * 0.3, z * 0.3, form.seed + 40)
    rim = np.sqrt((across / 4.6) ** 2 + (np.maximum(y - 0.5, 0.0) / 8.2) ** 2) + rag
    return np.where(facing > 0, CAVE_DEPTH_M * smoothstep(1.0, 0.55, rim), 0.0).astype(np.float32)


def _leaf_share(form: TowerForm, turn: FloatArray, steepness: FloatArray, rock: FloatArray) -> FloatArray:
    """Where plants hold: on what is not too steep once small roughness is averaged, thinning out in tufts."""
    rows, columns = rock.shape
    calm = _blur_around(rock, columns / 2 / np.pi / form.radius_m * 0.9)
    gentle = surface_normal(form, turn, steepness, calm)[..., 1]
    leaf = np.empty_like(rock)
    seed = form.seed * 31 + 100
    for strip in _strips(rows):
        x, y, z = surface_points(form, turn, steepness[strip], rock[strip])
        patch = fbm3(x * 0.045, y * 0.06, z * 0.045, 3, seed)
        tuft = fbm3(x * 0.28, y * 0.28, z * 0.28, 2, seed + 1)
        hold = gentle[strip] * 1.25 + 0.24 * patch + 0.15 * tuft + np.float32(form.greenness)
        hold += 0.14 * smoothstep(0.35, 0.95, y * np.float32(1.0 / form.height_m))
        leaf[strip] = smoothstep(0.42, 0.58, hold) * smoothstep(3.2, 6.5, y + 1.2 * tuft)
    return leaf


def _canopy(
    form: TowerForm, turn: FloatArray, steepness: FloatArray, rock: FloatArray, leaf: FloatArray
) -> FloatArray:
    """Crowns of shrubs and small trees, standing out of the rock."""
    x, y, z = surface_points(form, turn, steepness, rock)
    seed = form.seed * 31 + 120
    crown = 1.0 - np.minimum(np.abs(noise3(x * 0.20, y * 0.20, z * 0.20, seed)), 1.3)
    twig = 1.0 - np.minimum(np.abs(noise3(x * 0.55, y * 0.55, z * 0.55, seed + 1)), 1.3)
    dx, dy, dz = directions(turn, steepness)
    per_m = _reach_per_m(form, np.sqrt(dx * dx + dz * dz), dy)
    tuft = 0.25 + 0.75 * crown + 0.34 * twig + 0.13 * noise3(x * 1.6, y * 1.6, z * 1.6, seed + 2)
    reach: FloatArray = leaf * per_m * tuft
    return reach


def _occlusion(form: TowerForm, reach: FloatArray) -> FloatArray:
    """Soft light lost in hollows, 0 to 1 of the light left: how far the rock lies behind its blurred self."""
    px_per_m = reach.shape[1] / (2 * np.pi * form.radius_m)
    shade = np.ones_like(reach)
    for width_m, depth_m, strength in ((0.5, 0.5, 0.55), (1.8, 1.5, 0.6), (6.0, 4.5, 0.55)):
        behind = (_blur_around(reach, width_m * px_per_m) - reach) * np.float32(1.0 / depth_m)
        shade *= 1.0 - np.float32(strength) * np.clip(behind, -0.35, 1.0)
    return shade


def _blur_around(table: FloatArray, sigma_px: float) -> FloatArray:
    """A Gaussian blur that is closed around the turn."""
    if sigma_px < 0.3:
        return table.copy()
    rows, columns = table.shape
    if sigma_px > 6:  # wide blurs on a smaller table: the same to the eye, much less work
        small = cast(FloatArray, cv2.resize(table, (columns // 4, rows // 4), interpolation=cv2.INTER_AREA))
        soft = _blur_around(small, sigma_px / 4)
        wide = np.concatenate([soft[:, -2:], soft, soft[:, :2]], axis=1)
        big = cv2.resize(wide, (columns + 16, rows), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(big[:, 8:-8])
    edge = min(int(4 * sigma_px) + 1, columns)
    wide = np.concatenate([table[:, -edge:], table, table[:, :edge]], axis=1)
    soft = cast(FloatArray, cv2.GaussianBlur(wide, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE))
    return np.ascontiguousarray(soft[:, edge:-edge])


def paint(
    form: TowerForm,
    points: tuple[FloatArray, FloatArray, FloatArray],
    normal: FloatArray,
    leaf: FloatArray,
    shade: FloatArray,
) -> FloatArray:
    """Linear reflectance (…, 3): grey limestone, its stains, the tide's marks, and green."""
    x, y, z = points
    seed = form.seed * 31 + 200
    broad = fbm3(x * 0.03, y * 0.035, z * 0.03, 3, seed)
    grain = fbm3(x * 0.7, y * 0.8, z * 0.7, 4, seed + 1, gain=0.7)
    bed = noise3(x * 0.03, y * 0.9 + 0.4 * broad, z * 0.03, seed + 2)
    value = 0.285 * np.exp(0.16 * broad + 0.17 * grain + 0.05 * bed)
    warm = smoothstep(-0.4, 1.6, noise3(x * 0.05, y * 0.03, z * 0.05, seed + 3))
    red, green, blue = value * (1.0 + 0.10 * warm), value * 0.985, value * (0.93 - 0.17 * warm)

    # what water leaves: dark seeps of algae, white lime, ochre from the soil above; all run straight down
    sway = 0.8 * noise3(x * 0.05, y * 0.07, z * 0.05, seed + 4)
    run = fbm3((x + sway) * 0.26, y * 0.010, (z + sway) * 0.26, 3, seed + 5, gain=0.75)
    where = noise3(x * 0.03, y * 0.022, z * 0.03, seed + 6)
    steep = smoothstep(0.45, 0.12, np.abs(normal[..., 1]))
    seep = smoothstep(0.05, 1.15, run + 0.55 * where) * (0.35 + 0.65 * steep)
    lime = smoothstep(0.9, 1.7, -run + 0.45 * where) * steep
    rust = (
        smoothstep(0.7, 1.7, fbm3((x - sway) * 0.13, y * 0.013, (z - sway) * 0.13, 3, seed + 7) - 0.3 * where)
        * steep
    )
    red = mix(mix(red, 0.55, lime * 0.65), 0.40, rust * 0.62)
    green = mix(mix(green, 0.53, lime * 0.65), 0.265, rust * 0.62)
    blue = mix(mix(blue, 0.485, lime * 0.65), 0.125, rust * 0.62)
    dark = 1.0 - 0.72 * seep
    red, green, blue = red * dark, green * (dark + 0.012 * seep), blue * (dark + 0.02 * seep)

    # the tide: black wet foot, a pale line of shells above it
    wave = 0.3 * noise3(x * 0.2, y * 0.0, z * 0.2, seed + 8)
    wet = smoothstep(2.2, 1.1, y + wave)
    shells = np.exp(-(((y + wave - 2.5) * 2.2) ** 2)) * smoothstep(-0.3, 0.8, grain)
    red, green, blue = (c * (1.0 - 0.70 * wet) + 0.10 * shells for c in (red, green, blue))

    # plants: each crown its own green, lit tips, dry grass among them
    kind = fbm3(x * 0.16, y * 0.16, z * 0.16, 2, seed + 9)
    leaves = fbm3(x * 1.3, y * 1.3, z * 1.3, 3, seed + 10, gain=0.8)
    bright = np.exp(0.30 * kind + 0.42 * leaves)
    dry = 0.8 * smoothstep(1.1, 2.6, kind + 0.5 * leaves)
    red = mix(red, bright * mix(0.052, 0.125, dry), leaf)
    green = mix(green, bright * mix(0.076, 0.105, dry), leaf)
    blue = mix(blue, bright * mix(0.023, 0.040, dry), leaf)

    light = np.clip(shade, 0.08, 1.25)
    return np.clip(np.stack([red * light, green * light, blue * light], axis=-1), 0.0, 1.0).astype(np.float32)
