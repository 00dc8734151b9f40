"""A texture's pixels: decoded whole, read in bands, scaled down as its role asks."""

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.steps.texture_roles import AlphaUse, TextureRole
from asset_pipeline.outcome import refuse

Pixels = NDArray[np.uint8]


def decode_picture(body: bytes, where: str) -> PIL.Image.Image:
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


def is_flat(picture: PIL.Image.Image) -> bool:
    """Whether every pixel is the same."""
    extrema = picture.getextrema()
    pairs = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low == high for low, high in pairs)


def has_alpha(picture: PIL.Image.Image) -> bool:
    """Whether any pixel is less than opaque."""
    if picture.mode in ("RGBA", "LA", "PA"):
        return picture.getchannel("A").getextrema() != (255, 255)
    return "transparency" in picture.info


def read_rows(picture: PIL.Image.Image, top: int, bottom: int, channels: int) -> Pixels:
    """Rows as (bottom - top, width, channels) uint8; profiles, gamma and orientation are ignored, as glTF
    asks."""
    band = picture
    if bottom - top < picture.height:
        band = picture.crop((0, top, picture.width, bottom))
        band.info = picture.info  # where a palette's transparency is
    if band.mode.startswith("I"):  # 16 bits of grey
        grey = (np.asarray(band).astype(np.int32) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], channels, axis=2)
    return np.asarray(band.convert("RGBA" if channels == 4 else "RGB"))


# Scaling. Numbers are widened, averaged over each new pixel's area and narrowed again, in bands of about
# _BAND_PX, so that a large texture is never held widened as a whole.

_BAND_PX = 1 << 22
Shrink = Callable[[Pixels, int, int], Pixels]


def shrink_for(role: TextureRole, alpha: AlphaUse, channels: int) -> Shrink:
    """How pixels of a role are averaged."""
    if role is TextureRole.NORMAL:
        return _shrink_normals
    if role is TextureRole.DATA:
        return _shrink_data
    return _shrink_translucent if channels == 4 and alpha is AlphaUse.OPACITY else _shrink_color


def scale_down(
    picture: PIL.Image.Image, width_px: int, height_px: int, channels: int, shrink: Shrink
) -> Pixels:
    """The picture averaged to a smaller size, as (height, width, channels)."""
    factor, rest = divmod(picture.height, height_px)
    if rest == 0:  # bands of source rows fall on whole new rows
        rows = max(1, _BAND_PX // (picture.width * factor))
        return np.concatenate(
            [
                shrink(read_rows(picture, top * factor, end * factor, channels), width_px, end - top)
                for top, end in _bands(height_px, rows)
            ]
        )
    narrow = np.concatenate(
        [
            shrink(read_rows(picture, top, end, channels), width_px, end - top)
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
