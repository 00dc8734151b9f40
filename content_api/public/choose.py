"""Choose what a device should load: a pure decision over the facts that the pipeline measured.

1. A table says which derivatives suit a class of device, best first.
2. Limits (the caller's, else the class's own) drop what the device cannot hold. A derivative whose measures
   do not tell is dropped too: it cannot be shown to fit.
3. What is left comes back in the table's order, each with a sentence that says why. Nothing fits: empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.asset import Derivative, DerivativeFile, MediaItem, MediaRole, Quality, Usage

MAX_IMAGE_FORMATS = 20  # asked at once; there are about ten


class DeviceClass(StrEnum):
    """The kind of device that will show the media."""

    PHONE = "phone"
    TABLET = "tablet"
    HEADSET = "headset"
    DESKTOP = "desktop"


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """What a device can hold. None: what its class can. ValueError for a limit below 1."""

    device_class: DeviceClass
    max_download_bytes: int | None = None
    max_triangles: int | None = None
    max_texture_px: int | None = None
    image_formats: tuple[str, ...] | None = None  # media types, or their short forms: "webp", "image/webp"

    def __post_init__(self) -> None:
        for name in ("max_download_bytes", "max_triangles", "max_texture_px"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name}: want 1 or more, got {limit}")
        if self.image_formats is not None and len(self.image_formats) > MAX_IMAGE_FORMATS:
            raise ValueError(
                f"image_formats: want at most {MAX_IMAGE_FORMATS}, got {len(self.image_formats)}"
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """A derivative, the file to open first, and why it was chosen (None if nobody asked to choose)."""

    derivative: Derivative
    entry: DerivativeFile
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ClassLimits:
    """What every device of a class can hold, used where the caller does not say."""

    max_triangles: int | None
    max_texture_px: int | None


CLASS_LIMITS: Mapping[DeviceClass, ClassLimits] = {
    DeviceClass.PHONE: ClassLimits(150_000, 4096),  # the `ar` budget with room; WebGL's floor on phones
    DeviceClass.TABLET: ClassLimits(300_000, 4096),
    DeviceClass.HEADSET: ClassLimits(300_000, 4096),  # drawn twice at 72 Hz by a phone's processor
    DeviceClass.DESKTOP: ClassLimits(None, 16_384),  # WebGL's usual ceiling
}

_STILL = ((Usage.IMAGE_2D, Quality.MEDIUM), (Usage.IMAGE_2D, Quality.THUMB))
_LIGHT_MODELS = (
    (Usage.APP_3D, Quality.AR),
    (Usage.WEB_3D, Quality.MEDIUM),
    (Usage.WEB_3D, Quality.LOW),
    (Usage.WEB_3D, Quality.THUMB),
)
_FULL_MODELS = ((Usage.WEB_3D, Quality.HIGHEST), (Usage.WEB_3D, Quality.HIGH))
_FLAT_PANORAMAS = ((Usage.PANORAMA, Quality.HIGH), (Usage.PANORAMA, Quality.MEDIUM))
_TILES = ((Usage.PANORAMA, Quality.HIGHEST),)
_SMALL_PHOTOS = (
    (Usage.IMAGE_2D, Quality.MEDIUM),
    (Usage.IMAGE_2D, Quality.HIGH),
    (Usage.IMAGE_2D, Quality.LOW),
    (Usage.IMAGE_2D, Quality.THUMB),
)
_LARGE_PHOTOS = (
    (Usage.IMAGE_2D, Quality.HIGHEST),
    (Usage.IMAGE_2D, Quality.HIGH),
    (Usage.IMAGE_2D, Quality.MEDIUM),
    (Usage.IMAGE_2D, Quality.LOW),
    (Usage.IMAGE_2D, Quality.THUMB),
)

Suited = tuple[tuple[Usage, Quality], ...]
SUITED: Mapping[tuple[DeviceClass, MediaRole], Suited] = {
    # a phone shows AR quality; a high model is not for it, whatever its limits
    (DeviceClass.PHONE, MediaRole.MODEL): (*_LIGHT_MODELS, *_STILL),
    (DeviceClass.TABLET, MediaRole.MODEL): (*_LIGHT_MODELS, *_STILL),
    # a headset gets what was made for headsets, else AR quality: a dropped frame makes ill
    (DeviceClass.HEADSET, MediaRole.MODEL): (
        (Usage.APP_3D, Quality.HIGH),
        *_LIGHT_MODELS[:1],
        *_FULL_MODELS[::-1],
        *_LIGHT_MODELS[1:],
        *_STILL,
    ),
    (DeviceClass.DESKTOP, MediaRole.MODEL): (*_FULL_MODELS, *_LIGHT_MODELS, *_STILL),
    # one file of 4k is sharp enough on a phone and survives a lost signal; tiles come after
    (DeviceClass.PHONE, MediaRole.PANORAMA): (*_FLAT_PANORAMAS, *_TILES, *_STILL[1:]),
    (DeviceClass.TABLET, MediaRole.PANORAMA): (*_TILES, *_FLAT_PANORAMAS, *_STILL[1:]),
    (DeviceClass.HEADSET, MediaRole.PANORAMA): (*_TILES, *_FLAT_PANORAMAS, *_STILL[1:]),
    (DeviceClass.DESKTOP, MediaRole.PANORAMA): (*_TILES, *_FLAT_PANORAMAS, *_STILL[1:]),
    (DeviceClass.PHONE, MediaRole.PHOTO): _SMALL_PHOTOS,
    (DeviceClass.TABLET, MediaRole.PHOTO): _LARGE_PHOTOS,
    (DeviceClass.HEADSET, MediaRole.PHOTO): _LARGE_PHOTOS,
    (DeviceClass.DESKTOP, MediaRole.PHOTO): _LARGE_PHOTOS,
}

ENTRY_FILES = (
    "model.glb",
    "model.usdz",
    "tileset.json",
    "tiles.json",
    "panorama.jpg",
    "photo.jpg",
    "photo.webp",
    "poster.webp",
    "poster.jpg",
    "turntable.webp",
    "thumb.jpg",
)
"""The file to open first, by name; a derivative without any of them is opened at its first file."""


def list_derivatives(media: MediaItem) -> list[Choice]:
    """Every derivative, by usage, then quality, then id: the same order whatever was built first."""
    usages, qualities = list(Usage), list(Quality)
    ordered = sorted(
        media.derivatives,
        key=lambda derivative: (
            usages.index(derivative.usage),
            qualities.index(derivative.quality),
            derivative.derivative_id,
        ),
    )
    return [Choice(derivative, _entries(derivative)[0]) for derivative in ordered]


def choose_derivatives(media: MediaItem, profile: DeviceProfile) -> list[Choice]:
    """The derivatives that suit the device, best first. Empty if none does."""
    suited = SUITED[profile.device_class, media.role]
    choices = []
    for choice in list_derivatives(media):
        place = (choice.derivative.usage, choice.derivative.quality)
        entry = _entry_for(choice.derivative, profile)
        if place in suited and entry is not None and _fits(choice.derivative, profile):
            why = _explain(choice.derivative, profile.device_class)
            choices.append((suited.index(place), Choice(choice.derivative, entry, why)))
    return [choice for _rank, choice in sorted(choices, key=lambda ranked: ranked[0])]


def size_bytes(derivative: Derivative) -> int:
    """Bytes of all its files together."""
    return sum(file.bytes for file in derivative.files)


def _entries(derivative: Derivative) -> list[DerivativeFile]:
    """The files that could be opened first, the usual one first; never empty."""
    by_path = {file.path: file for file in derivative.files}
    known = [by_path[path] for path in ENTRY_FILES if path in by_path]
    return known or [derivative.files[0]]


def _entry_for(derivative: Derivative, profile: DeviceProfile) -> DerivativeFile | None:
    """The usual file to open, or of those that the device decodes the smallest; None without any."""
    if profile.image_formats is None:
        return _entries(derivative)[0]
    formats = {_media_type(name) for name in profile.image_formats}
    entries = _entries(derivative)
    if derivative.usage in (Usage.WEB_3D, Usage.APP_3D):
        return entries[0] if _texture_formats(derivative) <= formats else None
    pictures = {file.media_type for file in derivative.files if file.media_type.startswith("image/")}
    if entries[0].path == "tiles.json":
        return entries[0] if pictures <= formats else None
    decoded = [file for file in entries if file.media_type in formats]
    return min(decoded, key=lambda file: file.bytes, default=None)


def _texture_formats(derivative: Derivative) -> set[str]:
    found = derivative.measures.get("texture_formats", ())
    return {_media_type(name) for name in found} if isinstance(found, (list, tuple)) else set()


def _media_type(name: str) -> str:
    plain = name.strip().lower()
    plain = "jpeg" if plain == "jpg" else plain
    return plain if "/" in plain else f"image/{plain}"


def _fits(derivative: Derivative, profile: DeviceProfile) -> bool:
    limits = CLASS_LIMITS[profile.device_class]
    is_model = derivative.usage in (Usage.WEB_3D, Usage.APP_3D)
    max_triangles = profile.max_triangles or limits.max_triangles
    max_texture_px = profile.max_texture_px or limits.max_texture_px
    if profile.max_download_bytes is not None and size_bytes(derivative) > profile.max_download_bytes:
        return False
    if is_model and not _is_within(derivative.measures.get("triangles"), max_triangles):
        return False
    return _is_within(_texture_px(derivative, is_model=is_model), max_texture_px)


def _texture_px(derivative: Derivative, *, is_model: bool) -> object:
    """The longest side that the device must hold as one texture."""
    measures = derivative.measures
    if is_model:
        return measures.get("texture_px_max")
    if any(file.path == "tiles.json" for file in derivative.files):
        return measures.get("tile_size_px")
    sides = [measures.get("width_px"), measures.get("height_px")]
    return max((side for side in sides if isinstance(side, int)), default=None)


def _is_within(measured: object, limit: int | None) -> bool:
    if limit is None:
        return True
    return isinstance(measured, (int, float)) and measured <= limit


def _explain(derivative: Derivative, device_class: DeviceClass) -> str:
    """One sentence: what it is, whom it suits, what it costs."""
    facts = [f"{size_bytes(derivative):,} bytes"]
    measures = derivative.measures
    if "triangles" in measures:
        facts.append(f"{measures['triangles']:,} triangles")
    if "texture_px_max" in measures:
        facts.append(f"textures up to {measures['texture_px_max']} px")
    if "width_px" in measures and "height_px" in measures:
        facts.append(f"{measures['width_px']} x {measures['height_px']} px")
    return f"{_ROLES[derivative.usage, derivative.quality]} for a {device_class.value}: {', '.join(facts)}."


def _words() -> Iterable[tuple[tuple[Usage, Quality], str]]:
    for quality in Quality:
        yield (Usage.WEB_3D, quality), f"Model of {quality.value.lower()} quality"
        yield (Usage.APP_3D, quality), f"Model of {quality.value} quality"
        yield (Usage.IOS_APP_3D, quality), f"Model of {quality.value} quality for AR Quick Look"
        yield (Usage.IMAGE_2D, quality), f"Still image of {quality.value.lower()} quality"
        yield (Usage.PANORAMA, quality), f"Panorama of {quality.value.lower()} quality"
    yield (Usage.WEB_3D, Quality.THUMB), "Smallest model"
    yield (Usage.APP_3D, Quality.HIGH), "Model for headsets"
    yield (Usage.PANORAMA, Quality.HIGHEST), "Panorama in tiles, fetched as the visitor looks around,"


_ROLES = dict(_words())
