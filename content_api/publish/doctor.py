"""Look whether a store does what this system needs of it; each finding is a Problem with advice.

1. an object can be written, read and removed
2. in a bucket, nobody without credentials reads masters or private objects
3. the current release, all its files and all its derivatives are whole
4. in a folder, no unfinished files of killed writers lie about
"""

import secrets
import time

from content_api.public.errors import ReleaseCorrupt, ReleaseMissing
from content_api.public.release import load_release
from content_api.publish.whole import find_incomplete
from content_api.store.base import Store, StoreError
from content_api.store.folder import FolderStore
from content_api.store.keys import MASTERS, OCTETS, PRIVATE
from content_api.store.s3 import S3Store
from heritage_sites.problem import Problem, Severity

OLD_AFTER_S = 86_400.0  # no upload takes a day; what is older belongs to nobody


def check_store(store: Store) -> list[Problem]:
    """Every finding; empty for a store in order. Writes two small objects of its own and removes them."""
    try:
        return _check_access(store) + _check_release(store) + _check_leftovers(store)
    except StoreError as error:
        advice = "Look at HALONG_XR_STORE and, for S3, at the AWS variables and the bucket's rights."
        return [Problem("store", "access", f"The store cannot be used: {error}.", advice)]


def _check_access(store: Store) -> list[Problem]:
    problems = []
    name = f"doctor-{secrets.token_hex(8)}"
    for folder in (MASTERS, PRIVATE):
        key = folder + name
        store.put_new(key, name.encode(), media_type=OCTETS)  # 1
        try:
            if store.get(key, max_bytes=100) != name.encode():
                problems.append(Problem("store", "access", "What was written does not come back."))
            if isinstance(store, S3Store) and store.is_readable_by_anyone(key):  # 2
                message = f"Anyone can read {folder} of this bucket."
                advice = "Take public reading away in the bucket's policy and access lists."
                problems.append(Problem("store", folder, message, advice))
        finally:
            store.delete(key)
    return problems


def _check_release(store: Store) -> list[Problem]:
    try:
        release = load_release(store)  # 3 verifies the manifest and every file
    except ReleaseMissing:
        message, advice = "Nothing has been published yet.", "Ingest, approve, then publish."
        return [Problem("store", "release", message, advice, Severity.WARNING)]
    except ReleaseCorrupt as error:
        return [Problem("store", "release", f"The current release is damaged: {error}.", "Publish again.")]
    ids = {
        derivative.derivative_id
        for experience in release.experiences.values()
        for medium in experience.media
        for derivative in medium.derivatives
    }
    return [
        Problem("store", derivative_id, "This derivative is not whole in the store.", "Ingest it again.")
        for derivative_id in find_incomplete(store, sorted(ids))
    ]


def _check_leftovers(store: Store) -> list[Problem]:
    if not isinstance(store, FolderStore):
        return []
    now = time.time()
    old = [path for path in store.leftovers() if now - path.stat().st_mtime > OLD_AFTER_S]  # 4
    if not old:
        return []
    message = f"{len(old)} unfinished files of killed writers lie in the store, such as {old[0].name}."
    return [Problem("store", str(old[0].parent), message, "They may be deleted.", Severity.WARNING)]
