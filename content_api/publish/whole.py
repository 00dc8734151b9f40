"""Whether derivatives are whole in the store.

A derivative's files are stored before its list. So a list that is there, and is the one its id digests, says
that the files are there too.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from content_api.store.base import NotFound, Store, TooLarge
from content_api.store.keys import DERIVATIVES

FILE_LIST = "files.json"
MAX_FILE_LIST_BYTES = 16 << 20  # a 32k panorama's 2,046 tiles take 0.4 MB
READERS = 16  # lists read at once; a bucket answers in some milliseconds each


def file_list_key(derivative_id: str) -> str:
    """Key of a derivative's list of files."""
    return f"{DERIVATIVES}{derivative_id}/{FILE_LIST}"


def is_whole(store: Store, derivative_id: str) -> bool:
    """Whether every file of the derivative is in the store."""
    try:
        body = store.get(file_list_key(derivative_id), max_bytes=MAX_FILE_LIST_BYTES)
    except (NotFound, TooLarge):
        return False
    return hashlib.sha256(body).hexdigest() == derivative_id


def find_incomplete(store: Store, derivative_ids: Iterable[str]) -> list[str]:
    """Those of the derivatives which are not whole in the store, in the order given."""
    ids = list(derivative_ids)
    with ThreadPoolExecutor(READERS) as pool:
        whole = list(pool.map(lambda derivative_id: is_whole(store, derivative_id), ids))
    return [derivative_id for derivative_id, ok in zip(ids, whole, strict=True) if not ok]
