"""Small catalogues with derivatives, made in code."""

import hashlib
from datetime import UTC, datetime

from content_api.publish.whole import file_list_key
from content_api.store import Store
from content_api.store.keys import JSON, media_type_of
from heritage_sites import (
    Attribution,
    Catalogue,
    CircleGeofence,
    Derivative,
    DerivativeFile,
    Experience,
    ExperienceKind,
    LatLon,
    LocalisedText,
    MediaItem,
    MediaRole,
    Position,
    PositionBasis,
    Quality,
    Site,
    SiteKind,
    Trigger,
    TriggerKind,
    Usage,
    canonical_file_list,
    derivative_id_of,
)

SDL = "type Query { release: Release! }\n"
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def clock() -> datetime:
    return AT


def make_site() -> Site:
    point = LatLon(20.9, 107.0)
    return Site(
        id="hang-thu",
        kind=SiteKind.CAVE,
        name=LocalisedText.of({"vi": "Hang Thử", "en": "Trial Cave"}),
        description=LocalisedText.of({"vi": "Một hang động.", "en": "A cave."}),
        position=Position(PositionBasis.DERIVED, point, 100.0),
        geofences=(CircleGeofence("hang-thu-area", point, 150.0),),
        status="",
        visit_note="",
        notes="",
        sources=("made up for tests",),
    )


def make_derivative(words: bytes = b"a photo") -> Derivative:
    file = DerivativeFile("photo.jpg", "image/jpeg", len(words), hashlib.sha256(words).hexdigest())
    return Derivative(
        derivative_id=derivative_id_of([file]),
        usage=Usage.IMAGE_2D,
        quality=Quality.MEDIUM,
        files=(file,),
        recipe="photo@1",
        measures={"width_px": 960, "height_px": 640},
        master_sha256=hashlib.sha256(b"master of " + words).hexdigest(),
    )


def make_experience(words: bytes = b"a photo", name: str = "hang-thu-photo-0123456789ab") -> Experience:
    return Experience(
        id=name,
        site_id="hang-thu",
        kind=ExperienceKind.PHOTO,
        title=LocalisedText.of({"vi": "Ảnh", "en": "Photo"}),
        summary=LocalisedText({}),
        attribution=Attribution("CC-BY-4.0", "A Photographer"),
        triggers=(Trigger(TriggerKind.ENTER, "hang-thu-area"),),
        anchor=None,
        media=(MediaItem(MediaRole.PHOTO, (make_derivative(words),), LocalisedText.of({"en": "A cave"})),),
        illustration=True,
    )


def make_catalogue(*photos: bytes) -> Catalogue:
    """One site with a photo experience for each of the given bytes."""
    experiences = tuple(
        make_experience(words, f"hang-thu-photo-{hashlib.sha256(words).hexdigest()[:12]}") for words in photos
    )
    return Catalogue((make_site(),), (), experiences=experiences)


def put_derivative(store: Store, words: bytes) -> Derivative:
    """Store a derivative as ingest does: files, then the list."""
    derivative = make_derivative(words)
    key = f"derivatives/{derivative.derivative_id}/photo.jpg"
    store.put_new(key, words, media_type=media_type_of(key))
    store.put_new(
        file_list_key(derivative.derivative_id), canonical_file_list(derivative.files), media_type=JSON
    )
    return derivative
