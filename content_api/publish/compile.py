"""Compile a catalogue into a release: pure and deterministic, the same value gives the same bytes.

The formats are described in docs/formats/release.md.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from heritage_sites.catalogue_rules import Catalogue, CatalogueInvalid, find_problems
from heritage_sites.codec import to_json
from heritage_sites.problem import Severity
from heritage_sites.release import Release, ReleaseFile, canonical_json

FORMAT = 1  # of manifest.json and content.json; a reader refuses one it does not know
MANIFEST_FILE = "manifest.json"
CONTENT_FILE = "content.json"
SCHEMA_FILE = "schema.graphql"
JSON = "application/json"


def compile_release(catalogue: Catalogue, schema_sdl: str) -> Release:
    """The release of a catalogue with its experiences; its last file is the manifest, which names the others.

    schema_sdl: the GraphQL schema under which this content is meant to be read.
    Raises CatalogueInvalid with every Problem when the catalogue has errors.
    """
    problems = find_problems(catalogue)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise CatalogueInvalid(problems)
    files = (
        ReleaseFile(CONTENT_FILE, JSON, canonical_json(_content(catalogue))),
        ReleaseFile(SCHEMA_FILE, "application/graphql", schema_sdl.encode()),
    )
    manifest = ReleaseFile(MANIFEST_FILE, JSON, canonical_json(_manifest(files, catalogue)))
    return Release(hashlib.sha256(manifest.body).hexdigest(), (*files, manifest))


def derivative_ids_of(catalogue: Catalogue) -> list[str]:
    """Every derivative that the experiences show, each once, sorted."""
    return sorted(
        {
            derivative.derivative_id
            for experience in catalogue.experiences
            for medium in experience.media
            for derivative in medium.derivatives
        }
    )


def _content(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "sites": _by_id(catalogue.sites),
        "tours": _by_id(catalogue.tours),
        "experiences": _by_id(catalogue.experiences),
        "licences": _by_id(catalogue.licences),
    }


def _by_id(values: Iterable[Any]) -> list[Any]:
    return [to_json(value) for value in sorted(values, key=lambda value: str(value.id))]


def _manifest(files: Iterable[ReleaseFile], catalogue: Catalogue) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "files": [
            {"path": file.path, "media_type": file.media_type, "bytes": len(file.body), "sha256": file.sha256}
            for file in sorted(files, key=lambda file: file.path)
        ],
        "derivatives": derivative_ids_of(catalogue),
    }
