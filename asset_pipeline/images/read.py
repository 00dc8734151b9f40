"""Open a picture: only the loaders we mean to use, limits from the header, damage is a refusal.

libvips reads the header when a file is opened and the pixels when they are asked for, row by row where the
format allows. Its errors therefore come at two moments; `reading` turns both into refusals.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from asset_pipeline.images.limits import Claim, check_claim
from asset_pipeline.images.metadata import coded_colour_of, orientation_of, xmp_of
from asset_pipeline.outcome import refuse, warn
from asset_pipeline.sniff import sniff
from heritage_sites.problem import Problem

_LOADERS = {
    "jpeg": "jpegload",
    "png": "pngload",
    "webp": "webpload",
    "tiff": "tiffload",
    "avif": "heifload",
    "gif": "gifload",
}
_OUT_OF_MEMORY_WORDS = ("out of memory", "unable to allocate", "cannot allocate memory")
_OUR_FAULT_WORDS = ("no space left", "file too large")
_P3_PRIMARIES = 12  # ITU-T H.273: SMPTE EG 432-1, Display P3
_HDR_CURVES = (16, 18)  # PQ and HLG
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True, slots=True)
class OpenImage:
    """A picture whose header has been read and found acceptable; its pixels have not been touched.

    pixels: a pyvips image that reads sequentially, as stored (before orientation and colour). width_px and
    height_px are those of the upright picture. assumed_profile: "p3" for Display P3 without an embedded
    profile.
    """

    path: Path
    format_name: str
    pixels: Any
    width_px: int
    height_px: int
    orientation: int
    xmp: bytes
    assumed_profile: str = ""
    warnings: tuple[Problem, ...] = ()


def open_image(path: Path) -> OpenImage:
    """Read the header. Raises Refused for a file that is no picture, is too large, or is damaged already
    here.
    """
    format_name = sniff(path).name
    if format_name not in _LOADERS:
        raise refuse(
            "This is not a picture that can be read.", advice="Give a JPEG, PNG, WebP, TIFF or AVIF."
        )
    _block_other_loaders()
    if format_name == "tiff" and (lab := _open_lab_tiff(path)) is not None:
        return lab
    with reading():
        pixels = load_pixels(path, format_name)
        orientation = orientation_of(pixels, format_name)
        check_claim(_claim_of(pixels, format_name, path))
        check_pixel_form(pixels)
        return _opened(path, format_name, pixels, orientation)


def load_pixels(path: Path, format_name: str, **options: Any) -> Any:
    """The lazily read pixels of the first picture in the file; damage raises while they are read."""
    loader = getattr(pyvips.Image, _LOADERS[format_name])
    return loader(str(path), access="sequential", fail_on="warning", **options)


def check_pixel_form(pixels: Any) -> None:
    """Raises Refused for pixels that are no ordinary picture: floating point, or bands beyond colour."""
    if pixels.format not in ("uchar", "ushort") and pixels.interpretation not in ("lab", "labs", "labq"):
        raise refuse(
            f"The picture's values are of the kind {pixels.format!r}, as in HDR pictures and measurements.",
            advice="Tone-map it and export it with 8 or 16 bits per channel.",
        )
    if pixels.bands > 5:
        raise refuse(
            f"The picture has {pixels.bands} channels.", advice="Export it as an ordinary RGB picture."
        )


@contextmanager
def reading() -> Iterator[None]:
    """Say what libvips found as a refusal; a lack of memory as MemoryError, of disk as OSError."""
    try:
        yield
    except (pyvips.Error, UnicodeDecodeError) as error:  # pyvips may fail to decode what libvips quotes
        text = _reason(error) if isinstance(error, pyvips.Error) else "it cannot be decoded"
        if any(word in text.lower() for word in _OUT_OF_MEMORY_WORDS):
            raise MemoryError(text) from error
        if any(word in text.lower() for word in _OUR_FAULT_WORDS):
            raise OSError(text) from error
        raise refuse(
            f"The picture is damaged or cut off ({text}).",
            advice="Copy the file again, or open it in a photo program and save it again.",
        ) from error


def _reason(error: "pyvips.Error") -> str:
    lines = [line.strip() for line in str(error.detail or error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("unable to call", "unable to write"))]
    kept = kept or ["it cannot be decoded"]
    words = kept[0].split(": ", 1)[-1]
    return words[:160]


def _block_other_loaders() -> None:
    """Nothing but the loaders above may be started, whatever a file claims to be."""
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in ("Jpeg", "Png", "Webp", "Tiff", "Heif", "Nsgif"):
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


def _claim_of(pixels: Any, format_name: str, path: Path) -> Claim:
    return Claim(
        format_name,
        pixels.width,
        pixels.height,
        path.stat().st_size,
        _whole_image_bytes(pixels, format_name),
    )


def _whole_image_bytes(pixels: Any, format_name: str) -> int:
    """Memory the decoder holds at once, per format: measured or taken from how the decoder works."""
    area: int = pixels.width * pixels.height
    if format_name == "jpeg":
        if not _field(pixels, "jpeg-multiscan"):
            return 0
        subsampled = pixels.bands == 3 and _field(pixels, "jpeg-chroma-subsample") == "4:2:0"
        return int(area * 2 * (1.5 if subsampled else pixels.bands))  # coefficients of 2 bytes
    if format_name == "png":
        sample_bytes = 2 if pixels.format == "ushort" else 1
        bands: int = pixels.bands
        return area * bands * sample_bytes if _field(pixels, "interlaced") else 0
    if format_name == "tiff":
        return 0  # strips and tiles; one giant strip of a small file meets the child's memory limit
    return area * 8  # WebP, AVIF and GIF decode whole: planes and RGBA together


def _field(pixels: Any, name: str) -> Any:
    return pixels.get(name) if pixels.get_typeof(name) else None


def _opened(path: Path, format_name: str, pixels: Any, orientation: int) -> OpenImage:
    width, height = pixels.width, pixels.height
    if orientation in _TURNED:
        width, height = height, width
    warnings = []
    pages = _field(pixels, "n-pages") or 1
    if format_name == "tiff" and pages > 1:
        warnings.append(warn(f"The file holds {pages} pictures; only the first is used.", where="pages"))
    profile = ""
    if format_name == "avif" and (coded := coded_colour_of(path)):
        profile = "p3" if coded[0] == _P3_PRIMARIES else ""
        if coded[1] in _HDR_CURVES:
            text = "This is an HDR picture; its colours are shown duller than they are meant."
            warnings.append(warn(text, where="colour", advice="Export an ordinary (SDR) version of it."))
    return OpenImage(
        path, format_name, pixels, width, height, orientation, xmp_of(pixels), profile, tuple(warnings)
    )


def _open_lab_tiff(path: Path) -> OpenImage | None:
    """A TIFF in 8-bit CIE Lab, which libvips cannot read: through Pillow, to sRGB at once. Else None."""
    from PIL import Image, ImageCms

    try:
        with Image.open(path, formats=["TIFF"]) as picture:
            if picture.mode != "LAB":
                return None
            check_claim(Claim("tiff", *picture.size, path.stat().st_size, 8 * picture.width * picture.height))
            transform = ImageCms.buildTransform(
                ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
            )
            upright = ImageCms.applyTransform(picture, transform)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, ImageCms.PyCMSError):
        return None  # whatever is wrong with it, libvips says it
    if upright is None:
        return None
    pixels = pyvips.Image.new_from_array(np.asarray(upright), interpretation="srgb")
    return _opened(path, "tiff", pixels, 1)
