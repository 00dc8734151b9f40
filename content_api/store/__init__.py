"""Where objects live: a folder or any S3, behind one protocol. `open_store` chooses by the address."""

from content_api.store.base import (
    ContentChanged,
    KeyInvalid,
    NotFound,
    ObjectInfo,
    RangeInvalid,
    Store,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    TooLarge,
)
from content_api.store.open import open_store

__all__ = [
    "ContentChanged",
    "KeyInvalid",
    "NotFound",
    "ObjectInfo",
    "RangeInvalid",
    "Store",
    "StoreError",
    "StoreRefused",
    "StoreUnavailable",
    "TooLarge",
    "open_store",
]
