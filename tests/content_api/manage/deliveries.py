"""Folders as an editor delivers them, and a pipeline which copies: fast, and placed as the real one does."""

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from asset_pipeline.outcome import DerivativeDraft, refuse
from asset_pipeline.place import place_derivative, sha256_of, work_folder
from asset_pipeline.report import Result, Status

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HEADER = (
    "site", "kind", "file", "title_vi", "title_en", "licence", "attribution", "lat", "lon", "summary_vi",
    "summary_en", "alt_vi", "alt_en", "illustration", "source_url",
)  # fmt: skip
ROW = {
    "site": "hang-sung-sot",
    "kind": "photo",
    "file": "photo.jpg",
    "title_vi": "Ảnh hang",
    "title_en": "Photo of the cave",
    "licence": "CC-BY-4.0",
    "attribution": "A Photographer",
    "alt_vi": "Một hang đá",
    "alt_en": "A cave of stone",
}


def clock() -> datetime:
    return AT


def row(**changes: str) -> dict[str, str]:
    """A sound row with some cells changed."""
    return ROW | changes


def manifest_bytes(rows: Sequence[Mapping[str, str]], header: Sequence[str] = HEADER) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(header)
    table.writerows([one.get(name, "") for name in header] for one in rows)
    return text.getvalue().encode()


def make_folder(folder: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """The folder with its manifest and a file of its own bytes for each file named, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.csv").write_bytes(manifest_bytes(rows))
    for one in rows:
        path = folder / one["file"]
        if one["file"] and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"picture {one['file']}".encode())
    return folder


def copy_master(path: Path, *, name: str, out: Path, kind: str | None) -> list[Result]:
    """A recipe that makes two derivatives of two files each by copying; refuses a master that says `bad`."""
    digest = sha256_of(path)
    body = path.read_bytes()
    if body.startswith(b"bad"):
        problems = tuple(refuse("This picture cannot be read.", where="first byte").problems)
        return [Result(name, digest, "inspect", Status.REFUSED, problems)]
    if body.startswith(b"broken"):
        problems = tuple(refuse("Something of ours is broken.").problems)
        return [Result(name, digest, "photo", Status.FAILED, problems)]
    derivatives = []
    with work_folder(out) as work:
        for quality in ("Medium", "High"):
            folder = work / quality
            folder.mkdir()
            shutil.copy(path, folder / "photo.jpg")
            (folder / "photo.webp").write_bytes(quality.encode())
            draft = DerivativeDraft("Image2D", quality, folder, {"width_px": 960})
            derivatives.append(place_derivative(draft, out=out, recipe="photo", master_sha256=digest))
    return [Result(name, digest, "photo", Status.OK, (), tuple(derivatives))]
