"""Where a derivative's files can be fetched."""

from collections.abc import Callable
from urllib.parse import quote

FILE_LIST = "files.json"  # beside a derivative's files: their list, whose SHA-256 is the derivative's id

UrlOfKey = Callable[[str], str | None]


class MediaUrls:
    """Addresses of derivatives: below a base address if one is set, else the store's own, else ours."""

    def __init__(self, media_url: str | None, public_url: UrlOfKey) -> None:
        """media_url: what stands before `derivatives/...`, or None. public_url: the store's."""
        self._media_url = media_url.rstrip("/") if media_url else None
        self._public_url = public_url

    def folder(self, derivative_id: str) -> str:
        """Address of the derivative's folder; ends with a slash. Path-absolute if this server serves it."""
        key = f"derivatives/{derivative_id}/{FILE_LIST}"
        if self._media_url is not None:
            url = f"{self._media_url}/{key}"
        else:
            url = self._public_url(key) or f"/{key}"
        return url.removesuffix(FILE_LIST)

    def file(self, derivative_id: str, path: str) -> str:
        """Address of one file of the derivative."""
        return self.folder(derivative_id) + quote(path)

    def file_list(self, derivative_id: str) -> str:
        """Address of the derivative's file list."""
        return self.folder(derivative_id) + FILE_LIST
