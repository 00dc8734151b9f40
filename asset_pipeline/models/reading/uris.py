"""Bytes that a glTF file refers to: data: URIs, and files inside the master's own folder. Nothing else is
opened.
"""

import base64
import binascii
import re
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from asset_pipeline.outcome import refuse

MAX_MASTER_BYTES = (
    1 << 30
)  # 1 GiB, all files of a master together; larger scans must be split before they are sent

_DATA_URI = re.compile(r"data:(?P<media>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*(?P<base64>;base64)?,")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class MasterFolder:
    """Opens what a master refers to, and counts the bytes so that the whole stays below MAX_MASTER_BYTES."""

    def __init__(self, master: Path) -> None:
        self._folder = master.resolve().parent
        self._bytes_left = MAX_MASTER_BYTES

    def read_master(self, master: Path) -> bytes:
        """The master's own bytes."""
        return self._read(master, master.name)

    def read_uri(self, uri: str, where: str) -> bytes:
        """The bytes a URI stands for. Refused: other places, missing files, malformed data: URIs."""
        if uri[:5].lower() == "data:":
            return _decode_data_uri(uri, where)
        return self._read(self._resolve(uri, where), where)

    def _resolve(self, uri: str, where: str) -> Path:
        shown = uri if len(uri) <= 100 else uri[:100] + "..."
        if _SCHEME.match(uri) or uri.startswith("//"):
            raise refuse(
                f"the file points to {shown!r}, which is not in the model's own folder.",
                where=where,
                advice="Put the file beside the model and refer to it by name, or save as .glb.",
            )
        name = unquote(uri)
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or not name or _SCHEME.match(name):
            raise refuse(
                f"the file points to {shown!r}, outside the model's own folder.",
                where=where,
                advice="Put the file beside the model and refer to it by name, or save as .glb.",
            )
        try:
            path = (self._folder / name).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise refuse(
                f"the file {shown!r} is missing.", where=where, advice="Send it together with the model."
            ) from error
        if not path.is_relative_to(self._folder):
            raise refuse(f"{shown!r} is a link that leads outside the model's own folder.", where=where)
        if not path.is_file():
            raise refuse(f"{shown!r} is not a file.", where=where)
        return path

    def _read(self, path: Path, where: str) -> bytes:
        try:
            size = path.stat().st_size
            if size > self._bytes_left:
                raise refuse(
                    f"the model's files are larger than {MAX_MASTER_BYTES >> 20} MiB together.",
                    where=where,
                    advice="Split the scan, or reduce it before sending.",
                )
            with path.open("rb") as file:
                body = file.read(size)
        except OSError as error:
            raise refuse(f"the file cannot be read: {error.strerror}.", where=where) from error
        self._bytes_left -= len(body)
        return body


def _decode_data_uri(uri: str, where: str) -> bytes:
    head = _DATA_URI.match(uri)
    if head is None:
        raise refuse("a data: URI is malformed (want data:TYPE;base64,...).", where=where)
    text = uri[head.end() :]
    if head["base64"] is None:
        return unquote_to_bytes(text)
    if "%" in text:
        text = unquote(text)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse("a data: URI holds text that is not base64.", where=where) from error
