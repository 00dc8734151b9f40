"""Asking by place: by cell, as a phone does, and by position, as a map does."""

from dataclasses import replace

import pytest

from content_api.public.open_release import MAX_RADIUS_M, OpenRelease, open_catalogue
from heritage_sites import (
    NO_POSITION,
    BoundingBox,
    Catalogue,
    CircleGeofence,
    ExperienceKind,
    LatLon,
    LocalisedText,
    Position,
    PositionBasis,
    Site,
    SiteKind,
    Trigger,
    TriggerKind,
    box_of,
    cell_of,
    distance_m,
    neighbours_of,
)
from tests.content_api.public.conftest import RunningApp
from tests.content_api.public.samples import experience

IN_CELL = """query($geohash: String!, $first: Int = 100, $after: String) {
  experiencesInCell(geohash: $geohash, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { slug } } } }"""
NEAR = """query($lat: Float!, $lon: Float!, $radius: Float!, $first: Int = 100, $after: String) {
  experiencesNear(position: {latDeg: $lat, lonDeg: $lon}, radiusM: $radius, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor distanceM node { slug } } } }"""
WORDS = LocalisedText.of({"en": "Somewhere"})


def slugs_in(app: RunningApp, cell: str) -> list[str]:
    return [edge["node"]["slug"] for edge in app.ask(IN_CELL, geohash=cell)["experiencesInCell"]["edges"]]


def centre_of(release: OpenRelease, slug: str) -> LatLon:
    found = release.experiences[slug]
    return release.geofence(found.site_id, found.triggers[0].geofence_id).centre


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_a_cell_of_any_length_up_to_five_finds_what_it_touches(
    sandbox: RunningApp, release: OpenRelease, length: int
) -> None:
    for slug in release.experiences:
        cell = cell_of(centre_of(release, slug), length)
        found = slugs_in(sandbox, cell)
        assert slug in found
        assert found == sorted(found)
    if length <= 3:
        assert found == sorted(release.experiences)


def test_a_cell_far_away_finds_nothing(sandbox: RunningApp) -> None:
    assert slugs_in(sandbox, "u4pru") == []


def test_a_fence_is_found_from_every_cell_that_it_reaches(sandbox: RunningApp, release: OpenRelease) -> None:
    fence = release.geofence("hang-dau-go", "hang-dau-go-area").geofence
    home = cell_of(fence.centre)
    for cell in (home, *neighbours_of(home)):
        assert ("hang-dau-go-model" in slugs_in(sandbox, cell)) == box_of(cell).intersects(fence.bounds)


@pytest.mark.parametrize("cell", ["w7sng1", "w7sngxxxxxxx"])
def test_a_finer_cell_is_refused_and_says_what_to_do(sandbox: RunningApp, cell: str) -> None:
    code, message = sandbox.refusal(IN_CELL, geohash=cell)
    assert code == "BAD_USER_INPUT"
    assert message.startswith("geohash: want at most 5 characters (about 5 km)")
    assert "rank the answers on the device" in message


@pytest.mark.parametrize("cell", ["", "a", "W7", "w7 g", "w7gé"])
def test_what_is_no_geohash_is_refused(sandbox: RunningApp, cell: str) -> None:
    assert sandbox.refusal(IN_CELL, geohash=cell) == (
        "BAD_USER_INPUT",
        "geohash: want 1 to 5 characters of 0123456789bcdefghjkmnpqrstuvwxyz (no a, i, l or o).",
    )


def test_pages_of_a_cell(sandbox: RunningApp) -> None:
    first = sandbox.ask(IN_CELL, geohash="w7", first=2)["experiencesInCell"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    rest = sandbox.ask(IN_CELL, geohash="w7", first=2, after=first["pageInfo"]["endCursor"])[
        "experiencesInCell"
    ]
    assert [edge["node"]["slug"] for edge in rest["edges"]] == ["hang-sung-sot-photo"]


def test_near_is_sorted_by_exact_distance(sandbox: RunningApp, release: OpenRelease) -> None:
    here = LatLon(20.85, 107.08)
    found = sandbox.ask(NEAR, lat=here.lat_deg, lon=here.lon_deg, radius=MAX_RADIUS_M)["experiencesNear"]
    exact = {slug: distance_m(here, centre_of(release, slug)) for slug in release.experiences}
    assert [edge["node"]["slug"] for edge in found["edges"]] == sorted(exact, key=lambda slug: exact[slug])
    assert [edge["distanceM"] for edge in found["edges"]] == sorted(
        round(metres) for metres in exact.values()
    )
    nearest, second = sorted(exact.values())[:2]
    within = sandbox.ask(NEAR, lat=here.lat_deg, lon=here.lon_deg, radius=(nearest + second) / 2)
    assert within["experiencesNear"]["totalCount"] == 1


def test_pages_of_near(sandbox: RunningApp) -> None:
    where = {"lat": 20.85, "lon": 107.08, "radius": 50_000}
    whole = sandbox.ask(NEAR, **where)["experiencesNear"]["edges"]
    seen, after = [], None
    for _ in whole:
        page = sandbox.ask(NEAR, **where, first=1, after=after)["experiencesNear"]
        seen += page["edges"]
        after = page["pageInfo"]["endCursor"]
    assert seen == whole
    assert page["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"radius": 0.5}, "radiusM"),
        ({"radius": MAX_RADIUS_M + 1}, "radiusM"),
        ({"radius": -1}, "radiusM"),
        ({"lat": 90.1}, "position"),
        ({"lon": -180.5}, "position"),
    ],
)
def test_a_bad_position_or_radius_is_refused(sandbox: RunningApp, changes: dict, field: str) -> None:
    code, message = sandbox.refusal(NEAR, **({"lat": 20.85, "lon": 107.08, "radius": 1000} | changes))
    assert (code, message.partition(":")[0]) == ("BAD_USER_INPUT", field)
    assert "20.85" not in message


@pytest.mark.parametrize("radius", [1, MAX_RADIUS_M])
def test_the_radius_limits_themselves_are_taken(sandbox: RunningApp, radius: float) -> None:
    assert "experiencesNear" in sandbox.ask(NEAR, lat=0, lon=0, radius=radius)


# -- what stands where -----------------------------------------------------------------------------------


def site(site_id: str, *, point: LatLon | None = None, fences: tuple[CircleGeofence, ...] = ()) -> Site:
    position = Position(PositionBasis.SURVEYED, point, 10.0) if point else NO_POSITION
    return Site(site_id, SiteKind.ISLET, WORDS, WORDS, position, fences, "", "", "", ("me",))


def test_without_triggers_the_sites_position_counts_and_without_either_it_is_nowhere() -> None:
    home, away = LatLon(20.9, 107.0), LatLon(20.9, 107.5)
    fences = (CircleGeofence("fenced-a", away, 100.0), CircleGeofence("fenced-b", home, 5000.0))
    sites = (site("fenced", point=home, fences=fences), site("plain", point=home), site("lost"))
    by_fence = experience("by-fence", "fenced", ExperienceKind.STORY)
    by_fence = replace(
        by_fence,
        triggers=(Trigger(TriggerKind.ENTER, "fenced-a"), Trigger(TriggerKind.EXIT, "fenced-b")),
    )
    experiences = (
        by_fence,
        replace(experience("by-point", "plain", ExperienceKind.STORY), triggers=()),
        replace(experience("nowhere", "lost", ExperienceKind.STORY), triggers=()),
    )
    catalogue = Catalogue(sites, (), experiences=experiences)
    release = open_catalogue(catalogue, release_id="ab" * 32, sequence=1)

    def found_in(box: BoundingBox) -> list[str]:
        return [each.id for each in release.experiences_in(box)]

    assert found_in(BoundingBox(20.89, 106.99, 20.91, 107.01)) == ["by-fence", "by-point"]
    assert found_in(BoundingBox(20.89, 107.02, 20.91, 107.03)) == ["by-fence"]  # 2 km east: in fence b only
    assert found_in(BoundingBox(20.89, 107.49, 20.91, 107.51)) == ["by-fence"]  # fence a
    assert found_in(BoundingBox(20.89, 107.2, 20.91, 107.3)) == []  # between the two
    near = release.experiences_near(LatLon(20.9, 107.0), 50_000.0)
    assert [(each.experience.id, each.distance_m) for each in near] == [("by-fence", 0), ("by-point", 0)]
    assert [each.experience.id for each in release.experiences_near(away, 1.0)] == ["by-fence"]
