"""The pictures of a package: JPEG and PNG as they are, everything else turned into one of them."""

import io
from dataclasses import dataclass, field

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.steps.textures import decode_texture

JPEG_QUALITY = 90
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg"}

Pixels = NDArray[np.uint8]


@dataclass(slots=True, eq=False)
class TextureFiles:
    """Files in order of first use; the same picture used twice is one file."""

    document: Document
    files: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    _known: dict[tuple[object, ...], str] = field(default_factory=dict[tuple[object, ...], str])
    _opacity: dict[int, bool] = field(default_factory=dict[int, bool])

    def plain(self, image_index: int, *, is_data: bool) -> str:
        """The package path of an image. is_data: normals and other numbers, which JPEG would spoil."""
        key = (image_index, is_data)
        if key not in self._known:
            image = self.document.images[image_index]
            body, suffix = image.body, _SUFFIXES.get(image.media_type)
            if suffix is None:
                body, suffix = _reencoded(image, image_index, is_data=is_data)
            self._known[key] = self._add(body, suffix)
        return self._known[key]

    def scaled_normals(self, image_index: int, scale: float) -> str:
        """A normal map whose slopes are multiplied: ARKit's rules fix the scale a reader may apply."""
        key = (image_index, "normals", scale)
        if key not in self._known:
            pixels = _decoded(self.document.images[image_index], image_index)[:, :, :3]
            normals = pixels.astype(np.float32) / 127.5 - 1
            normals[:, :, :2] *= scale
            length = np.linalg.norm(normals, axis=2, keepdims=True)
            unit = np.where(
                length > 1e-6, normals / np.maximum(length, 1e-6), np.array([0, 0, 1], np.float32)
            )
            body = _png(np.rint(unit * 127.5 + 127.5).clip(0, 255).astype(np.uint8))
            self._known[key] = self._add(body, "png")
        return self._known[key]

    def has_opacity(self, image_index: int) -> bool:
        """Whether any pixel of the image is less than opaque."""
        if image_index not in self._opacity:
            image = self.document.images[image_index]
            opaque = image.media_type == "image/jpeg"
            self._opacity[image_index] = not opaque and bool(
                (_decoded(image, image_index)[:, :, 3] < 255).any()
            )
        return self._opacity[image_index]

    def _add(self, body: bytes, suffix: str) -> str:
        for name, other in self.files:
            if other == body:
                return name
        self.files.append((f"textures/{len(self.files)}.{suffix}", body))
        return self.files[-1][0]


def _reencoded(image: Image, index: int, *, is_data: bool) -> tuple[bytes, str]:
    pixels = _decoded(image, index)
    if not is_data and (pixels[:, :, 3] == 255).all():
        out = io.BytesIO()
        PIL.Image.fromarray(pixels[:, :, :3]).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        return out.getvalue(), "jpg"
    return _png(pixels if (pixels[:, :, 3] < 255).any() else pixels[:, :, :3]), "png"


def _png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _decoded(image: Image, index: int) -> Pixels:
    """RGBA. Refused for a damaged picture."""
    return decode_texture(image, where=f"/images/{index}")
