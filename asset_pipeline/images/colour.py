"""Any picture's colours as 8-bit sRGB, with or without alpha."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import ImageCms

from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

_PROFILE_FIELD = "icc-profile-data"
_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}  # by number of bands, without alpha


@dataclass(frozen=True, slots=True)
class SrgbPixels:
    """A lazily computed uchar sRGB image of 3 bands, and its alpha band where the picture has one."""

    colour: Any
    alpha: Any | None
    warnings: tuple[Problem, ...] = ()


def to_srgb(pixels: Any, assumed_profile: str = "") -> SrgbPixels:
    """Obey the embedded profile; without one take RGB for sRGB, grey for sRGB grey, CMYK for a common press.

    assumed_profile: a profile of libvips by name, for pictures that name their colours in another way. 16
    bits become 8. Raises pyvips.Error where the pixels turn out damaged while they are read.
    """
    alpha = None
    if pixels.hasalpha():
        last = pixels.bands - 1
        alpha = _as_8_bit(pixels.extract_band(last))
        pixels = pixels.extract_band(0, n=last)
    warnings: tuple[Problem, ...] = ()
    colour = None
    if pixels.get_typeof(_PROFILE_FIELD):
        fault = _profile_fault(bytes(pixels.get(_PROFILE_FIELD)), pixels.bands)
        if fault:
            text = f"The picture's colour profile {fault}; its colours are taken for sRGB."
            warnings = (warn(text, where="colour profile"),)
        else:
            colour = pixels.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=8
            )
    elif assumed_profile and pixels.bands == 3:
        colour = pixels.icc_transform(
            "srgb", input_profile=assumed_profile, embedded=False, intent="relative", depth=8
        )
    if colour is None:
        colour = _with_known_interpretation(pixels).colourspace("srgb")
    if colour.bands < 3:
        colour = colour.extract_band(0).bandjoin([colour.extract_band(0)] * 2)
    colour = _without_profile(colour.extract_band(0, n=3).cast("uchar").copy(interpretation="srgb"))
    return SrgbPixels(colour, alpha, warnings)


def _profile_fault(profile: bytes, bands: int) -> str:
    """What is wrong with a profile, "" for a usable one. libvips itself passes over bad ones in silence."""
    try:
        space = ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space.strip()
    except (OSError, ValueError, ImageCms.PyCMSError):
        return "is damaged"
    if space != _SPACES.get(bands):
        return f"is for {space} pictures"
    return ""


def _as_8_bit(band: Any) -> Any:
    return (band >> 8).cast("uchar") if band.format == "ushort" else band.cast("uchar")


def _with_known_interpretation(pixels: Any) -> Any:
    """libvips calls some files "multiband" or "rgb"; say what their bands mean."""
    if pixels.interpretation not in ("multiband", "rgb", "histogram", "error"):
        return pixels
    deep = pixels.format == "ushort"
    if pixels.bands >= 3:
        return pixels.extract_band(0, n=3).copy(interpretation="rgb16" if deep else "srgb")
    return pixels.extract_band(0).copy(interpretation="grey16" if deep else "b-w")


def _without_profile(pixels: Any) -> Any:
    copy = pixels.copy()
    if copy.get_typeof(_PROFILE_FIELD):
        copy.remove(_PROFILE_FIELD)
    return copy
