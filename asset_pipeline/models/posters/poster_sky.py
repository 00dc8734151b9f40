"""The light a poster is taken in: a soft sky over calm water, as the KTX file that Filament reads.

Filament can filter a picture into an environment itself, but that takes 6 s without a graphics card; here it
is computed from a formula in 0.1 s: a cube map whose levels are blurred for rising roughness, and the diffuse
light as nine spherical harmonics.
"""

import struct

import numpy as np
from numpy.typing import NDArray

FACE_PX = 32
LEVELS = 4  # 32 to 4 pixels
SAMPLES = 800  # directions over which light is gathered; the sky has no small features

Floats = NDArray[np.float64]

_ZENITH, _HAZE, _WATER = np.array([[0.50, 0.64, 0.84], [1.00, 1.02, 1.02], [0.30, 0.36, 0.38]])
_KEY_DIRECTION = np.array([0.55, 0.72, 0.55]) / np.linalg.norm([0.55, 0.72, 0.55])
_KEY_COLOR = np.array([5.0, 4.7, 4.2])
_KEY_SHARPNESS = 40
_RIM_DIRECTION = np.array([-0.85, 0.35, -0.4]) / np.linalg.norm([-0.85, 0.35, -0.4])
_RIM_COLOR = np.array([1.6, 1.9, 2.2])


def sky_color(directions: Floats) -> Floats:
    """Linear colour of the sky in each direction, (..., 3) unit vectors with y up."""
    up = directions[..., 1:2]
    rise = np.clip(up, 0, 1) ** 0.6
    depth = np.clip(-up * 4, 0, 1)
    color = (_HAZE * (1 - rise) + _ZENITH * rise) * (1 - depth) + _WATER * depth
    key = np.clip(directions @ _KEY_DIRECTION, 0, 1)[..., None] ** _KEY_SHARPNESS
    rim = np.clip(directions @ _RIM_DIRECTION, 0, 1)[..., None] ** 12
    result: Floats = color + key * _KEY_COLOR + rim * _RIM_COLOR
    return result


def sky_ktx() -> bytes:
    """The environment as a KTX 1 file: RGBA16F cube map with LEVELS levels, and `sh` in its header."""
    harmonics = "".join(f"{red:.6f} {green:.6f} {blue:.6f}\n" for red, green, blue in _harmonics())
    entry = b"sh\0" + harmonics.encode() + b"\0"
    pairs = struct.pack("<I", len(entry)) + entry + b"\0" * (-len(entry) % 4)
    gl_half_float, gl_rgba, gl_rgba16f = 0x140B, 0x1908, 0x881A
    header = struct.pack(
        "<12s13I", b"\xabKTX 11\xbb\r\n\x1a\n", 0x04030201, gl_half_float, 2, gl_rgba, gl_rgba16f, gl_rgba,
        FACE_PX, FACE_PX, 0, 0, 6, LEVELS, len(pairs),
    )  # fmt: skip
    return header + pairs + b"".join(_level(level) for level in range(LEVELS))


def _level(level: int) -> bytes:
    size = FACE_PX >> level
    colors = _gathered(_face_directions(size).reshape(-1, 3), level / (LEVELS - 1))
    texels = np.ones((6, size, size, 4), np.float16)
    texels[..., :3] = colors.reshape(6, size, size, 3)
    return struct.pack("<I", texels.nbytes // 6) + texels.tobytes()


def _face_directions(size: int) -> Floats:
    """Unit vectors through the texels of the six faces, in OpenGL's order and orientation."""
    line = (np.arange(size) + 0.5) / size * 2 - 1
    s, t = np.meshgrid(line, line)
    one = np.ones_like(s)
    faces = np.stack(
        [np.stack(face, -1) for face in (
            (one, -t, -s), (-one, -t, s), (s, one, t), (s, -one, -t), (s, -t, one), (-s, -t, -one)
        )]
    )  # fmt: skip
    unit: Floats = faces / np.linalg.norm(faces, axis=-1, keepdims=True)
    return unit


def _gathered(directions: Floats, lod: float) -> Floats:
    """The sky blurred by the GGX lobe of the roughness that Filament looks up at this share of the levels."""
    if lod == 0:
        return sky_color(directions)
    alpha = (1 - np.sqrt(1 - lod)) ** 2
    around = _sphere()
    facing = directions @ around.T
    half_cosine = (
        1 + np.clip(facing, -1, 1)
    ) / 2  # squared cosine to the half vector, viewed along the normal
    lobe = alpha**2 / (half_cosine * (alpha**2 - 1) + 1) ** 2
    weights = lobe * np.clip(facing, 0, None)
    result: Floats = weights @ sky_color(around) / weights.sum(axis=1, keepdims=True)
    return result


def _harmonics() -> Floats:
    """(9, 3): diffuse light over the normal's direction, in the polynomial basis of Filament's shader."""
    around = _sphere()
    weights = np.clip(around @ around.T, 0, None)
    light = weights @ sky_color(around) / weights.sum(axis=1, keepdims=True)
    x, y, z = around.T
    basis = np.stack([np.ones_like(x), y, z, x, y * x, y * z, 3 * z * z - 1, z * x, x * x - y * y], axis=1)
    coefficients: Floats = np.linalg.lstsq(basis, light, rcond=None)[0]
    return coefficients


def _sphere() -> Floats:
    """Directions spread evenly (a Fibonacci lattice)."""
    index = np.arange(SAMPLES) + 0.5
    y = 1 - 2 * index / SAMPLES
    angle = index * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(angle), y, ring * np.sin(angle)], axis=1)
