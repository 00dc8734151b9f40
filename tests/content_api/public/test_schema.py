"""What the schema says and what its fields answer."""

from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from content_api.public import sdl
from content_api.public.open_release import OpenRelease
from content_api.public.schema import SCHEMA
from tests.content_api.public.conftest import RunningApp


def ours() -> list[Any]:
    return [kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__")]


def test_everything_in_the_schema_is_described() -> None:
    silent = []
    for kind in ours():
        if not kind.description:
            silent.append(kind.name)
        if isinstance(kind, GraphQLEnumType):
            silent += [f"{kind.name}.{name}" for name, value in kind.values.items() if not value.description]
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType)):
            for name, field in kind.fields.items():
                if not field.description:
                    silent.append(f"{kind.name}.{name}")
                for argument, declared in getattr(field, "args", {}).items():
                    if not declared.description:
                        silent.append(f"{kind.name}.{name}({argument})")
    assert silent == []
    assert len(ours()) > 40


def test_the_committed_schema_is_what_the_code_says(capsys) -> None:
    assert sdl.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_difference_is_printed(tmp_path, monkeypatch, capsys) -> None:
    stale = tmp_path / "schema.graphql"
    stale.write_text(sdl.print_sdl().replace("type Query {", "type Query {\n  old: Int"))
    monkeypatch.setattr(sdl, "SCHEMA_FILE", stale)
    assert sdl.main(["--check"]) == 1
    assert "-  old: Int" in capsys.readouterr().out
    assert sdl.main([]) == 0
    assert sdl.main(["--check"]) == 0
    assert sdl.main(["--wrong"]) == 2


def test_release(sandbox: RunningApp, production: RunningApp, release: OpenRelease) -> None:
    query = "{ release { id sequence sandbox siteCount experienceCount tourCount languages } }"
    wanted = {
        "id": release.release_id,
        "sequence": 1,
        "sandbox": True,
        "siteCount": 57,
        "experienceCount": 3,
        "tourCount": len(release.tours),
        "languages": ["en", "vi"],
    }
    assert sandbox.ask(query) == {"release": wanted}
    assert production.ask(query) == {"release": wanted | {"sandbox": False}}


def test_site(sandbox: RunningApp) -> None:
    site = sandbox.ask(
        """{ site(slug: "hang-sung-sot") { id slug kind name { language text state } names { language text }
             position { basis latDeg lonDeg uncertaintyM } sources status visitNote
             geofences { id type liveUse radiusM centreLatDeg centreLonDeg path halfWidthM
                         minHeightM maxHeightM geometry }
             experiences(first: 5) { totalCount edges { node { slug } } } } }"""
    )["site"]
    assert (site["id"], site["slug"], site["kind"]) == ("Site:hang-sung-sot", "hang-sung-sot", "CAVE")
    assert [name["language"] for name in site["names"]] == ["en", "vi"]
    assert site["name"]["language"] == "en"
    assert site["name"]["text"] == site["names"][0]["text"]
    assert site["position"]["basis"] != "SURVEYED"
    [fence] = site["geofences"]
    assert (fence["id"], fence["type"], fence["liveUse"]) == ("hang-sung-sot-area", "CIRCLE", False)
    assert fence["radiusM"] > site["position"]["uncertaintyM"]
    assert (fence["centreLatDeg"], fence["centreLonDeg"]) == (
        site["position"]["latDeg"],
        site["position"]["lonDeg"],
    )
    assert [fence[name] for name in ("path", "halfWidthM", "minHeightM", "maxHeightM")] == [None] * 4
    assert fence["geometry"]["type"] == "Polygon"
    assert len(fence["geometry"]["coordinates"][0]) == 65
    assert site["experiences"] == {"totalCount": 1, "edges": [{"node": {"slug": "hang-sung-sot-photo"}}]}


def test_the_site_without_a_position(sandbox: RunningApp, release: OpenRelease) -> None:
    [slug] = [site.id for site in release.sites_by_id if site.position.point is None]
    site = sandbox.ask(
        """query($slug: String!) { site(slug: $slug) {
             position { basis latDeg lonDeg uncertaintyM } geofences { id } } }""",
        slug=slug,
    )["site"]
    assert site == {
        "position": {"basis": "NONE", "latDeg": None, "lonDeg": None, "uncertaintyM": None},
        "geofences": [],
    }


def test_sites_come_by_slug_and_kind(sandbox: RunningApp, release: OpenRelease) -> None:
    query = """query($kind: SiteKind) {
      sites(first: 100, kind: $kind) { totalCount edges { node { slug kind } } } }"""
    everything = sandbox.ask(query)["sites"]
    assert [edge["node"]["slug"] for edge in everything["edges"]] == sorted(release.sites)
    caves = sandbox.ask(query, kind="CAVE")["sites"]
    assert caves["totalCount"] == len(caves["edges"]) == 14
    assert {edge["node"]["kind"] for edge in caves["edges"]} == {"CAVE"}


def test_all_pages_of_sites_forwards_and_backwards(sandbox: RunningApp, release: OpenRelease) -> None:
    query = """query($first: Int, $after: String, $last: Int, $before: String) {
      sites(first: $first, after: $after, last: $last, before: $before) {
        edges { node { slug } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    seen: list[str] = []
    after = None
    while True:
        page = sandbox.ask(query, first=10, after=after)["sites"]
        seen += [edge["node"]["slug"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == sorted(release.sites)
    before = None
    seen = []
    while True:
        page = sandbox.ask(query, last=25, before=before)["sites"]
        seen = [edge["node"]["slug"] for edge in page["edges"]] + seen
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert seen == sorted(release.sites)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "Give either first or last, a number from 1 to 100."),
        ("(first: 1, last: 1)", "Give either first or last, a number from 1 to 100."),
        ("(first: 0)", "first: want 1 to 100, got 0."),
        ("(last: 101)", "last: want 1 to 100, got 101."),
        (
            '(first: 1, after: "x")',
            "after: this is not a cursor of this list. Use one from an answer to the same field.",
        ),
    ],
)
@pytest.mark.parametrize("field", ["sites", "experiences", "tours"])
def test_pages_are_bounded(sandbox: RunningApp, field: str, arguments: str, message: str) -> None:
    assert sandbox.refusal(f"{{ {field}{arguments} {{ totalCount }} }}") == ("BAD_USER_INPUT", message)


def test_a_cursor_of_another_list_is_refused(sandbox: RunningApp) -> None:
    cursor = sandbox.ask("{ sites(first: 1) { edges { cursor } } }")["sites"]["edges"][0]["cursor"]
    query = "query($after: String) { tours(first: 1, after: $after) { totalCount } }"
    assert sandbox.refusal(query, after=cursor)[0] == "BAD_USER_INPUT"


def test_experience(sandbox: RunningApp) -> None:
    found = sandbox.ask(
        """{ experience(slug: "hang-dau-go-model") { id slug kind illustration
             title(languages: ["vi"]) { language text state } titles { language }
             summary { language state } site { slug }
             illustrationNotice(languages: ["vi-VN"]) { language text state }
             attribution { credit sourceUrl licence { id title url } }
             triggers { kind dwellS geofence { id } }
             anchor { kind latDeg lonDeg heightM quaternion } } }"""
    )["experience"]
    assert found["title"] == {
        "language": "vi",
        "text": "Trải nghiệm hang-dau-go-model",
        "state": "HUMAN",
    }
    assert found["summary"] == {"language": "en", "state": "MACHINE"}
    assert found["illustrationNotice"]["language"] == "vi"
    assert found["illustrationNotice"]["state"] == "MACHINE"
    assert found["attribution"] == {
        "credit": "halong-xr demo",
        "sourceUrl": "https://example.org/works",
        "licence": {
            "id": "CC-BY-4.0",
            "title": "Creative Commons Attribution 4.0",
            "url": "https://creativecommons.org/licenses/by/4.0/",
        },
    }
    assert found["triggers"] == [{"kind": "ENTER", "dwellS": None, "geofence": {"id": "hang-dau-go-area"}}]
    assert found["anchor"] == {
        "kind": "WGS84",
        "latDeg": 20.91,
        "lonDeg": 107.02,
        "heightM": 3.5,
        "quaternion": [0, 0, 0, 1],
    }


def test_what_is_no_illustration_has_no_notice(sandbox: RunningApp) -> None:
    query = """{ experience(slug: "hang-sung-sot-photo") {
      illustration illustrationNotice { text } anchor { kind } } }"""
    assert sandbox.ask(query) == {
        "experience": {"illustration": False, "illustrationNotice": None, "anchor": None}
    }


@pytest.mark.parametrize(
    ("languages", "wanted"),
    [
        (None, "en"),
        ([], "en"),
        (["vi"], "vi"),
        (["vi-VN"], "vi"),
        (["ko", "vi"], "vi"),
        (["ko", "zh-Hant-TW"], "en"),
        (["EN"], "en"),
        (["not a tag"], "en"),
    ],
)
def test_languages_fall_back(sandbox: RunningApp, languages: list[str] | None, wanted: str) -> None:
    query = """query($languages: [String!]) {
      site(slug: "hang-luon") { name(languages: $languages) { language } } }"""
    assert sandbox.ask(query, languages=languages) == {"site": {"name": {"language": wanted}}}


@pytest.mark.parametrize("languages", [["vi"] * 11, [""], ["x" * 36]])
def test_too_many_or_too_long_languages_are_refused(sandbox: RunningApp, languages: list[str]) -> None:
    query = (
        'query($languages: [String!]) { site(slug: "hang-luon") { name(languages: $languages) { text } } }'
    )
    code, message = sandbox.refusal(query, languages=languages)
    assert (code, message[:10]) == ("BAD_USER_INPUT", "languages:")


def test_experiences_of_a_site_and_kind(sandbox: RunningApp) -> None:
    query = """query($site: String, $kind: ExperienceKind) {
      experiences(first: 9, site: $site, kind: $kind) { edges { node { slug } } } }"""

    def slugs(**variables: str) -> list[str]:
        return [edge["node"]["slug"] for edge in sandbox.ask(query, **variables)["experiences"]["edges"]]

    assert slugs() == ["dao-ti-top-panorama", "hang-dau-go-model", "hang-sung-sot-photo"]
    assert slugs(site="dao-ti-top") == ["dao-ti-top-panorama"]
    assert slugs(kind="PHOTO") == ["hang-sung-sot-photo"]
    assert slugs(site="dao-ti-top", kind="PHOTO") == []
    assert slugs(site="atlantis") == []


def test_media_and_derivatives(sandbox: RunningApp, release: OpenRelease) -> None:
    query = """query($device: DeviceProfile) { experience(slug: "hang-dau-go-model") { media { role
      alt { text } derivatives(for: $device) {
        derivativeId usage quality mediaType bytes fileCount recipe measures why baseUrl
        fileListUrl entry { path url mediaType bytes sha256 } files { path url } } } } }"""
    [media] = sandbox.ask(query)["experience"]["media"]
    assert (media["role"], media["alt"]["text"]) == ("MODEL", "What it shows")
    assert [(each["usage"], each["quality"], each["why"]) for each in media["derivatives"]] == [
        ("Web3D", "Thumb", None),
        ("Web3D", "High", None),
        ("App3D", "AR", None),
        ("Image2D", "Medium", None),
    ]
    [item] = release.experiences["hang-dau-go-model"].media
    poster = next(each for each in item.derivatives if each.usage == "Image2D")
    base = f"/derivatives/{poster.derivative_id}/"
    assert media["derivatives"][3] == {
        "derivativeId": poster.derivative_id,
        "usage": "Image2D",
        "quality": "Medium",
        "mediaType": "image/webp",
        "bytes": 9600,
        "fileCount": 2,
        "recipe": "sample@1",
        "measures": {"width_px": 960, "height_px": 540},
        "why": None,
        "baseUrl": base,
        "fileListUrl": f"{base}files.json",
        "entry": {
            "path": "poster.webp",
            "url": f"{base}poster.webp",
            "mediaType": "image/webp",
            "bytes": 3600,
            "sha256": next(file.sha256 for file in poster.files if file.path == "poster.webp"),
        },
        "files": [
            {"path": "poster.jpg", "url": f"{base}poster.jpg"},
            {"path": "poster.webp", "url": f"{base}poster.webp"},
        ],
    }
    device = {"deviceClass": "PHONE", "maxTriangles": 50_000, "imageFormats": ["webp"]}
    [media] = sandbox.ask(query, device=device)["experience"]["media"]
    assert [each["quality"] for each in media["derivatives"]] == ["Thumb", "Medium"]
    assert media["derivatives"][0]["why"].startswith("Smallest model for a phone: 40,000 bytes")


def test_a_bad_device_is_refused(sandbox: RunningApp) -> None:
    query = """query($device: DeviceProfile) {
      experience(slug: "hang-dau-go-model") { media { derivatives(for: $device) { usage } } } }"""
    device = {"deviceClass": "PHONE", "maxTriangles": 0}
    assert sandbox.refusal(query, device=device) == (
        "BAD_USER_INPUT",
        "for: max_triangles: want 1 or more, got 0.",
    )


def test_files_are_capped(sandbox: RunningApp) -> None:
    query = """query($first: Int) { experience(slug: "dao-ti-top-panorama") {
      media { derivatives { files(first: $first) { path } } } } }"""
    [media] = sandbox.ask(query, first=2)["experience"]["media"]
    assert [len(each["files"]) for each in media["derivatives"]] == [1, 2]
    for first in (0, 1001, None):
        code, message = sandbox.post(query, {"first": first}).json()["errors"][0]["extensions"]["code"], ""
        assert (code, message) == ("BAD_USER_INPUT", "")


def test_tours(sandbox: RunningApp, release: OpenRelease) -> None:
    found = sandbox.ask(
        """{ tours(first: 100) { totalCount edges { node { id slug mode durationHours sources notes
             name { text } names { language } description { text }
             stops { position site { slug } note { text } } } } } }"""
    )["tours"]
    assert found["totalCount"] == len(release.tours) > 0
    for edge, tour in zip(found["edges"], release.tours_by_id, strict=True):
        node = edge["node"]
        assert (node["id"], node["slug"]) == (f"Tour:{tour.id}", tour.id)
        assert node["mode"] == tour.mode.value.upper()
        assert [stop["site"]["slug"] for stop in node["stops"]] == [stop.site_id for stop in tour.stops]
        assert [stop["position"] for stop in node["stops"]] == list(range(1, len(tour.stops) + 1))
    slug = found["edges"][0]["node"]["slug"]
    assert sandbox.ask("query($s: String!) { tour(slug: $s) { slug } }", s=slug) == {"tour": {"slug": slug}}


@pytest.mark.parametrize(
    ("node_id", "kind"),
    [
        ("Site:hang-sung-sot", "Site"),
        ("Experience:hang-dau-go-model", "Experience"),
        ("Site:atlantis", None),
        ("Experience:hang-sung-sot", None),
        ("Licence:CC-BY-4.0", None),
        ("", None),
    ],
)
def test_node(sandbox: RunningApp, node_id: str, kind: str | None) -> None:
    query = (
        "query($id: ID!) { node(id: $id) { id __typename ... on Site { slug } ... on Experience { slug } } }"
    )
    slug = node_id.partition(":")[2]
    wanted = None if kind is None else {"id": node_id, "__typename": kind, "slug": slug}
    assert sandbox.ask(query, id=node_id) == {"node": wanted}


def test_a_tour_is_a_node(sandbox: RunningApp, release: OpenRelease) -> None:
    node_id = f"Tour:{release.tours_by_id[0].id}"
    assert sandbox.ask("query($id: ID!) { node(id: $id) { __typename } }", id=node_id) == {
        "node": {"__typename": "Tour"}
    }


@pytest.mark.parametrize("field", ["site", "experience", "tour"])
def test_what_is_not_there_is_null(sandbox: RunningApp, field: str) -> None:
    assert sandbox.ask(f'{{ {field}(slug: "atlantis") {{ slug }} }}') == {field: None}
