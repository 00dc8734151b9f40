"""A small published bay: the seed catalogue with three experiences whose derivatives are real files."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from content_api.public.sdl import print_sdl
from content_api.publish.compile import compile_release
from content_api.store import Store
from content_api.store.folder import FolderStore
from content_api.store.keys import media_type_of
from heritage_sites import (
    Anchor,
    AnchorKind,
    Attribution,
    Catalogue,
    Derivative,
    DerivativeFile,
    Experience,
    ExperienceKind,
    GeoPose,
    LatLon,
    LocalisedText,
    MediaItem,
    MediaRole,
    Quality,
    Text,
    TextState,
    Trigger,
    TriggerKind,
    Usage,
    canonical_file_list,
    derivative_id_of,
    load_catalogue,
)

MASTER = "ab" * 32
CREDIT = Attribution("CC-BY-4.0", "halong-xr demo", "https://example.org/works")


def add_derivative(
    store: Store | None,
    usage: Usage,
    quality: Quality,
    files: dict[str, bytes],
    **measures: Any,
) -> Derivative:
    """A derivative of these files; put into the store if one is given."""
    listed = tuple(
        DerivativeFile(path, media_type_of(path), len(body), hashlib.sha256(body).hexdigest())
        for path, body in sorted(files.items())
    )
    derivative_id = derivative_id_of(listed)
    if store is not None:
        for path, body in files.items():
            store.put_new(f"derivatives/{derivative_id}/{path}", body, media_type=media_type_of(path))
        file_list = canonical_file_list(listed)
        store.put_new(f"derivatives/{derivative_id}/files.json", file_list, media_type="application/json")
    return Derivative(derivative_id, usage, quality, listed, "sample@1", measures, MASTER)


def experience(
    experience_id: str,
    site_id: str,
    kind: ExperienceKind,
    derivatives: tuple[Derivative, ...] = (),
    **changes: Any,
) -> Experience:
    """An experience at a site, set off by entering the site's area."""
    made = Experience(
        id=experience_id,
        site_id=site_id,
        kind=kind,
        title=LocalisedText.of({"vi": f"Trải nghiệm {experience_id}", "en": f"Experience {experience_id}"}),
        summary=LocalisedText(
            {"vi": Text("Tóm tắt", TextState.HUMAN), "en": Text("Summary", TextState.MACHINE)}
        ),
        attribution=CREDIT,
        triggers=(Trigger(TriggerKind.ENTER, f"{site_id}-area"),),
        anchor=None,
        media=(MediaItem(MediaRole(kind.value), derivatives, LocalisedText.of({"en": "What it shows"})),)
        if derivatives
        else (),
        illustration=True,
    )
    return replace(made, **changes)


@cache
def seed_catalogue() -> Catalogue:
    """The seed, read once."""
    return load_catalogue()


def sample_catalogue(store: Store | None = None) -> Catalogue:
    """The seed with a model, a panorama and a photo."""
    model = (
        add_derivative(
            store,
            Usage.APP_3D,
            Quality.AR,
            {"model.glb": b"glTF" * 50_000},
            triangles=99_000,
            texture_px_max=2048,
        ),
        add_derivative(
            store,
            Usage.WEB_3D,
            Quality.HIGH,
            {"model.glb": b"GLTF" * 400_000},
            triangles=900_000,
            texture_px_max=4096,
        ),
        add_derivative(
            store,
            Usage.WEB_3D,
            Quality.THUMB,
            {"model.glb": b"gltf" * 10_000},
            triangles=19_000,
            texture_px_max=512,
        ),
        add_derivative(
            store,
            Usage.IMAGE_2D,
            Quality.MEDIUM,
            {"poster.webp": b"webp" * 900, "poster.jpg": b"jpeg" * 1500},
            width_px=960,
            height_px=540,
        ),
    )
    tiles = {f"1/{face}0_0.jpg": face.encode() * 3000 for face in "fbudlr"}
    panorama = (
        add_derivative(
            store,
            Usage.PANORAMA,
            Quality.HIGH,
            {"panorama.jpg": b"4k" * 40_000},
            width_px=4096,
            height_px=2048,
        ),
        add_derivative(
            store,
            Usage.PANORAMA,
            Quality.HIGHEST,
            {"tiles.json": b"{}", **tiles},
            tile_size_px=512,
            tile_count=6,
            levels=1,
        ),
    )
    photo = (
        add_derivative(
            store,
            Usage.IMAGE_2D,
            Quality.LOW,
            {"photo.jpg": b"480" * 900, "photo.webp": b"48" * 900},
            width_px=480,
            height_px=320,
        ),
    )
    seed = seed_catalogue()
    return replace(
        seed,
        experiences=(
            experience(
                "hang-dau-go-model",
                "hang-dau-go",
                ExperienceKind.MODEL,
                model,
                anchor=Anchor(AnchorKind.WGS84, GeoPose(LatLon(20.91, 107.02), 3.5)),
            ),
            experience("dao-ti-top-panorama", "dao-ti-top", ExperienceKind.PANORAMA, panorama),
            experience(
                "hang-sung-sot-photo", "hang-sung-sot", ExperienceKind.PHOTO, photo, illustration=False
            ),
        ),
    )


def put_release(store: Store, catalogue: Catalogue, sequence: int = 1) -> str:
    """Publish a catalogue without the publisher's own checks; returns the release id."""
    release = compile_release(catalogue, print_sdl())
    for file in release.files:
        store.put_new(f"releases/{release.release_id}/{file.path}", file.body, media_type=file.media_type)
    point_to(store, release.release_id, sequence)
    return release.release_id


def point_to(store: Store, release_id: str, sequence: int) -> None:
    """Name a release as current."""
    body = json.dumps({"release_id": release_id, "sequence": sequence}).encode()
    store.put("metadata/current.json", body, media_type="application/json")


def make_store(folder: Path) -> FolderStore:
    """A store with the sample bay published."""
    store = FolderStore(folder)
    put_release(store, sample_catalogue(store))
    return store
