"""Both clients over a real connection, held to the same answers."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from halong_xr import AsyncClient, Client, LatLon, Nearby, QueryRefused, Unreachable

from tests.sdk import fake_service as fake
from tests.sdk.conftest import QUICK, quick_async_client, quick_client
from tests.sdk.fake_service import FakeService

HERE = LatLon(20.846389, 107.088611)
Ask = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, service: FakeService) -> Ask:
    """ask("method", arguments...) of either client."""

    def sync(method: str, *arguments: Any, **options: Any) -> Any:
        with quick_client(service.url, **options) as client:
            return getattr(client, method)(*arguments)

    async def awaited(method: str, *arguments: Any, **options: Any) -> Any:
        async with quick_async_client(service.url, **options) as client:
            return await getattr(client, method)(*arguments)

    if request.param == "sync":
        return sync
    return lambda *arguments, **options: asyncio.run(awaited(*arguments, **options))


def fill(service: FakeService) -> None:
    service.experiences = [
        fake.experience("far", 20.80, 107.06),
        fake.experience("near", 20.847, 107.089),
        fake.experience("middle", 20.86, 107.10),
        fake.experience("elsewhere", 10.0, 106.0),
    ]
    service.sites = [fake.site(f"site-{n:02}", 20.9, 107.0) for n in range(57)]
    service.tours = [fake.tour("route-2", *service.sites[:3])]


def test_the_release(ask: Ask, service: FakeService) -> None:
    fill(service)
    release = ask("release")
    assert (release.sequence, release.sandbox, release.site_count) == (7, True, 57)
    assert release.languages == ("vi", "en")


def test_all_sites_come_page_by_page(ask: Ask, service: FakeService) -> None:
    fill(service)
    service.page_size = 20
    sites = ask("sites")
    assert [site.slug for site in sites] == [f"site-{n:02}" for n in range(57)]
    assert service.paths_seen() == ["/graphql"] * 3


def test_one_site_or_none(ask: Ask, service: FakeService) -> None:
    fill(service)
    found = ask("site", "site-03")
    assert (str(found.name), found.kind, found.position.basis) == ("Hang site-03", "cave", "sourced_nearby")
    assert ask("site", "no-such-site") is None


def test_languages_are_asked_in_order(ask: Ask, service: FakeService) -> None:
    fill(service)
    assert str(ask("site", "site-03", languages=("en", "vi")).name) == "site-03 cave"


def test_tours_with_their_stops(ask: Ask, service: FakeService) -> None:
    fill(service)
    (tour,) = ask("tours")
    assert (tour.slug, tour.mode, tour.duration_hours) == ("route-2", "boat", 6.5)
    assert [(stop.position, stop.site.slug) for stop in tour.stops] == [
        (1, "site-00"),
        (2, "site-01"),
        (3, "site-02"),
    ]


def test_experiences_around_come_nearest_first(ask: Ask, service: FakeService) -> None:
    fill(service)
    near: tuple[Nearby, ...] = ask("experiences_around", HERE)
    assert [(n.experience.slug, round(n.distance_m or -1)) for n in near] == [
        ("near", 79),
        ("middle", 1921),
        ("far", 5954),
    ]
    assert len(service.cells_seen()) == 9


def test_one_experience_or_none(ask: Ask, service: FakeService) -> None:
    fill(service)
    found = ask("experience", "near")
    assert str(found.title) == "Tháp near"
    assert str(found.illustration_notice) == "Minh hoạ."
    assert [(t.kind, t.fence.fence_id) for t in found.triggers] == [("enter", "near-area")]
    assert ask("experience", "no-such") is None


def test_a_short_outage_goes_unnoticed(ask: Ask, service: FakeService) -> None:
    service.answers = [(503, {}, b""), (429, {"retry-after": "0"}, b""), (502, {}, b"<html>")]
    assert ask("release").sequence == 7
    assert len(service.seen) == 4


def test_a_refusal_says_why(ask: Ask, service: FakeService) -> None:
    service.answers = [(400, {}, b'{"errors": [{"message": "No.", "extensions": {"code": "X"}}]}')]
    with pytest.raises(QueryRefused, match=r"refused the question: No\.") as refusal:
        ask("release")
    assert refusal.value.codes == ("X",)


def test_no_service_is_said_in_words(ask: Ask, service: FakeService) -> None:
    with quick_client("http://127.0.0.1:9") as client, pytest.raises(Unreachable, match="cannot be reached"):
        client.release()


def test_a_silent_service_is_given_up(service: FakeService) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            quick_client(address, timeout_s=0.05) as client,
            pytest.raises(Unreachable, match="did not answer in time"),
        ):
            client.release()


def test_figures_are_counted(service: FakeService) -> None:
    fill(service)
    with quick_client(service.url) as client:
        client.experiences_around(HERE)
        client.experiences_around(LatLon(20.85, 107.06))
        assert client.requests_sent == len(service.seen) == 9
        assert list(client.asked_cells) == service.cells_seen()
        assert client.bytes_received > 1000


def test_many_questions_at_once_on_one_async_client(service: FakeService) -> None:
    fill(service)

    async def ask_all() -> list[Any]:
        async with quick_async_client(service.url) as client:
            return await asyncio.gather(*(client.site(f"site-{n:02}") for n in range(20)))

    assert [site.slug for site in asyncio.run(ask_all())] == [f"site-{n:02}" for n in range(20)]


def test_both_clients_offer_the_same() -> None:
    def surface(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert surface(Client) == surface(AsyncClient)
    methods = ["asked_cells", *surface(Client)]
    assert sorted(methods) == sorted(
        [
            "asked_cells",
            "close",
            "download",
            "experience",
            "experiences_around",
            "experiences_in_cell",
            "release",
            "site",
            "sites",
            "tours",
        ]
    )


def test_languages_given_as_one_text_are_misuse() -> None:
    with pytest.raises(TypeError, match="a sequence of language tags"):
        Client("http://127.0.0.1:9", languages="vi", retry=QUICK)


def test_importing_the_package_imports_no_http() -> None:
    code = "import halong_xr, sys; print(sorted({'httpx', 'httpcore', 'anyio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
