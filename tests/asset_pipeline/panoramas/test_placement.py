"""Whole spheres, parts of spheres, and metadata that is not to be believed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asset_pipeline.images.gpano import Coverage, parse_gpano, write_gpano
from asset_pipeline.images.kind import choose_kind
from asset_pipeline.images.read import OpenImage
from asset_pipeline.outcome import Refused
from asset_pipeline.panoramas.placement import choose_placement
from asset_pipeline.panoramas.run import run_panorama
from asset_pipeline.panoramas.scratch import FILL
from asset_pipeline.recipes import MasterKind


def packet(*sizes: int, projection: str = "equirectangular", as_elements: bool = False) -> bytes:
    names = ["FullPanoWidthPixels", "FullPanoHeightPixels", "CroppedAreaImageWidthPixels"]
    names += ["CroppedAreaImageHeightPixels", "CroppedAreaLeftPixels", "CroppedAreaTopPixels"]
    pairs = [("ProjectionType", projection), *zip(names, map(str, sizes), strict=False)]
    if as_elements:
        attributes, body = "", "".join(f"<G:{name}>{value}</G:{name}>" for name, value in pairs)
    else:
        attributes, body = "".join(f' G:{name}="{value}"' for name, value in pairs), ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<r:Description xmlns:dc="http://purl.org/dc/elements/1.1/"/>'
        f'<r:Description xmlns:G="http://ns.google.com/photos/1.0/panorama/"{attributes}>{body}</r:Description>'
        "</r:RDF></x:xmpmeta>"
    ).encode()


def save(path, pixels, xmp=b"", exif=None):
    options = {"xmp": xmp} if xmp else {}
    if exif:
        options["exif"] = exif
    Image.fromarray(pixels).save(path, quality=95, **options)
    return path


def single(path, work) -> tuple[np.ndarray, object]:
    (outcome,) = run_panorama(path, recipes=["panorama"], workdir=work)
    medium = next(draft for draft in outcome.drafts if str(draft.quality) == "Medium")
    with Image.open(medium.folder / "panorama.jpg") as picture:
        gpano = parse_gpano(picture.info["xmp"])
        assert gpano is not None
        size = (picture.width, picture.height)
        assert gpano.coverage == Coverage(*size, *size, 0, 0)
        return np.asarray(picture), outcome


@pytest.mark.parametrize("as_elements", [False, True])
def test_a_part_is_laid_where_it_belongs(scene, tmp_path, as_elements):
    """Columns 200 to 700, rows 100 to 300 of 1024 x 512; the packet counts in pixels half as large."""
    whole = scene.equirect(scene.smooth, 1024)
    xmp = packet(2048, 1024, 1000, 400, 400, 200, as_elements=as_elements)
    made, outcome = single(save(tmp_path / "a.jpg", whole[100:300, 200:700], xmp), tmp_path / "work")
    assert made.shape == (512, 1024, 3)
    assert outcome.problems == ()
    assert outcome.drafts[1].measures["covers_whole_sphere"] is False
    inner = (slice(108, 292), slice(208, 692))
    assert scene.psnr(made[inner], whole[inner].astype(float)) > 36
    outside = np.ones((512, 1024), bool)
    outside[80:320, 176:720] = False  # JPEG rings by a block
    assert np.abs(made[outside].astype(int) - FILL).max() <= 2


def test_a_part_covering_all_columns_goes_on_across_the_edge(scene, tmp_path):
    whole = scene.equirect(scene.smooth, 1024)
    xmp = packet(1024, 512, 1024, 256, 0, 128)
    made, _ = single(save(tmp_path / "a.jpg", whole[128:384], xmp), tmp_path / "work")
    with Image.open(tmp_path / "work/panorama-highest/1/b0_0.jpg") as picture:
        face = np.asarray(picture).astype(float)
    middle = face.shape[1] // 2
    truth = scene.face_truth(scene.smooth, "b", face.shape[0])
    strip = (slice(middle - 40, middle + 40), slice(middle - 4, middle + 4))
    assert scene.psnr(face[strip], truth[strip]) > 34
    assert made.shape == (512, 1024, 3)


@pytest.mark.parametrize(
    "sizes",
    [
        (2048, 1024, 2048, 300, 0, 100),  # a crop that was filled up afterwards
        (2048, 1024, 2048, 1024, 10, 0),  # sticks out
        (2048, 1500, 2048, 1500, 0, 0),  # no sphere
        (2048, 1024, 0, 0, 0, 0),
        (2048, 1024),  # half the sizes are missing
    ],
)
def test_stale_sizes_are_a_warning_on_a_whole_sphere_and_a_refusal_elsewhere(scene, tmp_path, sizes):
    whole = scene.equirect(scene.smooth, 256)
    made, outcome = single(save(tmp_path / "a.jpg", whole, packet(*sizes)), tmp_path / "work")
    assert made.shape == (128, 256, 3)
    assert [problem.where for problem in outcome.problems] == ["GPano"]
    assert "it is taken for a full sphere" in outcome.problems[0].message
    path = save(tmp_path / "b.jpg", whole[:, :100], packet(*sizes))
    with pytest.raises(Refused, match="no full sphere"):
        run_panorama(path, recipes=["panorama"], workdir=tmp_path / "work")


@pytest.mark.parametrize(
    ("size", "xmp", "kind", "warned"),
    [
        ((200, 100), b"", "panorama", True),
        ((202, 100), b"", "panorama", True),
        ((203, 100), b"", "photo", False),
        ((198, 100), b"", "panorama", True),
        ((197, 100), b"", "photo", False),
        ((300, 100), packet(600, 300, 300, 100, 0, 0), "panorama", False),
        ((200, 100), packet(200, 100, 200, 100, 0, 0), "panorama", False),
        ((200, 100), packet(200, 100, 200, 100, 0, 0, projection="cylindrical"), "photo", True),
        ((200, 100), b"<not xml http://ns.google.com/photos/1.0/panorama/", "panorama", True),
    ],
)
def test_what_makes_a_picture_a_panorama(tmp_path, size, xmp, kind, warned):
    path = save(tmp_path / "a.jpg", np.zeros((size[1], size[0], 3), np.uint8), xmp)
    chosen, problems = choose_kind(path)
    assert (chosen, bool(problems)) == (MasterKind(kind), warned)


def test_another_projection_is_refused_where_a_panorama_is_wanted(tmp_path):
    path = save(tmp_path / "a.jpg", np.zeros((100, 200, 3), np.uint8), packet(projection="fisheye"))
    with pytest.raises(Refused, match="fisheye"):
        run_panorama(path, recipes=["panorama"], workdir=tmp_path / "work")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_panorama_ends_upright(scene, tmp_path, orientation):
    whole = scene.equirect(scene.smooth, 600)
    back = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    back |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    picture = Image.fromarray(whole)
    if orientation in back:
        picture = picture.transpose(Image.Transpose[back[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    made, _ = single(save(tmp_path / "a.jpg", np.asarray(picture), exif=exif.tobytes()), tmp_path / "work")
    assert made.shape == (300, 600, 3)
    assert scene.psnr(made, whole.astype(float)) > 34


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (5000, {"Thumb": 640, "Medium": 2048, "High": 4096}),
        (3001, {"Thumb": 640, "Medium": 2048, "High": 3000}),
        (2048, {"Thumb": 640, "Medium": 2048}),
        (500, {"Thumb": 500, "Medium": 500}),
    ],
)
def test_single_files_are_never_wider_than_the_master(tmp_path, width, expected):
    path = save(tmp_path / "a.jpg", np.zeros((width // 2, width, 3), np.uint8))
    (outcome,) = run_panorama(path, recipes=["panorama"], workdir=tmp_path / "work")
    widths = {str(d.quality): d.measures["width_px"] for d in outcome.drafts if d.quality != "Highest"}
    assert widths == expected
    assert all(d.measures["height_px"] * 2 == d.measures["width_px"] for d in outcome.drafts[:-1])
    assert not (tmp_path / "work/scratch").exists()


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "avif"])
def test_other_formats_and_16_bits(scene, tmp_path, suffix):
    import cv2

    whole = scene.equirect(scene.smooth, 512)
    path = tmp_path / f"a.{suffix}"
    if suffix in ("png", "tif"):
        cv2.imwrite(str(path), whole[:, :, ::-1].astype(np.uint16) * 257)
    else:
        Image.fromarray(whole).save(path, quality=95)
    made, _ = single(path, tmp_path / "work")
    assert scene.psnr(made, whole.astype(float)) > 34


def test_a_packet_is_read_as_it_was_written():
    gpano = parse_gpano(write_gpano(4096, 2048))
    assert gpano is not None
    assert gpano.projection == "equirectangular"
    assert gpano.coverage == Coverage(4096, 2048, 4096, 2048, 0, 0)
    assert gpano.coverage.is_whole


@pytest.mark.parametrize("column", ["width_px", "left_px", "full_width_px"])
def test_coverage_must_fit(column):
    sizes = {
        "full_width_px": 100,
        "full_height_px": 50,
        "width_px": 40,
        "height_px": 20,
        "left_px": 60,
        "top_px": 30,
    }
    Coverage(**sizes)
    sizes[column] += -1 if column == "full_width_px" else 1
    with pytest.raises(ValueError, match="do not fit"):
        Coverage(**sizes)


@pytest.mark.parametrize(("width", "accepted"), [(15, False), (16, True), (32768, True), (32769, False)])
def test_width_limits(width, accepted):
    image = OpenImage(Path("a.jpg"), "jpeg", None, width, width // 2, 1, b"")
    if accepted:
        assert choose_placement(image)[0].sphere_width_px == width
    else:
        with pytest.raises(Refused, match=f"{width} pixels wide" if width > 16 else "wide"):
            choose_placement(image)
