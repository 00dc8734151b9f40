"""The demo's ingest folder: the masters and a manifest.csv as an editor would write it."""

import csv
import os
import shutil
from pathlib import Path

from content_api.demo.masters import DemoMasters

ATTRIBUTION = "halong-xr, procedural illustration"
LICENCE = "CC0-1.0"
COLUMNS = (
    "site",
    "kind",
    "file",
    "title_vi",
    "title_en",
    "licence",
    "attribution",
    "summary_vi",
    "summary_en",
    "alt_vi",
    "alt_en",
    "illustration",
)


def write_ingest_folder(folder: Path, masters: DemoMasters) -> Path:
    """Fill `folder` with the three masters and their manifest; returns it. Repeating it changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    for master in masters:
        _place(master, folder / master.name)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_rows(masters))
    return folder


def _rows(masters: DemoMasters) -> list[dict[str, str]]:
    common = {"licence": LICENCE, "attribution": ATTRIBUTION, "illustration": "true"}
    return [
        {
            "site": "hang-dau-go",
            "kind": "model",
            "file": masters.tower.name,
            "title_vi": "Đảo tháp đá vôi (hình minh họa)",
            "title_en": "A limestone tower islet (illustration)",
            "summary_vi": "Mô hình minh họa do máy tính tạo ra: vách đá vôi, khe rãnh, ngấn nước triều"
            " và cây bụi như thường thấy ở vịnh Hạ Long. Đây không phải bản quét hang Đầu Gỗ.",
            "summary_en": "A computer-generated illustration: the cliffs, flutes, tidal notch and shrubs of a"
            " Ha Long Bay tower. It is not a scan of Dau Go Cave.",
            "alt_vi": "Hình minh họa: một đảo tháp đá vôi xám dựng đứng, cây xanh trên đỉnh và gờ đá.",
            "alt_en": "Illustration: a steep grey limestone tower islet, green on its crown and ledges.",
            **common,
        },
        {
            "site": "dao-ti-top",
            "kind": "panorama",
            "file": masters.panorama.name,
            "title_vi": "Buổi sáng trên vịnh, toàn cảnh (hình minh họa)",
            "title_en": "Morning on the bay, all around (illustration)",
            "summary_vi": "Toàn cảnh minh họa do máy tính tạo ra: những đảo đá vôi xa dần trong sương sớm."
            " Đây không phải ảnh chụp từ đảo Ti Tốp.",
            "summary_en": "A computer-generated panorama: limestone islands receding into the morning haze."
            " It is not a photograph from Ti Top Island.",
            "alt_vi": "Hình minh họa: toàn cảnh vịnh buổi sáng, đảo đá vôi quanh mặt nước xanh ngọc.",
            "alt_en": "Illustration: the bay all around in the morning, limestone islands on jade water.",
            **common,
        },
        {
            "site": "hang-sung-sot",
            "kind": "photo",
            "file": masters.photo.name,
            "title_vi": "Giờ vàng trên vịnh (hình minh họa)",
            "title_en": "Golden hour on the bay (illustration)",
            "summary_vi": "Hình tĩnh minh họa do máy tính tạo ra: nắng xiên trên vách đá vôi."
            " Đây không phải ảnh chụp hang Sửng Sốt.",
            "summary_en": "A computer-generated still: low light on limestone cliffs. It is not a photograph"
            " of Sung Sot Cave.",
            "alt_vi": "Hình minh họa: nắng vàng chiếu trên các đảo đá vôi phủ cây xanh, mặt nước phản chiếu.",
            "alt_en": "Illustration: golden light on green-topped limestone islands and their reflections.",
            **common,
        },
    ]


def _place(master: Path, target: Path) -> None:
    """A hard link where the file system allows one: the masters are large and never change."""
    target.unlink(missing_ok=True)
    try:
        os.link(master, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(master, target)
