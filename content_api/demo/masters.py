"""The three masters of the demo, made by our own code and kept in a cache folder outside the repository.

`python -m content_api.demo.masters [FOLDER]` makes them and prints seconds and sizes.
"""

import hashlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2

TOWER_NAME, PANORAMA_NAME, PHOTO_NAME = "karst-tower.glb", "bay-panorama.jpg", "bay-photo.jpg"


@dataclass(frozen=True, slots=True)
class MasterSizes:
    """How large to make them; the defaults are the masters, tests ask for less."""

    tower_columns: int = 1024
    tower_rows: int = 516
    texture_px: int = 4096
    panorama_px: int = 8192
    photo_px: int = 3000
    form_columns: int = 1536  # resolution of the islands' tables


@dataclass(frozen=True, slots=True)
class DemoMasters:
    """Where the masters lie."""

    tower: Path
    panorama: Path
    photo: Path

    def __iter__(self) -> Iterator[Path]:
        return iter((self.tower, self.panorama, self.photo))


def default_cache() -> Path:
    """$HALONG_XR_CACHE, or ~/.cache/halong-xr."""
    named = os.environ.get("HALONG_XR_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "halong-xr"


def make_masters(
    cache: Path, progress: Callable[[str], None], sizes: MasterSizes | None = None
) -> DemoMasters:
    """The masters under `cache`; made when this version of them is not there yet, else at once."""
    sizes = sizes or MasterSizes()
    folder = cache / f"demo-{content_version(sizes)}"
    masters = DemoMasters(folder / TOWER_NAME, folder / PANORAMA_NAME, folder / PHOTO_NAME)
    if all(path.is_file() for path in masters):
        return masters
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    # separate processes, each with one thread of its own: two cores stay busy whatever the library does
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"), initializer=_calm) as pool:
        jobs: dict[Future[None], Path] = {
            pool.submit(_make_pictures, masters.panorama, masters.photo, sizes): masters.panorama,
            pool.submit(_make_tower, masters.tower, sizes): masters.tower,
        }
        progress("drawing the bay: a karst tower scan, a panorama and a photograph (illustrations)")
        for job in as_completed(jobs):
            job.result()
            made = [masters.tower] if jobs[job] == masters.tower else [masters.panorama, masters.photo]
            for path in made:
                size_mb, seconds = path.stat().st_size / 1e6, time.monotonic() - started
                progress(f"{path.name}: {size_mb:.1f} MB after {seconds:.0f} s")
    return masters


def content_version(sizes: MasterSizes) -> str:
    """A name for what this code would make: it changes with the code and with the sizes."""
    digest = hashlib.sha256(repr(sizes).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.stem not in ("masters", "manifest", "track", "story", "__init__"):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _calm() -> None:
    cv2.setNumThreads(1)


def _make_tower(path: Path, sizes: MasterSizes) -> None:
    from content_api.demo.tower import tower_glb

    _write(path, tower_glb(sizes.tower_columns, sizes.tower_rows, sizes.texture_px))


def _make_pictures(panorama: Path, photo: Path, sizes: MasterSizes) -> None:
    from content_api.demo.islands import grown_forms
    from content_api.demo.panorama import panorama_jpeg
    from content_api.demo.photo import photo_jpeg

    forms = grown_forms(sizes.form_columns)
    _write(panorama, panorama_jpeg(forms, sizes.panorama_px))
    _write(photo, photo_jpeg(forms, sizes.photo_px))


def _write(path: Path, body: bytes) -> None:
    """The whole file or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(body)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def main() -> int:
    """Make the masters; an argument names the folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default_cache()
    started = time.monotonic()
    masters = make_masters(folder, print)
    for path in masters:
        print(f"{path}  {path.stat().st_size:,} bytes")
    print(f"{time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
