"""The seed catalogue is whole, says where everything comes from, and fires nothing outside a sandbox."""

import json
from collections import Counter

import pytest

from heritage_sites import (
    NO_POSITION,
    SEED_FOLDER,
    Catalogue,
    PositionBasis,
    TextState,
    TourMode,
    check_catalogue,
    distance_m,
    fires,
    load_catalogue,
    to_json,
)
from heritage_sites.catalogue_files import MAX_FILE_BYTES


@pytest.fixture(scope="module")
def seed() -> Catalogue:
    return load_catalogue()


def test_the_seed_has_no_problems():
    assert check_catalogue() == []


def test_the_seed_holds_every_site(seed):
    assert len(seed.sites) == 57
    assert [site.id for site in seed.sites] == sorted(site.id for site in seed.sites)
    assert Counter(site.position.basis.value for site in seed.sites) == {
        "unsourced": 28,
        "derived": 14,
        "sourced": 10,
        "sourced-nearby": 4,
        "none": 1,
    }


def test_no_geofence_of_the_seed_fires_outside_a_sandbox_and_all_do_inside_one(seed):
    geofences = [geofence for site in seed.sites for geofence in site.geofences]
    assert len(geofences) == 56
    assert [geofence.id for geofence in geofences if fires(geofence, sandbox=False)] == []
    assert [geofence.id for geofence in geofences if not fires(geofence, sandbox=True)] == []


def test_no_position_of_the_seed_is_surveyed_and_the_site_without_one_has_no_geofence(seed):
    assert [site.id for site in seed.sites if site.position.basis is PositionBasis.SURVEYED] == []
    assert [(site.id, site.geofences) for site in seed.sites if site.position == NO_POSITION] == [
        ("hang-thien-canh-son", ())
    ]


def test_every_geofence_of_the_seed_is_wider_than_the_position_is_uncertain(seed):
    for site in seed.sites:
        for geofence in site.geofences:
            assert geofence.id == f"{site.id}-area"
            assert geofence.centre == site.position.point
            assert geofence.radius_m % 50 == 0
            assert (
                site.position.uncertainty_m + 50
                <= geofence.radius_m
                <= 1.2 * site.position.uncertainty_m + 50
            )


def test_the_seed_agrees_with_the_data_it_was_made_from(seed, shared):
    given = json.loads((shared / "data" / "sites.json").read_text(encoding="utf-8"))
    assert {site.id for site in seed.sites} == {item["id"] for item in given}
    for item in given:
        site = seed.site(item["id"])
        point = site.position.point
        assert {tag: (text.text, text.state) for tag, text in site.name.texts.items()} == {
            "en": (item["name_en"], TextState.HUMAN),
            "vi": (item["name_vi"], TextState.HUMAN),
        }
        assert {tag: (text.text, text.state) for tag, text in site.description.texts.items()} == {
            "en": (item["description_en"], TextState.HUMAN),
            "vi": (item["description_vi"], TextState.HUMAN),
        }
        assert (site.kind, site.position.basis) == (item["kind"], item["coord_basis"])
        assert (point and point.lat_deg, point and point.lon_deg) == (item["lat"], item["lon"])
        assert site.position.uncertainty_m == item["uncertainty_m"]
        assert (site.status, site.visit_note, site.notes) == (item["status"], item["visit"], item["notes"])
        assert site.sources == tuple(item["sources"])


def test_tours_of_the_seed(seed):
    assert {tour.id: [stop.site_id for stop in tour.stops] for tour in seed.tours} == {
        "cua-van-route": ["cua-van", "hang-tien-ong", "ho-ba-ham"],
        "vhl1": ["dong-thien-cung", "hang-dau-go"],
        "vhl2": [
            "cang-tuan-chau", "dao-soi-sim", "dao-ti-top", "hang-sung-sot", "hang-bo-nau", "hang-luon",
            "ho-dong-tien", "hang-trinh-nu", "dong-me-cung",
        ],
        "vhl8": ["cang-tuan-chau", "cang-ha-long"],
    }  # fmt: skip
    assert {tour.mode for tour in seed.tours} == {TourMode.BOAT}
    assert {tour.id: tour.duration_hours for tour in seed.tours if tour.duration_hours} == {"vhl2": 6.0}
    assert "'Trong'" in next(tour.notes for tour in seed.tours if tour.id == "vhl2")
    assert "Nam Cau Trang" in next(tour.notes for tour in seed.tours if tour.id == "vhl8")
    states = {
        text.state
        for tour in seed.tours
        for text in (*tour.name.texts.values(), *tour.description.texts.values())
    }
    assert states == {TextState.MACHINE}  # nobody at the board has read them yet


def test_tour_sources_are_the_pages_the_routes_were_read_on(seed, shared):
    facts = json.loads((shared / "data" / "facts.json").read_text(encoding="utf-8"))
    pages = {item["source"] for item in facts["routes_and_fees"]}
    assert {source for tour in seed.tours for source in tour.sources} <= pages


def test_every_file_is_written_as_the_codec_writes_it(seed):
    files = sorted(SEED_FOLDER.rglob("*"))
    written = {f"sites/{site.id}.json": site for site in seed.sites} | {
        f"tours/{tour.id}.json": tour for tour in seed.tours
    }
    assert [file.relative_to(SEED_FOLDER).as_posix() for file in files if file.is_file()] == sorted(written)
    for name, value in written.items():
        pretty = json.dumps(to_json(value), indent=2, ensure_ascii=False) + "\n"
        assert (SEED_FOLDER / name).read_text(encoding="utf-8") == pretty, name
        assert len(pretty) < MAX_FILE_BYTES / 100


def test_neighbouring_sites_of_the_demo_are_where_the_map_has_them(seed):
    ti_top, sung_sot = seed.site("dao-ti-top").position.point, seed.site("hang-sung-sot").position.point
    assert 500 < distance_m(ti_top, sung_sot) < 5_000


def test_an_unknown_site_is_a_key_error(seed):
    with pytest.raises(KeyError, match="atlantis"):
        seed.site("atlantis")
