"""Textures made smaller for a phone: checked from their header, scaled down, encoded as WebP.

`check_texture` refuses what must not be decoded, before it is; `encode_texture` calls it itself. The same
bytes and options give the same bytes out.

Costs on one shared x86-64 core: 4096 px colour to 2048 px about 1.8 s, of which decoding 0.2 s and WebP 1.4
s; memory at most about MAX_DECODED_BYTES * 2.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.document import Image
from asset_pipeline.models.image_headers import ImageHeader, ImageUnreadable, parse_image_header
from asset_pipeline.models.steps.texture_roles import AlphaUse, TextureRole, TextureUse, collect_texture_roles
from asset_pipeline.outcome import refuse

__all__ = [
    "AlphaUse",
    "TextureInfo",
    "TextureRole",
    "TextureUse",
    "check_texture",
    "collect_texture_roles",
    "encode_texture",
    "gpu_bytes",
    "texture_info",
]

MAX_TEXTURE_PX = 8192  # per side; more than phones can hold, and 8192 x 8192 RGBA is 256 MiB once decoded
SUSPECT_PX = 4096 * 4096  # from here on, an image must carry some bytes for its pixels
MIN_BYTES_PER_PX = 0.005  # a PNG of one colour has 0.003 to 0.004; the emptiest real texture we met had 0.02
MAX_LOSSLESS_COLORS = 256  # images with so few colours are tried as lossless WebP as well
MIN_QUALITY_NORMAL = 90  # WebP halves the resolution of chroma, where two of a normal's three numbers live
MIN_QUALITY_DATA = 85
REENCODE_RATIO = 0.8  # a WebP is only encoded again if that saves a fifth: each pass loses some quality
WEBP_METHOD = 4  # 6 saves 2 % more bytes for 2.5 times the time

GLTF_IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/avif", "image/ktx2")

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TextureInfo:
    """What an encoded texture is, from its header, and what it will take of the GPU's memory."""

    media_type: str
    width_px: int
    height_px: int
    gpu_bytes: int


def texture_info(body: bytes, *, where: str = "texture") -> TextureInfo:
    """Type and size of an encoded texture, without decoding it. Raises Refused for what glTF cannot hold."""
    header = _header(body, where)
    if header.media_type not in GLTF_IMAGE_TYPES:
        raise refuse(
            f"The texture is a file of type {header.media_type}, which models cannot carry.",
            where=where,
            advice="Save it as PNG or JPEG and export the model again.",
        )
    size = gpu_bytes(header.width_px, header.height_px, media_type=header.media_type)
    return TextureInfo(header.media_type, header.width_px, header.height_px, size)


def gpu_bytes(width_px: int, height_px: int, *, media_type: str = "image/png") -> int:
    """Memory on the GPU with its mipmaps: 4 bytes per pixel, for KTX2 one (blocks stay compressed), times
    4/3."""
    per_px = 1 if media_type == "image/ktx2" else 4
    return width_px * height_px * per_px * 4 // 3


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
    quality: int = 80,
    alpha: AlphaUse | None = None,
    where: str = "texture",
) -> Image:
    """The texture as WebP with at most `max_px` per side, or as it came where that is the better file.

    It comes back byte for byte if it is KTX2 (only a GPU reads it), or if it fits `max_px` and WebP would not
    be smaller (a WebP: not a fifth smaller). Nothing is enlarged. What is scaled down gets sides that are
    powers of two, which older phones want for mipmaps; the picture may be squeezed by that, as UV do not
    mind.

    role: colour is averaged in linear light, normals are made unit length again; normals and data get more
    quality. quality: WebP's, 0 to 100. alpha: what it means (`collect_texture_roles` tells); None keeps it as
    opacity of a colour, else as data. An alpha that is opaque everywhere is dropped.
    Raises Refused for what `check_texture` refuses and for a damaged picture.
    """
    if max_px < 1 or not 0 <= quality <= 100:
        raise ValueError(f"encode_texture: want max_px >= 1 and quality 0 to 100, got {max_px}, {quality}")
    info = check_texture(image.body, where=where)
    if info.media_type == "image/ktx2":
        return Image(image.body, info.media_type, image.name)
    if alpha is None:
        alpha = AlphaUse.OPACITY if role is TextureRole.COLOR else AlphaUse.DATA

    picture = _decode(image.body, where)
    channels = 4 if _has_alpha(picture) and alpha is not AlphaUse.NONE else 3
    width_px, height_px = target_size(info.width_px, info.height_px, max_px)
    is_smaller = (width_px, height_px) != (info.width_px, info.height_px)
    if is_smaller:
        pixels = _scale_down(picture, width_px, height_px, channels, _shrink_for(role, alpha, channels))
    else:
        pixels = _rows(picture, 0, info.height_px, channels)
    picture.close()
    body = _encode_webp(pixels, _quality_for(role, quality))
    if not is_smaller and info.media_type != "image/avif":  # AVIF is replaced always: too few viewers open it
        limit = REENCODE_RATIO if info.media_type == "image/webp" else 1.0
        if len(body) >= len(image.body) * limit:
            return Image(image.body, info.media_type, image.name)
    return Image(body, "image/webp", image.name)


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


def _power_of_two_within(side_px: int) -> int:
    return 1 << max(side_px, 1).bit_length() - 1


def _header(body: bytes, where: str) -> ImageHeader:
    try:
        return parse_image_header(body)
    except ImageUnreadable as error:
        raise refuse(
            f"The texture cannot be read: {error}.",
            where=where,
            advice="Open it in an image editor, save it as PNG or JPEG and export the model again.",
        ) from error


def _quality_for(role: TextureRole, quality: int) -> int:
    return {
        TextureRole.COLOR: quality,
        TextureRole.NORMAL: max(quality, MIN_QUALITY_NORMAL),
        TextureRole.DATA: max(quality, MIN_QUALITY_DATA),
    }[role]


def _decode(body: bytes, where: str) -> PIL.Image.Image:
    """The whole picture in Pillow's own memory: 4 bytes per pixel, 256 MiB at most."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which we drop
            picture = PIL.Image.open(io.BytesIO(body), formats=("PNG", "JPEG", "WEBP", "AVIF"))
            picture.load()
            return picture
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise refuse(
            "The texture is damaged: its picture cannot be decoded to the end.",
            where=where,
            advice="Open it in an image editor, save it again and export the model again.",
        ) from error


def _has_alpha(picture: PIL.Image.Image) -> bool:
    """Whether any pixel is less than opaque."""
    if picture.mode in ("RGBA", "LA", "PA"):
        return picture.getchannel("A").getextrema() != (255, 255)
    return "transparency" in picture.info


def _rows(picture: PIL.Image.Image, top: int, bottom: int, channels: int) -> Pixels:
    """Rows as (bottom - top, width, channels) uint8; profiles, gamma and orientation are ignored, as glTF
    asks."""
    band = picture.crop((0, top, picture.width, bottom))
    band.info = picture.info  # where a palette's transparency is
    if band.mode.startswith("I"):  # 16 bits of grey
        grey = (np.asarray(band).astype(np.int32) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], channels, axis=2)
    return np.asarray(band.convert("RGBA" if channels == 4 else "RGB"))


def _encode_webp(pixels: Pixels, quality: int) -> bytes:
    """The smaller of lossy and, for drawings of few colours, lossless WebP."""
    body = _webp(pixels, quality=quality, use_sharp_yuv=True)
    if _has_few_colors(pixels):
        lossless = _webp(pixels, quality=80, lossless=True)  # here quality means effort
        body = min(lossless, body, key=len)
    return body


def _webp(pixels: Pixels, *, quality: int, lossless: bool = False, use_sharp_yuv: bool = False) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(
        out,
        "WEBP",
        quality=quality,
        method=WEBP_METHOD,
        lossless=lossless,
        use_sharp_yuv=use_sharp_yuv,
        exact=True,  # keep colour where alpha is 0: it bleeds into edges, or alpha is not opacity at all
    )
    return out.getvalue()


def _has_few_colors(pixels: Pixels) -> bool:
    step = max(1, pixels.shape[0] * pixels.shape[1] // 65_536)
    sample = pixels.reshape(-1, pixels.shape[2])[::step].astype(np.uint32)
    packed = sample[:, 0] | sample[:, 1] << 8 | sample[:, 2] << 16
    return np.unique(packed).size <= MAX_LOSSLESS_COLORS


# Scaling. Numbers are widened, averaged over each new pixel's area and narrowed again, in bands of about
# _BAND_PX, so that a large texture is never held widened as a whole.

_BAND_PX = 1 << 22
_Shrink = Callable[[Pixels, int, int], Pixels]


def _shrink_for(role: TextureRole, alpha: AlphaUse, channels: int) -> _Shrink:
    if role is TextureRole.NORMAL:
        return _shrink_normals
    if role is TextureRole.DATA:
        return _shrink_data
    return _shrink_translucent if channels == 4 and alpha is AlphaUse.OPACITY else _shrink_color


def _scale_down(
    picture: PIL.Image.Image, width_px: int, height_px: int, channels: int, shrink: _Shrink
) -> Pixels:
    factor, rest = divmod(picture.height, height_px)
    if rest == 0:  # bands of source rows fall on whole new rows
        rows = max(1, _BAND_PX // (picture.width * factor))
        return np.concatenate(
            [
                shrink(_rows(picture, top * factor, end * factor, channels), width_px, end - top)
                for top, end in _bands(height_px, rows)
            ]
        )
    narrow = np.concatenate(
        [
            shrink(_rows(picture, top, end, channels), width_px, end - top)
            for top, end in _bands(picture.height, max(1, _BAND_PX // picture.width))
        ]
    )
    columns = [
        shrink(np.ascontiguousarray(narrow[:, left:end]), end - left, height_px)
        for left, end in _bands(width_px, max(1, _BAND_PX // picture.height))
    ]
    return np.concatenate(columns, axis=1)


def _bands(length: int, step: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, step):
        yield start, min(start + step, length)


def _shrink_color(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    light = _LINEAR_OF_SRGB[pixels[:, :, :3]]
    color: Pixels = _SRGB_OF_LINEAR[_average(light, width_px, height_px)]
    if pixels.shape[2] == 3:
        return color
    return np.dstack([color, _average(np.ascontiguousarray(pixels[:, :, 3]), width_px, height_px)])


def _shrink_translucent(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Colour weighted by opacity, so that the colour of what cannot be seen does not bleed into what can."""
    opacity = pixels[:, :, 3:].astype(np.float32) / 255
    light = _LINEAR_OF_SRGB[pixels[:, :, :3]].astype(np.float32)
    plain = _average(light, width_px, height_px)
    weighted = _average(light * opacity, width_px, height_px)
    weight = _average(opacity[:, :, 0], width_px, height_px)[:, :, None]
    mixed = np.where(weight > 1 / 512, weighted / np.maximum(weight, 1 / 512), plain)
    color = _SRGB_OF_LINEAR[np.rint(mixed).clip(0, 65535).astype(np.uint16)]
    return np.dstack([color, np.rint(weight * 255).astype(np.uint8)])


def _shrink_normals(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    # an alpha beside normals means nothing in glTF and is dropped
    mean = _average(pixels[:, :, :3].astype(np.uint16) * 257, width_px, height_px).astype(np.float32)
    normals = mean / 32767.5 - 1
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    unit = np.where(length > 1e-3, normals / np.maximum(length, 1e-3), np.array([0, 0, 1], np.float32))
    return np.rint(unit * 127.5 + 127.5).clip(0, 255).astype(np.uint8)


def _shrink_data(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    return _average(pixels, width_px, height_px).astype(np.uint8)


def _average(values: NDArray[Any], width_px: int, height_px: int) -> NDArray[Any]:
    return np.asarray(cv2.resize(values, (width_px, height_px), interpolation=cv2.INTER_AREA))


def _srgb_to_linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_LINEAR_OF_SRGB = np.rint(_srgb_to_linear(np.arange(256) / 255) * 65535).astype(np.uint16)
_SRGB_OF_LINEAR = np.rint(_linear_to_srgb(np.arange(65536) / 65535) * 255).astype(np.uint8)
