"""The bay through a lens at golden hour: one rectilinear still."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from content_api.demo.islands import Grown, bay
from content_api.demo.pictures import jpeg_bytes
from content_api.demo.render import MIRROR_COARSER, render_bay
from content_api.demo.sky import GOLDEN_HOUR
from content_api.demo.view import LensView

FULL_WIDTH_PX, FULL_HEIGHT_PX = 3000, 2000
EYE_M = 9.0
HEADING_RAD = float(np.radians(-15.0))
ACROSS_RAD = float(np.radians(62.0))
HORIZON_SHARE = 0.60  # of the height, from the top
EXPOSURE = 0.80
JPEG_QUALITY = 92


def photo_picture(forms: Sequence[Grown], width_px: int = FULL_WIDTH_PX) -> NDArray[np.uint8]:
    """The still, 3:2, sRGB."""
    height_px = width_px * FULL_HEIGHT_PX // FULL_WIDTH_PX
    view = _lens(width_px, height_px)
    mirror = _lens(width_px // MIRROR_COARSER, height_px // MIRROR_COARSER)
    return render_bay(view, mirror, EYE_M, bay(), forms, GOLDEN_HOUR, EXPOSURE)


def photo_jpeg(forms: Sequence[Grown], width_px: int = FULL_WIDTH_PX) -> bytes:
    """The same as a JPEG labelled as an illustration."""
    return jpeg_bytes(photo_picture(forms, width_px), quality=JPEG_QUALITY)


def _lens(width_px: int, height_px: int) -> LensView:
    return LensView(width_px, height_px, HEADING_RAD, ACROSS_RAD, HORIZON_SHARE * (height_px - 1))
