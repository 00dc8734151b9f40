"""The pictures of the bay: geometry, seam, light, and the labels they carry."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from content_api.demo.boats import Boat
from content_api.demo.islands import NEAR_FORMS, bay
from content_api.demo.masters import DemoMasters
from content_api.demo.pictures import jpeg_bytes, to_srgb, xmp_packet
from content_api.demo.view import LensView, SphereView

VIEWS = [SphereView(512), SphereView(512, heading_rad=1.0), LensView(300, 200, 0.4, 1.1, 120.0)]


@pytest.mark.parametrize("view", VIEWS)
def test_places_undo_rays(view: SphereView | LensView) -> None:
    columns, rows = np.meshgrid(
        np.arange(3, 290, 7, dtype=np.float32), np.arange(5, 195, 9, dtype=np.float32)
    )
    x, y, z = view.rays(columns, rows)
    assert np.abs(x * x + y * y + z * z - 1).max() < 1e-5
    back = view.places(x + 0 * columns, y + 0 * columns, z + 0 * columns)
    assert np.abs(back[0] - columns).max() < 0.01
    assert np.abs(back[1] - rows).max() < 0.01


def test_the_middle_of_the_sphere_looks_north_and_its_top_up() -> None:
    view = SphereView(512)
    x, y, z = view.rays(np.float32([255.5]), np.float32([127.5]))
    assert np.allclose([x[0], y[0], z[0]], [0, 0, -1], atol=1e-6)
    assert view.rays(np.float32([0]), np.float32([0]))[1][0] > 0.9999


def test_the_panorama_closes_at_its_seam(small_masters: DemoMasters) -> None:
    picture = cv2.imread(str(small_masters.panorama)).astype(int)
    across_seam = np.abs(picture[:, 0] - picture[:, -1]).mean()
    inside = np.abs(np.diff(picture, axis=1)).mean(axis=(0, 2))
    assert across_seam < 1.5 * np.percentile(inside, 90)


def test_sky_is_over_sea_and_nothing_is_black(small_masters: DemoMasters) -> None:
    picture = cv2.imread(str(small_masters.panorama)).astype(float)
    sky, sea = picture[:90].mean(axis=(0, 1)), picture[160:].mean(axis=(0, 1))  # blue, green, red
    assert sky[0] > sky[2]
    assert sea[1] > sea[0] > sea[2]
    assert picture.max(axis=2).min() > 8


def test_the_panorama_says_it_is_a_sphere_and_an_illustration(small_masters: DemoMasters) -> None:
    with Image.open(small_masters.panorama) as image:
        assert image.size == (512, 256)
        assert image.getexif()[0x010E] == "Illustration, computer-generated"
        xmp = image.info["xmp"].decode()
    for fact in (
        "<GPano:ProjectionType>equirectangular</GPano:ProjectionType>",
        "<GPano:CroppedAreaImageWidthPixels>512</GPano:CroppedAreaImageWidthPixels>",
        "<GPano:CroppedAreaImageHeightPixels>256</GPano:CroppedAreaImageHeightPixels>",
        "<GPano:FullPanoWidthPixels>512</GPano:FullPanoWidthPixels>",
        "<GPano:FullPanoHeightPixels>256</GPano:FullPanoHeightPixels>",
        "<GPano:CroppedAreaLeftPixels>0</GPano:CroppedAreaLeftPixels>",
        "<GPano:CroppedAreaTopPixels>0</GPano:CroppedAreaTopPixels>",
        "Illustration, computer-generated",
    ):
        assert fact in xmp


def test_the_photo_is_labelled_and_no_sphere(small_masters: DemoMasters) -> None:
    with Image.open(small_masters.photo) as image:
        assert image.size == (300, 200)
        assert image.getexif()[0x010E] == "Illustration, computer-generated"
        assert b"Illustration, computer-generated" in image.info["xmp"]
        assert b"GPano:ProjectionType" not in image.info["xmp"]


def test_xmp_is_well_formed() -> None:
    pixel = np.zeros((2, 4, 3), np.uint8)
    with Image.open(io.BytesIO(jpeg_bytes(pixel, quality=90, xmp=xmp_packet((4, 2))))) as image:
        described = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert described["ProjectionType"] == "equirectangular"
    assert described["FullPanoWidthPixels"] == "4"


def test_srgb_keeps_ends_and_does_not_band() -> None:
    ends = to_srgb(np.float32([[[0.0, 1.0, 4.0]]]))
    assert ends.tolist()[0][0][1:] == [255, 255]
    ramp = np.repeat(np.linspace(0.200, 0.201, 64, dtype=np.float32)[None, :, None], 64, axis=0)
    assert len(np.unique(to_srgb(np.repeat(ramp, 3, axis=2)))) == 2  # two levels mixed, no step between them


def test_srgb_strips_join_to_the_whole() -> None:
    light = np.random.default_rng(0).random((300, 20, 3), dtype=np.float32)
    parts = [to_srgb(light[start : start + 64], first_row=start) for start in range(0, 300, 64)]
    assert np.array_equal(np.concatenate(parts), to_srgb(light))


def test_the_bay_is_the_same_bay_and_nobody_stands_on_the_viewer() -> None:
    towers = bay()
    assert towers == bay()
    assert len(towers) > 500
    assert min(tower.distance_m for tower in towers) > 150
    close = [tower.form for tower in towers if tower.form < NEAR_FORMS]
    assert sorted(close) == list(range(NEAR_FORMS))  # each near form is seen once


def test_a_boat_shows_some_of_its_side() -> None:
    with pytest.raises(ValueError, match=r"aspect: want 0\.1 to 1 either way, got 0"):
        Boat(0.0, 100.0, aspect=0)
