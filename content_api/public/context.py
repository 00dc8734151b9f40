"""What one GraphQL request is answered from."""

from dataclasses import dataclass

from content_api.public.media_urls import MediaUrls
from content_api.public.open_release import OpenRelease


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One release, taken once, so that an answer never mixes two; and how to speak of its files."""

    release: OpenRelease
    urls: MediaUrls
    is_sandbox: bool
