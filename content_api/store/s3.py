"""A store in a bucket of any S3, through boto3.

Create-only is the server's work (`If-None-Match: *`), so it holds between machines too. Small objects are one
request; large files go up in parts and appear when the last request completes them.
"""

import contextlib
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from content_api.store.base import (
    ContentChanged,
    NotFound,
    ObjectInfo,
    RangeInvalid,
    StoreUnavailable,
    TooLarge,
)
from content_api.store.keys import cache_control_of, check_key, check_media_type, check_prefix, is_public
from content_api.store.s3_public import allow_public_reading
from heritage_sites.problem import Problem

PART_BYTES = 16 << 20  # a part is held in memory; S3's own minimum is 5 MiB
MAX_PARTS = 10_000  # S3's limit
MAX_CONFLICTS = 6  # answers 409 (two writers at once) before we give up; Amazon asks for a retry
CONFLICT_WAIT_S = 0.05  # first wait, doubled each time

_MISSING = {"404", "NoSuchKey", "NotFound"}
_REFUSED_BY_CONDITION = {"412", "PreconditionFailed"}
_CONFLICT = {"409", "ConditionalRequestConflict"}
_BAD_RANGE = {"416", "InvalidRange"}
Parts = list[dict[str, Any]]


class S3Store:
    """A `Store` under `prefix` of a bucket. `client` is a boto3 S3 client; threads may share it."""

    def __init__(self, bucket: str, prefix: str, client: Any, *, part_bytes: int = PART_BYTES) -> None:
        """`prefix` is "" or folders without slashes at the ends. Nothing is asked of the server yet."""
        self.bucket = bucket
        self.prefix = f"{check_key(prefix)}/" if prefix else ""
        self.client = client
        self._part_bytes = part_bytes

    def __repr__(self) -> str:
        return f"S3Store('s3://{self.bucket}/{self.prefix}')"

    def put(self, key: str, body: bytes, *, media_type: str) -> None:
        """See `Store.put`."""
        arguments = self._write_arguments(key, media_type)
        with self._wrapped(key):
            self.client.put_object(**arguments, Body=body)

    def replace(self, key: str, body: bytes, *, media_type: str, etag: str | None) -> bool:
        """See `Store.replace`."""
        arguments = self._write_arguments(key, media_type)
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with self._wrapped(key):
            try:
                return _write_on_condition(
                    lambda: self.client.put_object(**arguments, Body=body, **condition)
                )
            except ClientError as error:
                if etag is not None and _code(error) == "NoSuchKey":  # Amazon's answer to If-Match on nothing
                    return False
                raise

    def put_new(self, key: str, body: bytes, *, media_type: str) -> bool:
        """See `Store.put_new`. After an answer lost on the way and asked for again, False may be our own."""
        arguments = self._write_arguments(key, media_type)
        with self._wrapped(key):
            return _write_on_condition(
                lambda: self.client.put_object(**arguments, Body=body, IfNoneMatch="*")
            )

    def put_file_new(self, key: str, path: Path, *, media_type: str, sha256: str | None = None) -> bool:
        """See `Store.put_file_new`."""
        arguments = self._write_arguments(key, media_type)
        with _opened(path) as file, self._wrapped(key):
            size = path.stat().st_size
            if size > self._part_bytes:  # worth a look before all of it is sent
                return not self.exists(key) and self._put_parts(arguments, file, size, path.name, sha256)
            body = file.read()
            _check_digest(key, path.name, hashlib.sha256(body).hexdigest(), sha256)
            return _write_on_condition(
                lambda: self.client.put_object(**arguments, Body=body, IfNoneMatch="*")
            )

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """See `Store.get`."""
        with self._wrapped(key):
            answer = self.client.get_object(Bucket=self.bucket, Key=self._name(key))
            with contextlib.closing(answer["Body"]) as body:
                if answer["ContentLength"] > max_bytes:
                    raise TooLarge(key, limit_bytes=max_bytes, actual_bytes=answer["ContentLength"])
                content: bytes = body.read()
                return content

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Store.get_range`."""
        if start < 0 or length <= 0:
            raise ValueError(f"get_range: want start >= 0 and length > 0, got {start} and {length}")
        with self._wrapped(key):
            try:
                answer = self.client.get_object(
                    Bucket=self.bucket, Key=self._name(key), Range=f"bytes={start}-{start + length - 1}"
                )
            except ClientError as error:
                if _code(error) in _BAD_RANGE:
                    raise RangeInvalid(key, f"range starts at {start}, behind the object's end") from error
                raise
            with contextlib.closing(answer["Body"]) as body:
                content: bytes = body.read()
        if not content:  # some servers answer an empty object with 200 instead of 416
            raise RangeInvalid(key, f"range starts at {start}, behind the object's end")
        return content

    def head(self, key: str) -> ObjectInfo | None:
        """See `Store.head`."""
        with self._wrapped(key):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=self._name(key))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
        return ObjectInfo(
            bytes=answer["ContentLength"], media_type=answer["ContentType"], etag=answer["ETag"]
        )

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self.head(key) is not None

    def list(self, prefix: str) -> Iterator[str]:
        """See `Store.list`. All names are fetched first: each server has its own order."""
        check_prefix(prefix)
        names: list[str] = []
        with self._wrapped(prefix):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                names += [entry["Key"] for entry in page.get("Contents", [])]
        yield from sorted(name.removeprefix(self.prefix) for name in names if not name.endswith("/"))

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        with self._wrapped(key):
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def public_url(self, key: str) -> str | None:
        """Address of a public object, path-style; None for masters and private ones."""
        name = self._name(key)
        return f"{self.client.meta.endpoint_url}/{self.bucket}/{name}" if is_public(key) else None

    def make_public_readable(self) -> tuple[Problem, ...]:
        """See `Store.make_public_readable`: a statement in the bucket's policy and a CORS rule."""
        return allow_public_reading(self.client, self.bucket, self.prefix)

    def is_readable_by_anyone(self, key: str) -> bool:
        """Whether a reader without credentials gets the object: asked of the server, not of our rules."""
        anonymous = boto3.session.Session().client(
            "s3",
            endpoint_url=self.client.meta.endpoint_url,
            region_name=self.client.meta.region_name,
            config=self.client.meta.config.merge(Config(signature_version=UNSIGNED)),
        )
        try:
            anonymous.get_object(Bucket=self.bucket, Key=self._name(key))["Body"].close()
        except ClientError:
            return False
        except BotoCoreError as error:
            raise StoreUnavailable(f"{key}: {error}") from error
        return True

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)

    def _write_arguments(self, key: str, media_type: str) -> dict[str, str]:
        return {
            "Bucket": self.bucket,
            "Key": self._name(key),
            "ContentType": check_media_type(key, media_type),
            "CacheControl": cache_control_of(key),
        }

    def _put_parts(
        self, arguments: dict[str, str], file: IO[bytes], size: int, file_name: str, sha256: str | None
    ) -> bool:
        target = {"Bucket": arguments["Bucket"], "Key": arguments["Key"]}
        part_bytes = max(self._part_bytes, -(-size // MAX_PARTS))
        upload = self.client.create_multipart_upload(**arguments)["UploadId"]
        try:
            digest = hashlib.sha256()
            parts: Parts = []
            while body := file.read(part_bytes):
                digest.update(body)
                number = len(parts) + 1
                answer = self.client.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            _check_digest(target["Key"], file_name, digest.hexdigest(), sha256)
            made = _write_on_condition(
                lambda: self.client.complete_multipart_upload(
                    **target, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
            )
        except BaseException:  # also Ctrl-C: parts without an end cost the bucket's owner money
            self._abort(target, upload)
            raise
        if not made:
            self._abort(target, upload)
        return made

    def _abort(self, target: dict[str, str], upload: str) -> None:
        # the error which brought us here is the one to tell; a lost abort is what lifecycle rules are for
        with contextlib.suppress(ClientError, BotoCoreError):
            self.client.abort_multipart_upload(**target, UploadId=upload)

    @contextlib.contextmanager
    def _wrapped(self, key: str) -> Iterator[None]:
        """Turn botocore's errors into the store's, also those met while a body is read."""
        try:
            yield
        except ClientError as error:
            if _code(error) in _MISSING:
                raise NotFound(key) from error
            raise StoreUnavailable(f"{key}: {_explain(error, self.bucket)}") from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"{key}: {error}") from error


def _write_on_condition(write: Callable[[], Any]) -> bool:
    """Run a conditional write: True when done, False when its condition did not hold; 409: try again."""
    for attempt in range(MAX_CONFLICTS):
        try:
            write()
        except ClientError as error:
            if _code(error) in _REFUSED_BY_CONDITION:
                return False
            if _code(error) not in _CONFLICT or attempt == MAX_CONFLICTS - 1:
                raise
            time.sleep(CONFLICT_WAIT_S * 2**attempt * random.uniform(0.5, 1.5))
        else:
            return True
    raise AssertionError("the last conflict is raised inside the loop")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreUnavailable(f"{path}: the file to store cannot be read: {error.strerror}") from error
    with file:
        yield file


def _check_digest(key: str, file_name: str, digest: str, sha256: str | None) -> None:
    if sha256 is not None and digest != sha256:
        raise ContentChanged(key, f"{file_name} has SHA-256 {digest}, announced was {sha256}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _explain(error: ClientError, bucket: str) -> str:
    code = _code(error)
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket}; create it first, it is not made by a write"
    if code in {"403", "AccessDenied"}:
        return f"bucket {bucket} refuses access (403); look at the credentials and their rights"
    if code in {"InvalidAccessKeyId", "SignatureDoesNotMatch"}:
        return f"bucket {bucket} does not accept the credentials ({code})"
    return str(error)
