"""Textures decoded for the judge: whole, in bands, and no larger than what its pictures can show."""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.document import Image
from asset_pipeline.models.steps.textures import TextureRole, check_texture, decode_texture
from asset_pipeline.outcome import refuse

Pixels = NDArray[np.uint8]

_BAND_PX = 1 << 22


def decode_for_view(image: Image, *, max_px: int, is_color: bool) -> Pixels:
    """(height, width, 4) uint8 with at most `max_px` per side; colour is averaged in linear light.

    Raises Refused for what cannot be decoded.
    """
    info = check_texture(image.body)
    if info.media_type == "image/ktx2":
        role = TextureRole.COLOR if is_color else TextureRole.DATA
        return decode_texture(image, max_px=max_px, role=role)
    picture = _open(image.body)
    longest = max(picture.size)
    if longest <= max_px:
        return _rows(picture, 0, picture.height)
    width = max(1, round(picture.width * max_px / longest))
    height = max(1, round(picture.height * max_px / longest))
    return _shrink(picture, width, height, is_color=is_color)


def _open(body: bytes) -> PIL.Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which is of no use here
            picture = PIL.Image.open(io.BytesIO(body), formats=("PNG", "JPEG", "WEBP", "AVIF"))
            picture.load()
            return picture
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise refuse("a texture is damaged: it cannot be decoded.", where="texture") from error


def _rows(picture: PIL.Image.Image, top: int, bottom: int) -> Pixels:
    """Profiles, gamma and orientation are ignored, as glTF asks."""
    band = picture.crop((0, top, picture.width, bottom))
    band.info = picture.info  # where a palette's transparency is
    if band.mode.startswith("I"):  # 16 bits of grey
        grey = (np.asarray(band).astype(np.int32) >> 8).clip(0, 255).astype(np.uint8)
        return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    return np.asarray(band.convert("RGBA"))


def _shrink(picture: PIL.Image.Image, width: int, height: int, *, is_color: bool) -> Pixels:
    """Area averages, a band of new rows at a time: a large texture is never held widened as a whole."""
    made = np.empty((height, width, 4), np.uint8)
    step = max(1, _BAND_PX * height // (picture.width * picture.height))
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first, last = top * picture.height // height, -(-bottom * picture.height // height)
        band = _rows(picture, first, last)
        made[top:bottom] = _average(band, width, bottom - top, is_color=is_color)
    return made


def _average(band: Pixels, width: int, height: int, *, is_color: bool) -> Pixels:
    if not is_color:
        return np.asarray(cv2.resize(band, (width, height), interpolation=cv2.INTER_AREA))
    shrunk = cv2.resize(cv2.LUT(band, _LIGHT), (width, height), interpolation=cv2.INTER_AREA)
    light: NDArray[np.uint16] = np.asarray(shrunk, np.uint16)
    made: Pixels = _SRGB_OF_LINEAR[light]
    made[:, :, 3] = light[:, :, 3] >> 8
    return made


def _linear(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_LINEAR_OF_SRGB = np.rint(_linear(np.arange(256) / 255) * 65535).astype(np.uint16)
_LIGHT = np.dstack([_LINEAR_OF_SRGB] * 3 + [(np.arange(256) * 257).astype(np.uint16)])  # and alpha as it is
_SRGB_OF_LINEAR = np.rint(_encoded(np.arange(65536) / 65535) * 255).astype(np.uint8)
