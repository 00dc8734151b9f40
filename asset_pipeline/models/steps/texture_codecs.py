"""Pixels to image files: WebP, JPEG, PNG, AVIF, KTX2. The same pixels and options give the same bytes."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import PIL.Image
import pyvips

from asset_pipeline.models.document import Image
from asset_pipeline.models.ktx2.codec import Ktx2Options, encode_ktx2
from asset_pipeline.models.steps.texture_options import TextureCodec
from asset_pipeline.models.steps.texture_pixels import Pixels
from asset_pipeline.models.steps.texture_roles import TextureRole

MAX_LOSSLESS_COLORS = 256  # images with so few colours are tried as lossless files as well
WEBP_METHOD = 4  # 6 saves 2 % more bytes for 2.5 times the time
AVIF_SPEED = 6


def encode_pixels(pixels: Pixels, codec: TextureCodec, *, role: TextureRole, quality: int) -> Image:
    """The pixels as a file of the codec; of lossy and lossless the smaller, for drawings of few colours."""
    if codec is TextureCodec.WEBP:
        return encode_webp(pixels, quality)
    if codec is TextureCodec.KTX2:
        return _ktx2(pixels, role, quality, is_uastc=role is TextureRole.NORMAL)
    if codec is TextureCodec.AVIF:
        return _avif(pixels, quality)
    return _jpeg_or_png(pixels, role, quality)


def encode_flat(pixels: Pixels, codec: TextureCodec, *, role: TextureRole) -> Image:
    """A few pixels of one colour, exactly."""
    if codec is TextureCodec.WEBP:
        return encode_webp_exact(pixels)
    if codec is TextureCodec.KTX2:
        return _ktx2(pixels, role, 100, is_uastc=True)  # its blocks of one colour lose nothing
    return encode_png(pixels)


def encode_webp(pixels: Pixels, quality: int) -> Image:
    """The smaller of lossy and, for drawings of few colours, lossless WebP."""
    lossy = _webp_lossy(pixels, quality)
    return _smaller([lossy, encode_webp_exact(pixels)] if _has_few_colors(pixels) else [lossy])


def _webp_lossy(pixels: Pixels, quality: int) -> Image:
    """Through libvips: Pillow takes the option `use_sharp_yuv` and does nothing with it.

    Sharp chroma at equal SSIM saves 12 % of the bytes of colours and normals, 40 % of other data's.
    """
    height, width, channels = pixels.shape
    memory = np.ascontiguousarray(pixels)
    image = pyvips.Image.new_from_memory(memory.data, width, height, channels, "uchar")
    body = image.copy(interpretation="srgb").webpsave_buffer(
        Q=quality, effort=WEBP_METHOD, smart_subsample=True, exact=True, keep="none"
    )
    return Image(bytes(body), "image/webp")


def encode_webp_exact(pixels: Pixels) -> Image:
    """Lossless WebP."""
    # here quality means effort; exact: keep colour where alpha is 0, it bleeds into edges
    return _save(pixels, "WEBP", quality=80, method=WEBP_METHOD, lossless=True, exact=True)


def encode_png(pixels: Pixels) -> Image:
    """PNG, packed as well as it goes."""
    return _save(pixels, "PNG", optimize=True)


def encode_png_quickly(pixels: Pixels) -> Image:
    """PNG for a picture that another step encodes again."""
    return _save(pixels, "PNG", compress_level=1)


def _jpeg_or_png(pixels: Pixels, role: TextureRole, quality: int) -> Image:
    if pixels.shape[2] == 4:
        return encode_png(pixels)
    # half the resolution of chroma is for colours only: normals and data keep numbers there
    subsampling = 2 if role is TextureRole.COLOR else 0
    jpeg = _save(pixels, "JPEG", quality=max(quality, 1), subsampling=subsampling, optimize=True)
    return _smaller([jpeg, encode_png(pixels)] if _has_few_colors(pixels) else [jpeg])


def _avif(pixels: Pixels, quality: int) -> Image:
    # whole chroma costs 4 % more bytes of colours and gains what 25 % more would
    return _save(pixels, "AVIF", quality=quality, subsampling="4:4:4", speed=AVIF_SPEED)


def _ktx2(pixels: Pixels, role: TextureRole, quality: int, *, is_uastc: bool) -> Image:
    options = Ktx2Options(
        is_uastc=is_uastc,
        is_srgb=role is TextureRole.COLOR,
        is_normal=role is TextureRole.NORMAL,
        quality=quality,
    )
    if pixels.shape[2] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return Image(encode_ktx2(pixels, options), "image/ktx2")


def _save(pixels: Pixels, kind: str, **options: Any) -> Image:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, kind, **options)
    return Image(out.getvalue(), f"image/{kind.lower()}")


def _smaller(images: Iterable[Image]) -> Image:
    return min(images, key=lambda image: len(image.body))


def _has_few_colors(pixels: Pixels) -> bool:
    step = max(1, pixels.shape[0] * pixels.shape[1] // 65_536)
    sample = pixels.reshape(-1, pixels.shape[2])[::step].astype(np.uint32)
    packed = sample[:, 0] | sample[:, 1] << 8 | sample[:, 2] << 16
    return np.unique(packed).size <= MAX_LOSSLESS_COLORS
