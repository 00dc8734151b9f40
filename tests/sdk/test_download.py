"""Downloads against a real server on a loopback port that misbehaves in every way we know of."""

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from halong_xr import (
    AnswerUnexpected,
    BytesRefused,
    Derivative,
    DiskFailed,
    Downloaded,
    Progress,
    ServiceFailed,
    Unreachable,
)
from halong_xr.models import read_experience
from halong_xr.reading import Fields

from tests.sdk import fake_service as fake
from tests.sdk.conftest import QUICK, quick_async_client, quick_client
from tests.sdk.fake_service import FakeService, sha256

BODY = random.Random(7).randbytes(300_000)  # five chunks of a client's reading
FILES = {"model.glb": BODY, "tiles/1/f0_0.jpg": b"tile", "empty.txt": b""}


def derivative_of(row: dict) -> Derivative:
    """The model a client would read this from."""
    from halong_xr.models import _read_derivative

    return _read_derivative(Fields(row, "derivative"))


@pytest.fixture
def derivative(service: FakeService) -> Derivative:
    return derivative_of(service.add_derivative(FILES))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def model_path(derivative: Derivative) -> str:
    return f"{derivative.base_url}model.glb"


def complete(derivative: Derivative, service: FakeService) -> dict[str, bytes]:
    files = FILES | {"files.json": service.files[derivative.file_list_url]}
    return {f"{derivative.derivative_id}/{path}": body for path, body in files.items()}


Download = Callable[..., Downloaded]


@pytest.fixture(params=["sync", "async"])
def fetch(request: pytest.FixtureRequest, service: FakeService) -> Download:
    """download() of either client."""

    def with_client(*args, **options) -> Downloaded:
        with quick_client(service.url) as client:
            return client.download(*args, **options)

    async def with_async_client(*args, **options) -> Downloaded:
        async with quick_async_client(service.url) as client:
            return await client.download(*args, **options)

    if request.param == "sync":
        return with_client
    return lambda *args, **options: asyncio.run(with_async_client(*args, **options))


def test_a_derivative_arrives_whole_and_is_told_as_it_comes(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    told: list[Progress] = []
    got = fetch(derivative, tmp_path, progress=told.append)
    assert tree(tmp_path) == complete(derivative, service)
    assert (got.verified_bytes, got.fetched_bytes) == (300_004, 300_004)
    assert got.entry == tmp_path / derivative.derivative_id / "empty.txt"
    assert [file.path for file in got.files] == ["empty.txt", "model.glb", "tiles/1/f0_0.jpg"]
    done = [progress.done_bytes for progress in told]
    assert done == sorted(done)
    assert (done[-1], {progress.total_bytes for progress in told}) == (300_004, {300_004})


def test_what_is_there_and_right_is_not_fetched_again(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    fetch(derivative, tmp_path)
    service.seen.clear()
    again = fetch(derivative, tmp_path)
    assert (service.seen, again.verified_bytes, again.fetched_bytes) == ([], 300_004, 0)


def test_a_file_spoilt_on_the_device_is_fetched_again(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    got = fetch(derivative, tmp_path)
    (got.folder / "model.glb").write_bytes(BODY[:-1] + b"?")
    service.seen.clear()
    fetch(derivative, tmp_path)
    assert service.paths_seen() == [model_path(derivative)]
    assert tree(tmp_path) == complete(derivative, service)


@pytest.mark.parametrize("count", [0, 1, 65_535, 65_536, 65_537, 200_000, 299_999])
def test_a_cut_connection_is_resumed_where_it_broke(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path, count: int
) -> None:
    service.faults[model_path(derivative)] = [fake.cut_after(count)]
    got = fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)
    ranges = [s.headers.get("range") for s in service.seen if s.path == model_path(derivative)]
    assert ranges == [None, f"bytes={count}-" if count else None]
    assert got.fetched_bytes == 300_004  # not a byte twice


def test_many_cuts_are_outlasted_while_bytes_arrive(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.faults[model_path(derivative)] = [fake.cut_after(15_000)] * 19
    fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)
    assert service.paths_seen().count(model_path(derivative)) == 20


@pytest.mark.parametrize(
    "fault", [fake.cut_before_answer, fake.cut_in_head, fake.status(503), fake.cut_after(0)]
)
def test_a_server_that_gives_nothing_is_given_up_and_leaves_nothing_wrong(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path, fault: fake.Fault
) -> None:
    service.faults[model_path(derivative)] = [fault] * 100
    with pytest.raises((Unreachable, ServiceFailed)):
        fetch(derivative, tmp_path)
    assert service.paths_seen().count(model_path(derivative)) == QUICK.attempts
    assert not (tmp_path / derivative.derivative_id / "model.glb").exists()
    service.faults.clear()
    fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)


@pytest.mark.parametrize(
    "fault", [fake.whole_for_range, fake.wrong_range, fake.changed_tag, fake.status(416)]
)
def test_a_server_that_cannot_continue_is_asked_anew(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path, fault: fake.Fault
) -> None:
    service.faults[model_path(derivative)] = [fake.cut_after(100_000), fault]
    got = fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)
    assert got.fetched_bytes == 400_004  # what was begun is lost; of the wrong answer nothing is read


def test_a_busy_server_costs_no_byte_that_arrived(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.faults[model_path(derivative)] = [fake.cut_after(100_000), fake.status(503)]
    assert fetch(derivative, tmp_path).fetched_bytes == 300_004


@pytest.mark.parametrize("fault", [fake.other_bytes, fake.more_bytes, fake.fewer_bytes])
def test_wrong_bytes_are_refused_and_nothing_of_them_is_left(
    fetch: Download, service: FakeService, tmp_path: Path, fault: fake.Fault
) -> None:
    derivative = derivative_of(service.add_derivative({"model.glb": BODY}))
    service.faults[model_path(derivative)] = [fault]
    with pytest.raises(BytesRefused, match=r"model\.glb is not the file the release names") as refusal:
        fetch(derivative, tmp_path)
    assert refusal.value.path == "model.glb"
    assert list(tmp_path.iterdir()) == []
    assert service.paths_seen().count(model_path(derivative)) == 1


def test_a_server_that_always_breaks_at_one_place_is_given_up(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    def stuck(handler, body: bytes) -> None:
        handler.send(200, {}, body[:1000], length=len(body))

    service.faults[model_path(derivative)] = [stuck] * 100
    with pytest.raises(Unreachable):
        fetch(derivative, tmp_path)
    assert service.paths_seen().count(model_path(derivative)) == 2 * QUICK.attempts


def test_no_more_is_read_than_the_list_allows(service: FakeService, tmp_path: Path) -> None:
    derivative = derivative_of(service.add_derivative({"model.glb": b"short"}))
    service.faults[model_path(derivative)] = [fake.more_bytes]  # 400 kB more
    with quick_client(service.url) as client:
        with pytest.raises(BytesRefused):
            client.download(derivative, tmp_path)
        assert client.bytes_received < 100_000


def test_a_part_spoilt_on_the_device_is_no_fault_of_the_server(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.faults[model_path(derivative)] = [fake.cut_after(100_000)] + [fake.cut_before_answer] * 7
    with pytest.raises(Unreachable):
        fetch(derivative, tmp_path)
    part = tmp_path / derivative.derivative_id / "model.glb.part"
    assert part.read_bytes() == BODY[:100_000]
    part.write_bytes(b"?" * 100_000)
    fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)


@pytest.mark.parametrize("left", [b"", BODY[:5], BODY, BODY + b"more"])
@pytest.mark.parametrize("tag", [None, "", 'W/"weak"', f'"{sha256(BODY)}"', '"another"'])
def test_any_part_found_on_the_device_ends_in_the_right_file(
    service: FakeService, derivative: Derivative, tmp_path: Path, left: bytes, tag: str | None
) -> None:
    home = tmp_path / derivative.derivative_id
    home.mkdir()
    (home / "model.glb.part").write_bytes(left)
    if tag is not None:
        (home / "model.glb.part.etag").write_text(tag)
    with quick_client(service.url) as client:
        client.download(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)


def test_an_encoding_on_the_way_is_refused(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.faults[model_path(derivative)] = [fake.encoded]
    with pytest.raises(AnswerUnexpected, match="changed the file's encoding"):
        fetch(derivative, tmp_path)
    assert all(seen.headers["accept-encoding"] == "identity" for seen in service.seen[1:])


def test_a_redirect_to_a_store_is_followed(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.files["/cdn/model.glb"] = BODY
    service.faults[model_path(derivative)] = [fake.status(302, location="/cdn/model.glb")]
    fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)


def test_a_missing_file_says_so_at_once(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    del service.files[model_path(derivative)]
    with pytest.raises(AnswerUnexpected, match=r"model\.glb is not on the server \(status 404\)"):
        fetch(derivative, tmp_path)
    assert service.paths_seen().count(model_path(derivative)) == 1


def test_a_list_that_is_not_the_derivatives_is_refused_before_anything_is_written(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    service.files[derivative.file_list_url] += b" "
    with pytest.raises(BytesRefused, match=r"files\.json is not the list"):
        fetch(derivative, tmp_path / "new")
    assert service.paths_seen() == [derivative.file_list_url]
    assert not (tmp_path / "new").exists()


UNSAFE = [
    "../evil",
    "a/../../evil",
    "/etc/passwd",
    "a//b",
    "./a",
    "",
    "a/",
    "C:evil",
    "a\\b",
    "nul\0",
    "a\nb",
    "dot.",
    "space ",
    "files.json",
    "x.part",
    "x.part.etag",
    "x" * 201,
]


@pytest.mark.parametrize("path", UNSAFE)
def test_unsafe_paths_are_refused_before_anything_is_written(
    service: FakeService, tmp_path: Path, path: str
) -> None:
    listing = json.dumps(
        [
            {"path": name, "media_type": "x/y", "bytes": 4, "sha256": sha256(b"good")}
            for name in ("good", path)
        ]
    ).encode()
    derivative = derivative_of(service.add_listing(listing, {"good": b"good"}))
    with quick_client(service.url) as client, pytest.raises(BytesRefused, match="unsafe path"):
        client.download(derivative, tmp_path / "here")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "listing",
    [
        b"not json",
        b'{"a": 1}',
        b'[{"path": "good", "media_type": "x/y", "bytes": 4}]',
        b'[{"path": "good", "media_type": "x/y", "bytes": 4, "sha256": "short"}]',
        b'[{"path": "good", "media_type": "x/y", "bytes": -4, "sha256": "' + b"0" * 64 + b'"}]',
        b"[]",
    ],
)
def test_a_list_we_cannot_read_is_said_to_be_so(service: FakeService, tmp_path: Path, listing: bytes) -> None:
    derivative = derivative_of(service.add_listing(listing, {"good": b"good"}))
    with quick_client(service.url) as client, pytest.raises(AnswerUnexpected):
        client.download(derivative, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_no_digest_never_becomes_a_folder(service: FakeService, tmp_path: Path) -> None:
    row = service.add_derivative(FILES) | {"derivativeId": "../../evil"}
    with quick_client(service.url) as client, pytest.raises(AnswerUnexpected, match="not a SHA-256"):
        client.download(derivative_of(row), tmp_path)
    assert service.seen == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/", "http://[", "http://a:b/"])
def test_addresses_that_are_not_http_are_never_opened(
    service: FakeService, tmp_path: Path, address: str
) -> None:
    row = service.add_derivative(FILES) | {"fileListUrl": address}
    with quick_client(service.url) as client, pytest.raises(AnswerUnexpected, match="not HTTP"):
        client.download(derivative_of(row), tmp_path)


class Stopped(Exception):
    """The app's own."""


def test_stopping_leaves_a_part_that_the_next_download_resumes(
    fetch: Download, service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    part = tmp_path / derivative.derivative_id / "model.glb.part"

    def stop(progress: Progress) -> None:
        if progress.path == "model.glb" and progress.done_bytes >= 65_536:
            assert part.stat().st_size == progress.done_bytes  # on disk, should it be killed now
            raise Stopped

    with pytest.raises(Stopped):
        fetch(derivative, tmp_path, progress=stop)
    have = part.stat().st_size
    assert 65_536 <= have < 300_000
    service.seen.clear()
    got = fetch(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)
    assert got.fetched_bytes == 300_004 - have


def test_a_cancelled_task_leaves_a_part_and_no_open_file(
    service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    async def cancelled() -> None:
        async with quick_async_client(service.url) as client:
            task = asyncio.current_task()
            assert task is not None

            def cancel(progress: Progress) -> None:
                if progress.path == "model.glb":
                    task.cancel()

            await client.download(derivative, tmp_path, progress=cancel)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    part = tmp_path / derivative.derivative_id / "model.glb.part"
    assert BODY.startswith(part.read_bytes())
    with quick_client(service.url) as client:
        client.download(derivative, tmp_path)
    assert tree(tmp_path) == complete(derivative, service)


def test_stopping_gives_the_connection_up_at_once(
    service: FakeService, derivative: Derivative, tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.path == "model.glb":
            raise Stopped

    def open_connections(transport) -> list:
        return [each for each in transport._pool.connections if not (each.is_closed() or each.is_idle())]

    # the caught exception keeps alive what is not closed by hand
    with quick_client(service.url) as client:
        with pytest.raises(Stopped) as _stopped:
            client.download(derivative, tmp_path / "sync", progress=stop)
        assert open_connections(client._http._transport) == []

    async def stop_async() -> None:
        async with quick_async_client(service.url) as client:
            with pytest.raises(Stopped) as _stopped:
                await client.download(derivative, tmp_path / "async", progress=stop)
            assert open_connections(client._http._transport) == []

    asyncio.run(stop_async())
    assert len(list(tmp_path.rglob("*.part"))) == 2


def test_a_folder_that_cannot_be_written_is_said_in_words(
    fetch: Download, derivative: Derivative, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DiskFailed, match="choose another folder"):
        fetch(derivative, tmp_path / "taken")


def test_a_derivative_is_what_an_experience_carries(service: FakeService) -> None:
    row = service.add_derivative(FILES)
    service.experiences = [fake.experience("tower", 20.9, 107.1, derivatives=[row])]
    with quick_client(service.url) as client:
        found = client.experience("tower")
    assert found is not None
    assert found.media[0].derivatives == (derivative_of(row),)
    assert callable(read_experience)
