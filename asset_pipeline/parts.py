"""A master with the files it refers to: an OBJ with its MTL and that one's textures, a glTF with its buffers
and pictures.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asset_pipeline.discover import referred_files
from asset_pipeline.place import sha256_of
from asset_pipeline.sniff import sniff


@dataclass(frozen=True, slots=True)
class WholeMaster:
    """sha256 is of the master's file alone; whole_sha256 changes with any file it refers to as well.

    size_bytes: of all of them.
    """

    sha256: str
    whole_sha256: str
    size_bytes: int


def digest_whole(master: Path, sha256: str) -> WholeMaster:
    """Read every part once. A part that cannot be read counts as such; OSError if the master cannot."""
    rows, size_bytes = [f"{sha256}\n"], master.stat().st_size
    folder = master.parent.resolve()
    for part in sorted(parts_of(master)):
        try:
            size_bytes += part.stat().st_size
            digest = sha256_of(part)
        except OSError as error:
            digest = f"errno {error.errno}"
        rows.append(f"{part.relative_to(folder).as_posix()}\0{digest}\n")
    return WholeMaster(sha256, hashlib.sha256("".join(rows).encode()).hexdigest(), size_bytes)


def parts_of(master: Path) -> Iterator[Path]:
    """Every file the master refers to, directly or through another, below its folder; without the master."""
    folder = master.parent.resolve()
    pending, seen = [master.resolve()], {master.resolve()}
    while pending:
        path = pending.pop()
        try:
            found = sorted(referred_files(path, sniff(path)))
        except OSError:
            continue  # the reader says so, if it needs the file
        for part in found:
            if part not in seen and part.is_relative_to(folder):
                seen.add(part)
                pending.append(part)
                yield part
