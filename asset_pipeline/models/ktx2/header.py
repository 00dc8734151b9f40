"""What a KTX2 file says about itself, checked before any decoder sees it.

Known here: Basis Universal textures (ETC1S and UASTC, which glTF allows) and plain RGB and RGBA of 8 bits.
Raises ImageUnreadable for files that end early or contradict themselves.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

from asset_pipeline.models.image_headers import ImageUnreadable

MAX_LEVELS = 16
_START = struct.Struct("<12s9I")
_INDEX = struct.Struct("<4I2Q")
_LEVEL = struct.Struct("<3Q")
_COLOR_MODEL_OFFSET = 12  # in the data format descriptor: its total size, then two words of block header

_SAMPLES_OFFSET, _SAMPLE_BYTES = 28, 16
_UASTC_RGBA = 3

_PLAIN_CHANNELS = {23: 3, 29: 3, 37: 4, 43: 4}  # VK_FORMAT_R8G8B8(A8)_UNORM and _SRGB
_NO_SUPERCOMPRESSION, _BASIS_LZ, _ZSTANDARD = 0, 1, 2
_MODEL_ETC1S, _MODEL_UASTC = 163, 166


class Ktx2Kind(StrEnum):
    """How the pixels are stored. OTHER: known to GPUs of one kind, unknown to us."""

    ETC1S = "ETC1S"
    UASTC = "UASTC"
    PLAIN = "plain"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ktx2Level:
    """One mipmap: its size, and where its bytes lie in the file."""

    width_px: int
    height_px: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Ktx2Header:
    """levels: the largest first. vk_format: Vulkan's number, 0 for Basis. channels: of PLAIN, else 0."""

    kind: Ktx2Kind
    levels: tuple[Ktx2Level, ...]
    vk_format: int
    channels: int
    has_alpha: bool

    @property
    def gpu_bytes(self) -> int:
        """What phones hold of it: ETC1S becomes ETC2 (half a byte a pixel, one with alpha), UASTC ASTC."""
        per_px = {Ktx2Kind.ETC1S: 1.0 if self.has_alpha else 0.5, Ktx2Kind.UASTC: 1.0}.get(self.kind, 4.0)
        blocks = sum(-(-level.width_px // 4) * -(-level.height_px // 4) for level in self.levels)
        return int(blocks * 16 * per_px)


def parse_ktx2_header(body: bytes) -> Ktx2Header:
    """The header of a flat, single picture. Raises ImageUnreadable for cubes, arrays, volumes and damage."""
    try:
        return _parse(body)
    except struct.error as error:
        raise ImageUnreadable("the file ends inside its header") from error


def _parse(body: bytes) -> Ktx2Header:
    _, vk_format, _, width, height, depth, layers, faces, count, scheme = _START.unpack_from(body)
    if depth > 0 or layers > 1 or faces != 1 or not width or not height:
        raise ImageUnreadable("it is a KTX2 with several pictures or a volume, not one flat picture")
    if count > MAX_LEVELS or count > max(width, height).bit_length():
        raise ImageUnreadable("a KTX2 with more mipmaps than its size allows")
    descriptor, descriptor_length, *_ = _INDEX.unpack_from(body, _START.size)
    if descriptor_length < _COLOR_MODEL_OFFSET + 4 or descriptor + descriptor_length > len(body):
        raise ImageUnreadable("a KTX2 whose description lies outside the file")
    model = body[descriptor + _COLOR_MODEL_OFFSET]
    kind = _kind(vk_format, model, scheme)
    levels = []
    for number in range(max(count, 1)):
        place = _LEVEL.unpack_from(body, _START.size + _INDEX.size + number * _LEVEL.size)
        level = Ktx2Level(max(width >> number, 1), max(height >> number, 1), place[0], place[1])
        if not level.length or level.offset + level.length > len(body):
            raise ImageUnreadable("a KTX2 whose mipmaps lie outside the file")
        _check_length(level, place[2], kind, scheme, _PLAIN_CHANNELS.get(vk_format, 0))
        levels.append(level)
    channels = _PLAIN_CHANNELS.get(vk_format, 0)
    has_alpha = _has_alpha(body[descriptor : descriptor + descriptor_length], kind, channels)
    return Ktx2Header(kind, tuple(levels), vk_format, channels, has_alpha)


def _kind(vk_format: int, model: int, scheme: int) -> Ktx2Kind:
    if vk_format == 0 and model == _MODEL_ETC1S and scheme == _BASIS_LZ:
        return Ktx2Kind.ETC1S
    if vk_format == 0 and model == _MODEL_UASTC and scheme in (_NO_SUPERCOMPRESSION, _ZSTANDARD):
        return Ktx2Kind.UASTC
    if vk_format in _PLAIN_CHANNELS and scheme == _NO_SUPERCOMPRESSION:
        return Ktx2Kind.PLAIN
    return Ktx2Kind.OTHER


def _has_alpha(descriptor: bytes, kind: Ktx2Kind, channels: int) -> bool:
    """ETC1S keeps alpha as a second sample, UASTC says in its only one which channels it has."""
    samples = descriptor[_SAMPLES_OFFSET:]
    if kind is Ktx2Kind.ETC1S:
        return len(samples) >= 2 * _SAMPLE_BYTES
    if kind is Ktx2Kind.UASTC:
        return len(samples) >= _SAMPLE_BYTES and samples[3] & 0x0F == _UASTC_RGBA
    return channels == 4


def _check_length(level: Ktx2Level, unpacked: int, kind: Ktx2Kind, scheme: int, channels: int) -> None:
    """A level's bytes must be what its size needs: what it claims is what a decoder would allocate."""
    blocks = -(-level.width_px // 4) * -(-level.height_px // 4)
    if kind is Ktx2Kind.UASTC:
        fits = unpacked == blocks * 16 and (scheme == _ZSTANDARD or level.length == unpacked)
    elif kind is Ktx2Kind.PLAIN:
        fits = level.length == level.width_px * level.height_px * channels
    else:
        fits = True
    if not fits:
        raise ImageUnreadable("a KTX2 whose mipmaps are not as long as their size asks")
