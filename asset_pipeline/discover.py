"""Find the masters in files and folders: sorted, typed by content, without the parts of other masters.

A folder is walked whole; hidden files and links are passed by. A file that another file in the walk refers
to (a glTF's buffers and textures, an OBJ's MTL, an MTL's textures, a tileset's tiles) is part of that
master. A file named on the command line itself is always a master.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from asset_pipeline.sniff import FileType, sniff

SCANNED_BLOCK_BYTES = 1024 * 1024
MAX_SCANNED_BYTES = (
    512 * 1024 * 1024
)  # of one file, in search of references; scans are long, references come early
MAX_REFERENCE_BYTES = 2048  # a longer one is a data URI

_URI = re.compile(rb'"(?:uri|url)"\s*:\s*"((?:[^"\\]|\\.){1,2048})"')
_MTLLIB = re.compile(rb"^[ \t]*mtllib[ \t]+([^\r\n]{1,2048})", re.MULTILINE)
_MAP = re.compile(
    rb"^[ \t]*(?:map_\w+|norm|bump|disp|decal|refl)[ \t]+([^\r\n]{1,2048})", re.MULTILINE | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FoundMaster:
    """A master: where it lies, what it is called in the report, what it is (None: it cannot be read)."""

    path: Path
    name: str
    file_type: FileType | None
    fault: str = ""


def find_masters(paths: Sequence[Path], *, ignored: Sequence[Path] = ()) -> list[FoundMaster]:
    """Every master under the paths, each once, in sorted order per path given.

    ignored: files and folders that are passed by where a folder is walked, such as the pipeline's own output.
    """
    passed_by = {path.resolve() for path in ignored}
    masters: list[FoundMaster] = []
    seen: set[Path] = set()
    for given in paths:
        found = [(file, file) for file in [given]] if not given.is_dir() else _masters_in(given, passed_by)
        for path, name in found:
            identity = path.resolve()
            if identity not in seen:
                seen.add(identity)
                masters.append(_typed(path, str(name)))
    return masters


def referred_files(path: Path, file_type: FileType) -> set[Path]:
    """Existing files inside the master's folder that it refers to, resolved. Never reads outside that
    folder.
    """
    folder = path.parent.resolve()
    pattern = {"gltf": _URI, "tileset": _URI, "obj": _MTLLIB, "mtl": _MAP}.get(file_type.name)
    if pattern is None:
        return set()
    found: set[Path] = set()
    for raw in _matches(path, pattern):
        for reference in _readings(raw, file_type.name):
            target = _inside(folder, reference)
            if target is not None:
                found.add(target)
                break
    return found


def _masters_in(folder: Path, passed_by: set[Path]) -> list[tuple[Path, Path]]:
    files = _walk(folder, passed_by)
    parts: set[Path] = set()
    for path in files:
        try:
            parts |= referred_files(path, sniff(path))
        except OSError:
            continue  # reported as a master that cannot be read
    return [(path, path) for path in files if path.resolve() not in parts]


def _walk(folder: Path, passed_by: set[Path]) -> list[Path]:
    """Regular files below the folder, sorted by their paths' parts."""

    def is_wanted(path: Path) -> bool:
        return not path.name.startswith(".") and not path.is_symlink() and path.resolve() not in passed_by

    found = []
    for root, folders, files in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if is_wanted(Path(root, name))]
        paths = (Path(root, name) for name in files)
        found += [path for path in paths if is_wanted(path) and path.is_file()]
    return sorted(found, key=lambda path: path.parts)


def _typed(path: Path, name: str) -> FoundMaster:
    try:
        return FoundMaster(path, name, sniff(path))
    except OSError as error:
        return FoundMaster(path, name, None, error.strerror or "it cannot be opened")


def _matches(path: Path, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    """Matches of the pattern, read block by block; the end of a block is looked at again with the next."""
    kept = b""
    scanned = 0
    with path.open("rb") as file:
        while scanned < MAX_SCANNED_BYTES:
            block = file.read(SCANNED_BLOCK_BYTES)
            if not block:
                return
            scanned += len(block)
            text = kept + block
            if scanned == len(block) and text[:2] in (b"\xff\xfe", b"\xfe\xff"):
                return  # UTF-16: no reader of ours follows references in it
            for match in pattern.finditer(text):
                yield match.group(1)
            kept = text[-2 * MAX_REFERENCE_BYTES :]


def _readings(raw: bytes, kind: str) -> Iterator[str]:
    """The ways in which a reference may be meant, likeliest first."""
    text = raw.decode("utf-8", errors="replace").strip()
    if kind in ("gltf", "tileset"):
        try:
            text = json.loads(f'"{text}"')
        except ValueError:
            return
        yield unquote(text)
        yield text
        return
    text = text.replace("\\", "/")
    yield text
    words = text.split()
    if len(words) > 1:  # `map_Kd -s 1 1 1 wood.jpg`: options stand before the name
        for start in range(1, len(words)):
            yield " ".join(words[start:])


def _inside(folder: Path, reference: str) -> Path | None:
    """The file meant, if it exists and lies in the folder; letter case is forgiven, as Windows tools
    expect.
    """
    if not reference or "\x00" in reference or len(reference) > MAX_REFERENCE_BYTES:
        return None
    try:
        target = (folder / reference).resolve()
        if not target.is_relative_to(folder):
            return None
        if target.is_file():
            return target
        if target.parent.is_dir():
            wanted = target.name.lower()
            return next(
                (entry for entry in sorted(target.parent.iterdir()) if entry.name.lower() == wanted), None
            )
    except OSError:
        return None  # a name too long for the file system names no file
    return None
