"""Choosing what a device should load."""

from typing import Any

import pytest

from content_api.public.choose import (
    CLASS_LIMITS,
    SUITED,
    DeviceClass,
    DeviceProfile,
    choose_derivatives,
    list_derivatives,
)
from heritage_sites import LocalisedText, MediaItem, MediaRole, Quality, Usage
from tests.content_api.public.samples import add_derivative

NO_WORDS = LocalisedText({})


def model(usage: Usage, quality: Quality, triangles: int, texture_px: int, size: int, **measures: Any) -> Any:
    body = {"model.glb": f"{usage}{quality}".encode().ljust(size, b".")}
    return add_derivative(
        None, usage, quality, body, triangles=triangles, texture_px_max=texture_px, **measures
    )


def still(quality: Quality, width: int, files: dict[str, int]) -> Any:
    bodies = {path: f"{quality}{path}".encode().ljust(size, b".") for path, size in files.items()}
    return add_derivative(None, Usage.IMAGE_2D, quality, bodies, width_px=width, height_px=width // 2)


def flat(quality: Quality, width: int, size: int) -> Any:
    body = {"panorama.jpg": str(quality).encode().ljust(size, b".")}
    return add_derivative(None, Usage.PANORAMA, quality, body, width_px=width, height_px=width // 2)


MODEL = MediaItem(
    MediaRole.MODEL,
    (
        model(Usage.WEB_3D, Quality.HIGH, 900_000, 4096, 9000),
        still(Quality.MEDIUM, 960, {"poster.webp": 90, "poster.jpg": 120}),
        model(Usage.APP_3D, Quality.AR, 100_000, 2048, 4000, texture_formats=["webp"]),
        model(Usage.WEB_3D, Quality.THUMB, 20_000, 512, 800),
    ),
    NO_WORDS,
)
PANORAMA = MediaItem(
    MediaRole.PANORAMA,
    (
        flat(Quality.MEDIUM, 2048, 1000),
        flat(Quality.HIGH, 4096, 3000),
        still(Quality.THUMB, 512, {"thumb.jpg": 60}),
        add_derivative(
            None,
            Usage.PANORAMA,
            Quality.HIGHEST,
            {"tiles.json": b"{}", "1/f0_0.jpg": b"." * 5000},
            tile_size_px=512,
        ),
    ),
    NO_WORDS,
)
PHOTO = MediaItem(
    MediaRole.PHOTO,
    (
        still(Quality.HIGH, 1920, {"photo.jpg": 900, "photo.webp": 700}),
        still(Quality.LOW, 480, {"photo.jpg": 90, "photo.webp": 70}),
        still(Quality.MEDIUM, 960, {"photo.jpg": 300, "photo.webp": 200}),
    ),
    NO_WORDS,
)

AR, HIGH, THUMB, POSTER = "App3D/AR", "Web3D/High", "Web3D/Thumb", "Image2D/Medium"
PANO_2K, PANO_4K, TILES, PANO_THUMB = "Panorama/Medium", "Panorama/High", "Panorama/Highest", "Image2D/Thumb"
LOW, MEDIUM, LARGE = "Image2D/Low", "Image2D/Medium", "Image2D/High"


def chosen(media: MediaItem, device_class: str, **limits: Any) -> list[str]:
    profile = DeviceProfile(DeviceClass(device_class), **limits)
    return [
        f"{choice.derivative.usage.value}/{choice.derivative.quality.value}"
        for choice in choose_derivatives(media, profile)
    ]


@pytest.mark.parametrize(
    ("media", "device_class", "limits", "wanted"),
    [
        (MODEL, "phone", {}, [AR, THUMB, POSTER]),
        (MODEL, "tablet", {}, [AR, THUMB, POSTER]),
        (MODEL, "headset", {}, [AR, THUMB, POSTER]),
        (MODEL, "headset", {"max_triangles": 1_000_000}, [AR, HIGH, THUMB, POSTER]),
        (MODEL, "desktop", {}, [HIGH, AR, THUMB, POSTER]),
        (MODEL, "phone", {"max_triangles": 2_000_000}, [AR, THUMB, POSTER]),  # high is not for phones
        (MODEL, "phone", {"max_triangles": 100_000}, [AR, THUMB, POSTER]),
        (MODEL, "phone", {"max_triangles": 99_999}, [THUMB, POSTER]),
        (MODEL, "phone", {"max_texture_px": 2047}, [THUMB, POSTER]),
        (MODEL, "phone", {"max_download_bytes": 4000}, [AR, THUMB, POSTER]),
        (MODEL, "phone", {"max_download_bytes": 3999}, [THUMB, POSTER]),
        (MODEL, "phone", {"max_download_bytes": 210}, [POSTER]),  # webp and jpg together
        (MODEL, "phone", {"max_download_bytes": 209}, []),
        (MODEL, "phone", {"image_formats": ("jpeg", "png")}, [THUMB, POSTER]),
        (MODEL, "phone", {"image_formats": ("image/webp",)}, [AR, THUMB, POSTER]),
        (MODEL, "desktop", {"max_triangles": 1}, [POSTER]),
        (PANORAMA, "phone", {}, [PANO_4K, PANO_2K, TILES, PANO_THUMB]),
        (PANORAMA, "desktop", {}, [TILES, PANO_4K, PANO_2K, PANO_THUMB]),
        (PANORAMA, "headset", {}, [TILES, PANO_4K, PANO_2K, PANO_THUMB]),
        (PANORAMA, "phone", {"max_texture_px": 2048}, [PANO_2K, TILES, PANO_THUMB]),
        (PANORAMA, "phone", {"max_texture_px": 511}, []),
        (PANORAMA, "phone", {"max_download_bytes": 3000}, [PANO_4K, PANO_2K, PANO_THUMB]),
        (PANORAMA, "desktop", {"image_formats": ("webp",)}, []),
        (PANORAMA, "desktop", {"image_formats": ("JPG",)}, [TILES, PANO_4K, PANO_2K, PANO_THUMB]),
        (PHOTO, "phone", {}, [MEDIUM, LARGE, LOW]),
        (PHOTO, "desktop", {}, [LARGE, MEDIUM, LOW]),
        (PHOTO, "phone", {"max_texture_px": 480}, [LOW]),
        (PHOTO, "phone", {"max_texture_px": 479}, []),
        (MediaItem(MediaRole.PHOTO, (), NO_WORDS), "phone", {}, []),
    ],
)
def test_choice(media: MediaItem, device_class: str, limits: dict[str, Any], wanted: list[str]) -> None:
    assert chosen(media, device_class, **limits) == wanted


def test_what_was_not_measured_cannot_be_shown_to_fit() -> None:
    unmeasured = add_derivative(None, Usage.APP_3D, Quality.AR, {"model.glb": b"?"})
    media = MediaItem(MediaRole.MODEL, (unmeasured,), NO_WORDS)
    assert chosen(media, "phone") == []


@pytest.mark.parametrize(
    ("formats", "entry"),
    [
        (None, "photo.jpg"),
        (("webp",), "photo.webp"),
        (("jpeg", "webp"), "photo.webp"),  # the smaller
        (("jpeg",), "photo.jpg"),
        (("image/jpeg", "png"), "photo.jpg"),
    ],
)
def test_the_entry_is_a_file_that_the_device_decodes(formats: tuple[str, ...] | None, entry: str) -> None:
    choices = choose_derivatives(PHOTO, DeviceProfile(DeviceClass.PHONE, image_formats=formats))
    assert [choice.entry.path for choice in choices] == [entry] * 3


def test_each_choice_says_why() -> None:
    choices = choose_derivatives(MODEL, DeviceProfile(DeviceClass.PHONE))
    assert [choice.why for choice in choices] == [
        "Model of AR quality for a phone: 4,000 bytes, 100,000 triangles, textures up to 2048 px.",
        "Smallest model for a phone: 800 bytes, 20,000 triangles, textures up to 512 px.",
        "Still image of medium quality for a phone: 210 bytes, 960 x 480 px.",
    ]
    assert choose_derivatives(PANORAMA, DeviceProfile(DeviceClass.DESKTOP))[0].why == (
        "Panorama in tiles, fetched as the visitor looks around, for a desktop: 5,002 bytes."
    )


def test_without_a_device_all_come_in_a_fixed_order() -> None:
    turned = MediaItem(MODEL.role, MODEL.derivatives[::-1], NO_WORDS)
    assert list_derivatives(MODEL) == list_derivatives(turned)
    assert [
        (choice.derivative.usage.value, choice.derivative.quality.value, choice.why)
        for choice in list_derivatives(MODEL)
    ] == [
        ("Web3D", "Thumb", None),
        ("Web3D", "High", None),
        ("App3D", "AR", None),
        ("Image2D", "Medium", None),
    ]


def test_every_class_and_role_has_its_table() -> None:
    assert set(SUITED) == {(device, role) for device in DeviceClass for role in MediaRole}
    assert set(CLASS_LIMITS) == set(DeviceClass)
    for suited in SUITED.values():
        assert len(set(suited)) == len(suited)


@pytest.mark.parametrize("limit", ["max_download_bytes", "max_triangles", "max_texture_px"])
def test_a_limit_below_one_is_refused(limit: str) -> None:
    assert getattr(DeviceProfile(DeviceClass.PHONE, **{limit: 1}), limit) == 1
    with pytest.raises(ValueError, match=f"{limit}: want 1 or more, got 0"):
        DeviceProfile(DeviceClass.PHONE, **{limit: 0})
