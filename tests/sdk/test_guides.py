"""The SDK's README and the developers' guide run as they stand, against a service in place of the demo's."""

import re
import shlex
from pathlib import Path

import halong_xr
import pytest
from halong_xr.__main__ import DEFAULT_URL, main

from tests.sdk import fake_service as fake
from tests.sdk.fake_service import FakeService

ROOT = Path(__file__).parents[2]
PAGES = {"readme": ROOT / "sdk" / "README.md", "guide": ROOT / "docs" / "guides" / "developers.md"}
LAT, LON = 20.8464, 107.0886


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [body for tag, body in found if tag == language]


@pytest.fixture
def demo(service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeService:
    model = service.add_derivative({"model.glb": b"glTF" * 1000})
    service.experiences = [fake.experience("hang-sung-sot-model", LAT, LON, derivatives=[model], live=False)]
    service.sites = [fake.site(f"site-{n}", LAT, LON) for n in range(5)]
    service.tours = [fake.tour("route-2")]
    monkeypatch.chdir(tmp_path)
    return service


@pytest.mark.parametrize("name", PAGES)
def test_the_python_of_each_page_runs(
    name: str, demo: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session: dict = {}
    for block in blocks(PAGES[name], "python"):
        exec(compile(block.replace(DEFAULT_URL, demo.url), name, "exec"), session)
    told = capsys.readouterr().out
    assert "enter hang-sung-sot-model" in told
    assert "Tháp hang-sung-sot-model" in told
    assert len(list(tmp_path.glob("bay/*/model.glb"))) == 1


@pytest.mark.parametrize("name", PAGES)
def test_the_walk_of_each_page_runs(name: str, demo: FakeService, tmp_path: Path) -> None:
    (command,) = [block for block in blocks(PAGES[name], "") if block.startswith("python -m halong_xr")]
    point = f'<trkpt lat="{LAT}" lon="{LON}"/>'
    (tmp_path / "TRACK.gpx").write_text(f"<gpx><trk><trkseg>{point * 3}</trkseg></trk></gpx>")
    words = shlex.split(command.replace(DEFAULT_URL, demo.url))
    assert words[:3] == ["python", "-m", "halong_xr"]
    assert main(words[3:]) == 0
    assert len(list(tmp_path.glob("bay/*/model.glb"))) == 1


def test_the_example_of_the_readme_is_short() -> None:
    (example,) = blocks(PAGES["readme"], "python")
    assert len([line for line in example.splitlines() if line]) <= 11


def test_the_table_of_errors_names_every_error() -> None:
    table = [line for line in PAGES["guide"].read_text("utf-8").splitlines() if line.startswith("| `")]
    named = {name for line in table for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    errors = {
        name
        for name in halong_xr.__all__
        if isinstance(getattr(halong_xr, name), type)
        and issubclass(getattr(halong_xr, name), halong_xr.HalongXrError)
    }
    assert named == errors - {"HalongXrError", "Refused", "Failed"}


def test_everything_public_is_there_and_documented() -> None:
    for name in halong_xr.__all__:
        assert getattr(halong_xr, name).__doc__, name
