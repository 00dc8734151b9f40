"""From the setting HALONG_XR_STORE to a store."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from content_api.store.base import KeyInvalid, Store, StoreUnavailable
from content_api.store.folder import FolderStore
from content_api.store.s3 import S3Store

DEFAULT_REGION = "us-east-1"
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60  # between two bytes, not for the whole object
MAX_ATTEMPTS = 4  # the first and three more, with growing waits
MAX_CONNECTIONS = 32  # tiles are stored by many threads at once


def open_store(url: str, env: Mapping[str, str]) -> Store:
    """The store at a folder's path or at `s3://bucket/prefix`; nothing is read or written yet.

    For S3 the endpoint, credentials and region come from the AWS variables in `env`; without
    AWS_ACCESS_KEY_ID boto3 looks where it always does (profiles, the machine's role).
    ValueError for an address that is neither.
    """
    if not url:
        raise ValueError("store: want a folder or s3://bucket/prefix, got nothing")
    if "://" not in url:
        return FolderStore(Path(url))
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"store: want a folder or s3://bucket/prefix, got {url!r}")
    try:
        return S3Store(parts.netloc, parts.path.strip("/"), _s3_client(env))
    except KeyInvalid as error:
        raise ValueError(f"store: {error}") from error
    except BotoCoreError as error:  # a region or an endpoint that is none
        raise StoreUnavailable(f"{url}: {error}") from error


def _s3_client(env: Mapping[str, str]) -> object:
    session = boto3.session.Session(
        aws_access_key_id=env.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=env.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=env.get("AWS_SESSION_TOKEN"),
        region_name=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or DEFAULT_REGION,
    )
    return session.client(
        "s3",
        endpoint_url=env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL"),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
            max_pool_connections=MAX_CONNECTIONS,
        ),
    )
