"""The judge sees what a visitor would: the same file is the same, and every planted defect is caught."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.judge import Judge, JudgeUnavailable, Scores, ViewPlan
from asset_pipeline.models.judge.pictures import decode_for_view
from asset_pipeline.models.judge.scores import MAX_PSNR_DB
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.judge.made_scenes import png, statue
from tests.conftest import missing

POSITION, NORMAL, UV, INDICES = range(4)  # columns of the statue
COLORS, NORMALS, ROUGHNESS = range(3)  # its images
PLAN = ViewPlan(192)

Change = Callable[[Document], Document]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("statue")


@pytest.fixture(scope="module")
def master(folder: Path) -> Document:
    document = statue()
    write(document, folder / "master.glb")
    return document


@pytest.fixture(scope="module")
def judge(folder: Path, master: Document) -> Iterator[Judge]:
    try:
        opened = Judge.open(folder / "master.glb", PLAN, timeout_s=60)
    except JudgeUnavailable as error:
        missing(error.reason)
    with opened:
        yield opened


@pytest.fixture
def compare(judge: Judge, master: Document, folder: Path) -> Callable[[Change], Scores]:
    def run(change: Change) -> Scores:
        write(change(master), folder / "candidate.glb")
        return judge.compare(folder / "candidate.glb")

    return run


def write(document: Document, path: Path) -> None:
    path.write_bytes(write_glb(document, WriteOptions(GeometryCodec.NONE)))


def put_column(document: Document, number: int, change: Callable[[np.ndarray], np.ndarray]) -> Document:
    old = document.accessors[number]
    new = Accessor(np.ascontiguousarray(change(old.array)), old.type, old.normalized)
    columns = (*document.accessors[:number], new, *document.accessors[number + 1 :])
    return replace(document, accessors=columns)


def put_image(document: Document, number: int, change: Callable[[np.ndarray], np.ndarray]) -> Document:
    pixels = decode_for_view(document.images[number], max_px=4096, is_color=False)[:, :, :3]
    images = list(document.images)
    images[number] = Image(png(np.ascontiguousarray(change(pixels))), "image/png")
    return document.replace_images(images)


def as_jpeg(document: Document, quality: int) -> Document:
    import io

    images = []
    for image in document.images:
        out = io.BytesIO()
        PIL.Image.open(io.BytesIO(image.body)).save(out, "JPEG", quality=quality, subsampling=0)
        images.append(Image(out.getvalue(), "image/jpeg"))
    return document.replace_images(images)


def test_a_file_is_like_itself(compare: Callable[[Change], Scores]) -> None:
    scores = compare(lambda document: document)
    assert (scores.ssim_lit, scores.ssim_unlit, scores.ssim, scores.worst_ssim) == (1.0, 1.0, 1.0, 1.0)
    assert (scores.psnr_lit_db, scores.psnr_unlit_db) == (MAX_PSNR_DB, MAX_PSNR_DB)
    assert len(scores.per_view) == PLAN.views == 12
    assert all(view.pixels > 0.4 * PLAN.size_px**2 for view in scores.per_view)


def test_a_quantized_and_compressed_file_is_nearly_the_same(
    judge: Judge, master: Document, folder: Path
) -> None:
    packed = quantize(as_jpeg(master, 95), position_bits=14, uv_bits=12)
    (folder / "packed.glb").write_bytes(write_glb(packed))
    scores = judge.compare(folder / "packed.glb")
    assert scores.ssim > 0.98
    assert scores.worst_ssim > 0.975
    assert min(scores.psnr_lit_db, scores.psnr_unlit_db) > 38


def test_shifted_uvs_are_caught(compare: Callable[[Change], Scores]) -> None:
    scores = compare(lambda document: put_column(document, UV, lambda uv: uv + np.float32(0.01)))
    assert scores.ssim_unlit < 0.85
    assert scores.ssim_lit < 0.9


def test_a_dropped_texture_is_caught(compare: Callable[[Change], Scores]) -> None:
    scores = compare(
        lambda document: put_image(document, COLORS, lambda pixels: np.full_like(pixels[:1, :1], 255))
    )
    assert scores.ssim_unlit < 0.6
    assert scores.psnr_unlit_db < 10


def test_missing_triangles_are_caught(compare: Callable[[Change], Scores]) -> None:
    def pierced(indices: np.ndarray) -> np.ndarray:
        half, hole = len(indices) // 2, 3 * 300  # 3 % of all, a band around the middle
        middle = half // 2
        return np.concatenate([indices[:middle], indices[middle + hole :]])

    scores = compare(lambda document: put_column(document, INDICES, pierced))
    assert scores.worst_ssim < 0.95
    assert scores.ssim < 0.97


def test_flipped_normals_show_when_lit_only(compare: Callable[[Change], Scores]) -> None:
    scores = compare(lambda document: put_column(document, NORMAL, np.negative))
    assert scores.ssim_lit < 0.85
    assert (scores.ssim_unlit, scores.psnr_unlit_db) == (1.0, MAX_PSNR_DB)


def test_a_flattened_normal_map_shows_when_lit_only(compare: Callable[[Change], Scores]) -> None:
    def flat(pixels: np.ndarray) -> np.ndarray:
        return np.full_like(pixels, (128, 128, 255))

    scores = compare(lambda document: put_image(document, NORMALS, flat))
    assert scores.ssim_lit < 0.95
    assert scores.ssim_unlit == 1.0


def test_a_normal_map_with_green_upside_down_is_caught(compare: Callable[[Change], Scores]) -> None:
    def wrong(pixels: np.ndarray) -> np.ndarray:
        return np.dstack([pixels[:, :, 0], 255 - pixels[:, :, 1], pixels[:, :, 2]])

    scores = compare(lambda document: put_image(document, NORMALS, wrong))
    assert scores.ssim_lit < 0.96
    assert scores.ssim_unlit == 1.0


def test_even_roughness_shows_when_lit_only(compare: Callable[[Change], Scores]) -> None:
    scores = compare(lambda document: put_image(document, ROUGHNESS, lambda pixels: pixels // 3))
    assert scores.ssim_lit < 0.99
    assert scores.ssim_unlit == 1.0


def test_a_blurred_texture_is_caught(compare: Callable[[Change], Scores]) -> None:
    scores = compare(
        lambda document: put_image(document, COLORS, lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 2.0))
    )
    assert scores.ssim_unlit < 0.97


def test_coarser_textures_score_lower_step_by_step(compare: Callable[[Change], Scores]) -> None:
    figures = []
    for side in (512, 256, 128, 64):
        scores = compare(
            lambda document, side=side: put_image(
                document,
                COLORS,
                lambda pixels: cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA),
            )
        )
        figures.append(scores.ssim_unlit)
    assert figures[0] == 1.0
    assert all(better > worse + 0.01 for better, worse in itertools.pairwise(figures[1:]))


def test_a_model_moved_by_a_hundredth_of_its_size_is_caught(compare: Callable[[Change], Scores]) -> None:
    scores = compare(
        lambda document: put_column(document, POSITION, lambda p: p + np.array([0.022, 0, 0], np.float32))
    )
    assert scores.ssim < 0.9


def test_lower_texture_quality_scores_lower(compare: Callable[[Change], Scores]) -> None:
    fine, coarse = (compare(lambda document, q=q: as_jpeg(document, q)) for q in (90, 20))
    assert coarse.ssim_unlit < fine.ssim_unlit - 0.005
    assert coarse.psnr_unlit_db < fine.psnr_unlit_db - 3


def test_order_and_repetition_change_nothing(judge: Judge, master: Document, folder: Path) -> None:
    shifted, fine = folder / "shifted.glb", folder / "fine.glb"
    write(put_column(master, UV, lambda uv: uv + np.float32(0.003)), shifted)
    write(as_jpeg(master, 80), fine)
    first = [judge.compare(shifted), judge.compare(fine)]
    second = [judge.compare(fine), judge.compare(shifted)]
    assert first == second[::-1]
    with Judge.open(folder / "master.glb", PLAN, timeout_s=60) as other:
        assert other.compare(shifted) == first[0]


def test_the_worst_view_is_the_worst(compare: Callable[[Change], Scores]) -> None:
    scores = compare(lambda document: put_column(document, INDICES, lambda indices: indices[3000:]))
    by_view = [min(pair) for pair in zip(scores.per_view_ssim_lit, scores.per_view_ssim_unlit, strict=True)]
    assert scores.worst_ssim == min(by_view) == by_view[scores.worst_view]
    assert scores.ssim_lit == pytest.approx(sum(scores.per_view_ssim_lit) / 12)
    assert scores.as_measures() == {
        "rendered_ssim_lit": round(scores.ssim_lit, 5),
        "rendered_ssim_unlit": round(scores.ssim_unlit, 5),
        "rendered_psnr_lit_db": round(scores.psnr_lit_db, 2),
        "rendered_psnr_unlit_db": round(scores.psnr_unlit_db, 2),
        "rendered_worst_view": scores.worst_view,
        "rendered_worst_ssim": round(scores.worst_ssim, 5),
        "rendered_view_px": 192,
        "rendered_views": 12,
    }


def test_stills_show_before_and_after(judge: Judge, master: Document, folder: Path, tmp_path: Path) -> None:
    write(put_column(master, UV, lambda uv: uv + np.float32(0.02)), folder / "stills.glb")
    names = judge.write_stills(folder / "stills.glb", tmp_path)
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    assert names == (
        "before-worst.webp",
        "after-worst.webp",
        "before-lit.webp",
        "after-lit.webp",
        "before-unlit.webp",
        "after-unlit.webp",
        "difference.webp",
    )
    pictures = {name: np.asarray(PIL.Image.open(tmp_path / name)).astype(int) for name in names}
    assert {picture.shape for picture in pictures.values()} == {(192, 192, 3)}
    corner = pictures["before-lit.webp"][0, 0]
    assert np.abs(corner - (232, 233, 231)).max() <= 3  # a quiet background
    assert np.abs(pictures["before-unlit.webp"] - pictures["after-unlit.webp"]).max() > 40
    assert pictures["difference.webp"].max() > 100
    assert pictures["difference.webp"][:8, :8].max() <= 8
