"""Put a master and its derivatives into the store, each once.

A derivative's list of files goes last: a list that is there says that the derivative is whole.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from asset_pipeline.discover import referred_files
from asset_pipeline.place import sha256_of
from asset_pipeline.sniff import sniff
from content_api.publish.whole import file_list_key, is_whole
from content_api.store.base import Store
from content_api.store.keys import DERIVATIVES, JSON, MASTERS, OCTETS
from heritage_sites.asset import Derivative, DerivativeFile, canonical_file_list
from heritage_sites.release import canonical_json

WRITERS = 16  # files of a derivative stored at once: 510 tiles of 20 kB wait for the network, not for us


def put_master(store: Store, path: Path, sha256: str) -> None:
    """Store the master under its digest, and the files which it refers to under theirs.

    What a master refers to (a glTF's buffers, an OBJ's textures) is listed in masters/{sha256}.files.json, as
    path below the master's folder and digest, so that the delivery can be put together again.
    Raises ContentChanged when a file is another one than a moment ago.
    """
    parts = {part.relative_to(path.parent.resolve()).as_posix(): part for part in _parts_of(path)}
    listed = []
    for name, part in sorted(parts.items()):
        part_sha256 = sha256_of(part)
        store.put_file_new(f"{MASTERS}{part_sha256}", part, media_type=OCTETS, sha256=part_sha256)
        listed.append({"path": name, "sha256": part_sha256})
    if listed:
        store.put(f"{MASTERS}{sha256}.files.json", canonical_json(listed), media_type=JSON)
    store.put_file_new(f"{MASTERS}{sha256}", path, media_type=OCTETS, sha256=sha256)


def put_derivative(store: Store, derivative: Derivative, folder: Path) -> None:
    """Store the derivative's files, then their list; what is there already stays."""
    if is_whole(store, derivative.derivative_id):
        return

    def put(file: DerivativeFile) -> None:
        key = f"{DERIVATIVES}{derivative.derivative_id}/{file.path}"
        store.put_file_new(key, folder / file.path, media_type=file.media_type, sha256=file.sha256)

    with ThreadPoolExecutor(WRITERS) as pool:
        for _done in pool.map(put, derivative.files):
            pass  # asked for, so that an error of a writer is raised here
    key = file_list_key(derivative.derivative_id)
    store.put(key, canonical_file_list(derivative.files), media_type=JSON)


def _parts_of(master: Path) -> Iterator[Path]:
    """Every file which the master refers to, also through another: an OBJ its MTL, that one its textures."""
    folder = master.parent.resolve()
    pending, seen = [master.resolve()], {master.resolve()}
    while pending:
        path = pending.pop()
        for part in sorted(referred_files(path, sniff(path))):
            if part not in seen and part.is_relative_to(folder):
                seen.add(part)
                pending.append(part)
                yield part
