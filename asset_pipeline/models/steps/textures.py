"""Textures made smaller for a phone: checked from their header, scaled down, encoded again.

`check_texture` refuses what must not be decoded, before it is; `encode_texture` and `decode_texture` call it
themselves. The same bytes and options give the same bytes out.

Costs on one shared x86-64 core: 4096 px colour to 2048 px about 1.8 s, of which decoding 0.2 s and WebP 1.4
s; memory at most about MAX_DECODED_BYTES * 2.
"""

import contextlib
from collections.abc import Iterator, Set
from dataclasses import dataclass

import numpy as np
import PIL.Image

from asset_pipeline.models.document import Image
from asset_pipeline.models.image_headers import ImageUnreadable, parse_image_header
from asset_pipeline.models.ktx2.codec import MAX_ENCODED_PX, Ktx2Unusable, decode_ktx2
from asset_pipeline.models.ktx2.header import Ktx2Kind, parse_ktx2_header
from asset_pipeline.models.steps.texture_codecs import encode_flat, encode_pixels
from asset_pipeline.models.steps.texture_options import DEFAULT_QUALITY, TextureCodec
from asset_pipeline.models.steps.texture_pixels import (
    Pixels,
    decode_picture,
    has_alpha,
    is_flat,
    read_rows,
    scale_down,
    shrink_for,
)
from asset_pipeline.models.steps.texture_roles import AlphaUse, TextureRole, TextureUse, collect_texture_roles
from asset_pipeline.outcome import refuse

__all__ = [
    "AlphaUse",
    "TextureInfo",
    "TextureRole",
    "TextureUse",
    "check_texture",
    "collect_texture_roles",
    "decode_texture",
    "encode_texture",
    "gpu_bytes",
    "texture_info",
]

MAX_TEXTURE_PX = 8192  # per side; more than phones can hold, and 8192 x 8192 RGBA is 256 MiB once decoded
SUSPECT_PX = 4096 * 4096  # from here on, an image must carry some bytes for its pixels
MIN_BYTES_PER_PX = 0.005  # a PNG of one colour has 0.003 to 0.004; the emptiest real texture we met had 0.02
REENCODE_RATIO = 0.8  # a file of the same kind is only made again if that saves a fifth: each pass loses some
FLAT_PX = 4  # a texture of one colour; the least a GPU's block can hold

GLTF_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/ktx2")
_CODEC_OF_TYPE = {
    "image/png": TextureCodec.JPEG_PNG,
    "image/jpeg": TextureCodec.JPEG_PNG,
    "image/webp": TextureCodec.WEBP,
    "image/avif": TextureCodec.AVIF,
    "image/ktx2": TextureCodec.KTX2,
}
_TYPE_OF_CODEC = {TextureCodec.KTX2: "image/ktx2"}
_KEPT_TYPES: dict[TextureCodec, Set[str]] = {  # what may stay as it came when that is the smaller file
    TextureCodec.WEBP: {"image/png", "image/jpeg", "image/webp", "image/ktx2"},
    TextureCodec.AVIF: {"image/png", "image/jpeg", "image/webp", "image/avif", "image/ktx2"},
    TextureCodec.JPEG_PNG: {"image/png", "image/jpeg"},
    TextureCodec.KTX2: frozenset[str](),  # it is for the GPU's memory, not for its bytes
}


@dataclass(frozen=True, slots=True)
class TextureInfo:
    """What an encoded texture is, from its header, and what it will take of the GPU's memory."""

    media_type: str
    width_px: int
    height_px: int
    gpu_bytes: int


def texture_info(body: bytes, *, where: str = "texture") -> TextureInfo:
    """Type and size of an encoded texture, without decoding it. Raises Refused for what glTF cannot hold."""
    with _refusing_unreadable(where):
        header = parse_image_header(body)
        if header.media_type == "image/ktx2":
            size = parse_ktx2_header(body).gpu_bytes
            return TextureInfo(header.media_type, header.width_px, header.height_px, size)
    if header.media_type not in GLTF_IMAGE_TYPES:
        raise refuse(
            f"The texture is a file of type {header.media_type}, which models cannot carry.",
            where=where,
            advice="Save it as PNG or JPEG and export the model again.",
        )
    size = gpu_bytes(header.width_px, header.height_px)
    return TextureInfo(header.media_type, header.width_px, header.height_px, size)


def gpu_bytes(width_px: int, height_px: int) -> int:
    """Memory on the GPU of a texture that is no KTX2: 4 bytes a pixel, times 4/3 for its mipmaps."""
    return width_px * height_px * 4 * 4 // 3


@contextlib.contextmanager
def _refusing_unreadable(where: str) -> Iterator[None]:
    try:
        yield
    except (ImageUnreadable, Ktx2Unusable) as error:
        raise refuse(
            f"The texture cannot be read: {error}.",
            where=where,
            advice="Open it in an image editor, save it as PNG or JPEG and export the model again.",
        ) from error


def check_texture(body: bytes, *, where: str = "texture") -> TextureInfo:
    """The texture's info, or Refused for one that is too large or that holds far too few bytes for its
    pixels."""
    info = texture_info(body, where=where)
    if max(info.width_px, info.height_px) > MAX_TEXTURE_PX:
        raise refuse(
            f"The texture has {info.width_px} x {info.height_px} pixels; "
            f"at most {MAX_TEXTURE_PX} per side are taken.",
            where=where,
            advice=f"Scale it down to {MAX_TEXTURE_PX} pixels or less.",
        )
    if info.media_type == "image/ktx2" and parse_ktx2_header(body).kind is Ktx2Kind.OTHER:
        raise refuse(
            "The texture is a KTX2 whose pixels are packed for one kind of graphics card.",
            where=where,
            advice="Save it as PNG, or as KTX2 with Basis Universal (ETC1S or UASTC), and export again.",
        )
    pixels = info.width_px * info.height_px
    if info.media_type != "image/ktx2" and pixels > SUSPECT_PX and len(body) < pixels * MIN_BYTES_PER_PX:
        raise refuse(
            f"The texture claims {info.width_px} x {info.height_px} pixels in only {len(body)} bytes; "
            "it was not opened, because it may be made to exhaust the computer's memory.",
            where=where,
            advice="If it really is one even colour, save it with 64 x 64 pixels.",
        )
    return info


def encode_texture(
    image: Image,
    *,
    max_px: int,
    role: TextureRole = TextureRole.COLOR,
    quality: int | None = None,
    codec: TextureCodec = TextureCodec.WEBP,
    alpha: AlphaUse | None = None,
    where: str = "texture",
) -> Image:
    """The texture as a file of the codec with at most `max_px` per side, or as it came where that is better.

    It comes back byte for byte if it fits `max_px` and would not become smaller (of the same kind: a fifth
    smaller), or is KTX2 and is to be. Nothing is enlarged. What is scaled down gets sides that are powers of
    two, which older phones want for mipmaps; the picture may be squeezed by that, as UV do not mind. For KTX2
    all sides become multiples of 4. A texture of one colour becomes 4 x 4 pixels of exactly that colour.

    role: colour is averaged in linear light, normals are made unit length again; only colour may lose
    resolution of chroma, where the codec lets us choose; KTX2 is ETC1S, for normals UASTC. quality: the
    codec's, 0 to 100; None: DEFAULT_QUALITY. alpha: what it means (`collect_texture_roles` tells); None keeps
    it as opacity of a colour, else as data. An alpha that is opaque everywhere is dropped.
    Raises Refused for what `check_texture` refuses and for a damaged picture, BasisMissing for KTX2 where the
    installation lacks its module.
    """
    if quality is None:
        quality = DEFAULT_QUALITY[role]
    if max_px < 1 or not 0 <= quality <= 100:
        raise ValueError(f"encode_texture: want max_px >= 1 and quality 0 to 100, got {max_px}, {quality}")
    info = check_texture(image.body, where=where)
    width_px, height_px = target_size(info.width_px, info.height_px, max_px)
    if codec is TextureCodec.KTX2 or (codec is TextureCodec.KEEP and info.media_type == "image/ktx2"):
        width_px, height_px = _block_size(width_px, height_px)
    fits = (width_px, height_px) == (info.width_px, info.height_px)
    is_final = codec is TextureCodec.KEEP or info.media_type == _TYPE_OF_CODEC.get(codec)
    if fits and is_final and _is_allowed(image.body, info):
        return Image(image.body, info.media_type, image.name)
    if codec is TextureCodec.KEEP:
        codec = _CODEC_OF_TYPE[info.media_type]
    if alpha is None:
        alpha = AlphaUse.OPACITY if role is TextureRole.COLOR else AlphaUse.DATA

    picture = _open(image.body, info, (width_px, height_px), where)
    if codec is not TextureCodec.KTX2:  # a huge KTX2 comes in a smaller mipmap than asked for
        width_px, height_px = min(width_px, picture.width), min(height_px, picture.height)
    channels = 4 if has_alpha(picture) and alpha is not AlphaUse.NONE else 3
    if is_flat(picture) and min(picture.size) >= FLAT_PX:
        pixels = read_rows(picture, 0, FLAT_PX, channels)[:, :FLAT_PX]
        made = encode_flat(pixels, codec, role=role)
    else:
        if picture.size != (width_px, height_px):
            pixels = scale_down(picture, width_px, height_px, channels, shrink_for(role, alpha, channels))
        else:
            pixels = read_rows(picture, 0, height_px, channels)
        made = encode_pixels(pixels, codec, role=role, quality=quality)
    picture.close()
    if fits and info.media_type in _KEPT_TYPES[codec] and _is_allowed(image.body, info):
        is_same_kind = info.media_type == made.media_type
        if len(made.body) >= len(image.body) * (REENCODE_RATIO if is_same_kind else 1.0):
            return Image(image.body, info.media_type, image.name)
    return Image(made.body, made.media_type, image.name)


def _is_allowed(body: bytes, info: TextureInfo) -> bool:
    """Whether a glTF may hold it as it is: of KTX2 only Basis Universal."""
    return info.media_type != "image/ktx2" or parse_ktx2_header(body).kind is not Ktx2Kind.PLAIN


def _open(body: bytes, info: TextureInfo, size_px: tuple[int, int], where: str) -> PIL.Image.Image:
    if info.media_type != "image/ktx2":
        return decode_picture(body, where)
    with _refusing_unreadable(where):
        return PIL.Image.fromarray(decode_ktx2(body, least_px=size_px))


def decode_texture(
    image: Image,
    *,
    max_px: int | None = None,
    role: TextureRole = TextureRole.COLOR,
    where: str = "texture",
) -> Pixels:
    """The texture as (height, width, 4) uint8 RGBA, scaled down to `max_px` as `encode_texture` does.

    Raises Refused for what `check_texture` refuses and for a damaged picture.
    """
    info = check_texture(image.body, where=where)
    width_px, height_px = target_size(info.width_px, info.height_px, max_px or MAX_TEXTURE_PX)
    picture = _open(image.body, info, (width_px, height_px), where)
    if picture.width <= width_px:  # a KTX2 may come in a smaller mipmap than asked for
        return read_rows(picture, 0, picture.height, 4)
    pixels = scale_down(picture, width_px, height_px, 4, shrink_for(role, AlphaUse.OPACITY, 4))
    return pixels if pixels.shape[2] == 4 else np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def target_size(width_px: int, height_px: int, max_px: int) -> tuple[int, int]:
    """The size as it is if it fits `max_px`; else the longer side's scale applied to both, down to powers of
    two."""
    longest = max(width_px, height_px)
    if longest <= max_px:
        return width_px, height_px
    return (
        _power_of_two_within(width_px * max_px // longest),
        _power_of_two_within(height_px * max_px // longest),
    )


def _block_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Down to multiples of 4, within what the encoder takes; sides under 4 up to 4."""
    while width_px * height_px > MAX_ENCODED_PX:
        width_px, height_px = width_px // 2, height_px // 2
    return max(width_px // 4 * 4, 4), max(height_px // 4 * 4, 4)


def _power_of_two_within(side_px: int) -> int:
    return 1 << max(side_px, 1).bit_length() - 1
