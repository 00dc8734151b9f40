"""Write pixels as JPEG and WebP that carry nothing but the picture."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from asset_pipeline.images.resize import Pixels

WHITE = (255, 255, 255)


def write_jpeg(path: Path, pixels: Pixels, *, quality: int, xmp: bytes = b"") -> None:
    """JPEG 4:2:0 with optimised tables; alpha is laid on white. xmp: a packet of our own making, or
    nothing.
    """
    path.write_bytes(jpeg_bytes(pixels, quality=quality, xmp=xmp, optimize=True))


def jpeg_bytes(pixels: Pixels, *, quality: int, xmp: bytes = b"", optimize: bool = False) -> bytes:
    """The same in memory. Without `optimize` four times as fast and 6 % larger: for tiles."""
    target = BytesIO()
    options = {"xmp": xmp} if xmp else {}
    image = Image.fromarray(flatten(pixels))
    image.save(target, "JPEG", quality=quality, subsampling="4:2:0", optimize=optimize, **options)
    return target.getvalue()


def write_webp(path: Path, pixels: Pixels, *, quality: int) -> None:
    """WebP, method 4; alpha is kept."""
    Image.fromarray(pixels).save(path, "WEBP", quality=quality, method=4)


def flatten(pixels: Pixels) -> Pixels:
    """The picture without alpha: what is transparent shows white."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[:, :, 3:].astype(np.float32) / 255
    laid = pixels[:, :, :3] * alpha + np.array(WHITE, np.float32) * (1 - alpha)
    return np.clip(np.rint(laid), 0, 255).astype(np.uint8)
