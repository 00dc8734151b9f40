"""Put a derivative where it belongs, whole or not at all: `out/{derivative_id}/`, with `files.json`.

Work happens in a temporary folder inside `out`, on the same file system, so that the last step is one
rename. A run that was killed leaves its temporary folder behind; the next run removes it, unless a living
run holds it.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from asset_pipeline.outcome import DerivativeDraft
from asset_pipeline.recipes import versioned_name
from heritage_sites.asset import (
    Derivative,
    DerivativeFile,
    Quality,
    Usage,
    canonical_file_list,
    derivative_id_of,
)

FILE_LIST = "files.json"
STILLS = "stills"  # out/stills/{derivative_id}/: pictures for the reviewer, no part of any derivative
WORK_PREFIX = ".halong-xr-work-"
MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".png": "image/png",
    ".usdz": "model/vnd.usdz+zip",
    ".webp": "image/webp",
}
_STILL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}\.(?:webp|jpg|png|json)")
_BLOCK_BYTES = 1024 * 1024


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """A temporary folder inside `out` that goes away afterwards; also removes those of runs that were
    killed.
    """
    out.mkdir(parents=True, exist_ok=True)
    remove_left_work(out)
    folder, lock = _hold_new_folder(out)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def fresh_folder(workdir: Path, name: str) -> Path:
    """An empty folder of this name in the work folder, for one draft."""
    folder = workdir / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _hold_new_folder(out: Path) -> tuple[Path, BinaryIO]:
    """A new folder and its lock; made again if another run took it for a left one before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=out))
        lock = (folder / "held").open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_nlink:
            return folder, lock
        lock.close()


def remove_left_work(out: Path) -> None:
    """Remove temporary folders whose run has ended: nobody holds their lock any more."""
    for folder in sorted(out.glob(f"{WORK_PREFIX}*")):
        try:
            with (folder / "held").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            # Made this moment by another run, or killed within that moment: an empty folder goes, a new one
            # stays.
            if _is_old(folder):
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue  # another run is at work


def place_derivative(draft: DerivativeDraft, *, out: Path, recipe: str, master_sha256: str) -> Derivative:
    """Move the draft's folder to `out/{derivative_id}`; a derivative that is there already stays as it is."""
    files = describe_files(draft.folder)
    derivative = Derivative(
        derivative_id=derivative_id_of(files),
        usage=Usage(draft.usage),
        quality=Quality(draft.quality),
        files=files,
        recipe=versioned_name(recipe),
        measures=draft.measures,
        master_sha256=master_sha256,
    )
    target = out / derivative.derivative_id
    if not is_complete(target, derivative.files):
        (draft.folder / FILE_LIST).write_bytes(canonical_file_list(derivative.files))
        if target.exists():  # damaged by hand: its list or a file does not fit
            shutil.rmtree(target)
        try:
            draft.folder.replace(target)
        except OSError:
            if not is_complete(target, derivative.files):  # else another run was quicker with the same bytes
                raise
    return derivative


def place_stills(stills: Path | None, *, out: Path, derivative_id: str) -> tuple[str, ...]:
    """Move a folder of stills to `out/stills/{derivative_id}`; paths below `out`, sorted. Newer ones replace
    older ones.

    ValueError for anything in it that is not a plain picture or its list.
    """
    if stills is None:
        return ()
    names = sorted(path.name for path in stills.iterdir())
    for name in names:
        path = stills / name
        if path.is_symlink() or not path.is_file() or not _STILL_NAME.fullmatch(name):
            raise ValueError(f"stills: want plain pictures, got {name!r}")
    target = out / STILLS / derivative_id
    target.mkdir(parents=True, exist_ok=True)
    for left in sorted({path.name for path in target.iterdir()} - set(names)):
        (target / left).unlink(missing_ok=True)
    for name in names:
        (stills / name).replace(target / name)
    return tuple(f"{STILLS}/{derivative_id}/{name}" for name in names)


def is_complete(target: Path, files: tuple[DerivativeFile, ...]) -> bool:
    """Whether a derivative lies there with exactly this list, these lengths and these digests."""
    try:
        if (target / FILE_LIST).read_bytes() != canonical_file_list(files):
            return False
        return all(
            (target / file.path).stat().st_size == file.bytes and sha256_of(target / file.path) == file.sha256
            for file in files
        )
    except (FileNotFoundError, NotADirectoryError):
        return False


def describe_files(folder: Path) -> tuple[DerivativeFile, ...]:
    """Every file in the folder with its length and digest, sorted by path. ValueError for what is no plain
    file.
    """
    described = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file() or path.suffix not in MEDIA_TYPES:
            raise ValueError(f"derivative: want plain files of {sorted(MEDIA_TYPES)}, got {path.name!r}")
        described.append(
            DerivativeFile(
                path=path.relative_to(folder).as_posix(),
                media_type=MEDIA_TYPES[path.suffix],
                bytes=path.stat().st_size,
                sha256=sha256_of(path),
            )
        )
    return tuple(sorted(described, key=lambda file: file.path))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _is_old(folder: Path, age_s: float = 60.0) -> bool:
    import time

    try:
        return time.time() - os.stat(folder).st_mtime > age_s
    except FileNotFoundError:
        return False
