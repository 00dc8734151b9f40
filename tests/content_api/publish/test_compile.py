"""Compiling: the same value gives the same bytes, and those are the ones in the golden file."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from content_api.publish.compile import FORMAT, compile_release, derivative_ids_of
from content_api.store.keys import (
    FOREVER,
    MASTERS,
    MAX_KEY_BYTES,
    MAX_KEY_PART_BYTES,
    PRIVATE,
    PUBLIC_PREFIXES,
)
from heritage_sites import Catalogue, CatalogueInvalid, load_catalogue
from tests.content_api.publish.content import SDL, make_catalogue, make_derivative, make_experience

GOLDEN = Path(__file__).parent / "golden"


def test_golden_release() -> None:
    release = compile_release(make_catalogue(b"one", b"two"), SDL)
    assert [file.path for file in release.files] == ["content.json", "schema.graphql", "manifest.json"]
    for file in release.files:
        assert file.body == (GOLDEN / file.path).read_bytes(), f"{file.path} is not the golden file"
    assert release.release_id == hashlib.sha256((GOLDEN / "manifest.json").read_bytes()).hexdigest()


def test_the_manifest_names_every_file_and_derivative() -> None:
    release = compile_release(make_catalogue(b"one", b"two"), SDL)
    content, schema, manifest = release.files
    assert json.loads(manifest.body) == {
        "format": 1,
        "files": [
            {
                "path": "content.json",
                "media_type": "application/json",
                "bytes": len(content.body),
                "sha256": content.sha256,
            },
            {
                "path": "schema.graphql",
                "media_type": "application/graphql",
                "bytes": len(SDL),
                "sha256": schema.sha256,
            },
        ],
        "derivatives": sorted(make_derivative(words).derivative_id for words in (b"one", b"two")),
    }


def test_order_of_the_parts_does_not_matter() -> None:
    catalogue = make_catalogue(b"one", b"two")
    other = replace(
        catalogue,
        experiences=catalogue.experiences[::-1],
        licences=catalogue.licences[::-1],
    )
    assert compile_release(other, SDL) == compile_release(catalogue, SDL)


def test_any_change_is_another_release() -> None:
    catalogue = make_catalogue(b"one")
    ids = {
        compile_release(value, sdl).release_id
        for value, sdl in [
            (catalogue, SDL),
            (catalogue, SDL + "\n"),
            (make_catalogue(b"two"), SDL),
            (replace(catalogue, experiences=()), SDL),
        ]
    }
    assert len(ids) == 4


def test_another_process_compiles_the_same_bytes() -> None:
    program = (
        "from content_api.publish.compile import compile_release;"
        "from heritage_sites import load_catalogue;"
        "print(compile_release(load_catalogue(), '').release_id)"
    )
    run = [sys.executable, "-c", program]
    ids = {
        subprocess.run(run, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert ids == {compile_release(load_catalogue(), "").release_id + "\n"}


def test_a_derivative_used_twice_is_named_once() -> None:
    catalogue = Catalogue((), (), experiences=(make_experience(name="a"), make_experience(name="b")))
    assert derivative_ids_of(catalogue) == [make_derivative().derivative_id]


def test_a_faulty_catalogue_is_refused_with_every_problem() -> None:
    catalogue = replace(make_catalogue(b"one"), sites=())
    with pytest.raises(CatalogueInvalid) as refusal:
        compile_release(catalogue, SDL)
    assert [problem.message for problem in refusal.value.problems] == ["There is no site 'hang-thu'."]


def test_the_format_page_shows_the_files_as_they_are() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "release.md").read_text(encoding="utf-8")
    manifest, content = (json.loads(block.partition("```")[0]) for block in page.split("```json\n")[1:])
    golden_manifest = json.loads((GOLDEN / "manifest.json").read_bytes())
    assert list(manifest) == list(golden_manifest)
    assert list(manifest["files"][0]) == list(golden_manifest["files"][0])
    assert manifest["format"] == golden_manifest["format"] == FORMAT
    assert list(content) == list(json.loads((GOLDEN / "content.json").read_bytes()))
    for prefix in (*PUBLIC_PREFIXES, MASTERS, PRIVATE):
        assert f"`{prefix}" in page
    for value in (str(MAX_KEY_BYTES), str(MAX_KEY_PART_BYTES), FOREVER):
        assert value in page
