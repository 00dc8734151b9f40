"""The SDK's wheel in an empty environment that holds its own dependencies and nothing else of ours."""

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.sdk import fake_service as fake
from tests.sdk.fake_service import FakeService
from tests.sdk.test_walk import LAT, LON, track

SDK = Path(__file__).parents[2] / "sdk"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(SDK)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment made for the wheel, without a network."""
    home = tmp_path_factory.mktemp("alone") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in needed_by("httpx"):
        copy(distribution(name), packages)
    interpreter = home / "bin" / "python"
    install = ["install", "--no-index", "--disable-pip-version-check", "--quiet", str(wheel)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(interpreter), *install], check=True, timeout=120
    )
    return interpreter


def needed_by(name: str) -> set[str]:
    """A distribution and what it needs on this platform, as installed here."""
    found, waiting = set(), [name]
    while waiting:
        each = waiting.pop()
        if each in found:
            continue
        found.add(each)
        for line in distribution(each).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def copy(installed: Distribution, packages: Path) -> None:
    for file in installed.files or []:
        if ".." not in file.parts and file.suffix != ".pyc":
            place = packages / file
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(str(file.locate()), place)


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-I", *arguments], capture_output=True, text=True, cwd=cwd, timeout=60
    )


def test_the_wheel_holds_the_package_its_types_and_its_licence(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"halong_xr/{file.name}" for file in (SDK / "halong_xr").glob("*.py")}
    info = "halong_xr_sdk-0.1.0.dist-info"
    extra = {f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD", f"{info}/licenses/LICENSE"}
    assert names == modules | {"halong_xr/py.typed"} | extra


def test_it_imports_alone(python: Path, tmp_path: Path) -> None:
    code = """
import importlib.util, sys
import halong_xr
assert halong_xr.__file__.startswith(sys.prefix), halong_xr.__file__
assert "httpx" not in sys.modules
ours = ["heritage_sites", "asset_pipeline", "content_api", "numpy", "graphql"]
print([name for name in ours if importlib.util.find_spec(name)])
halong_xr.Client("http://127.0.0.1:9").close()
"""
    done = run(python, "-c", code, cwd=tmp_path)
    assert (done.stderr, done.stdout.strip()) == ("", "[]")


def test_it_walks_a_track_alone(python: Path, service: FakeService, tmp_path: Path) -> None:
    model = service.add_derivative({"model.glb": b"glTF" * 1000})
    service.experiences = [fake.experience("sung-sot", LAT, LON, derivatives=[model])]
    (tmp_path / "boat.gpx").write_text(track(), "utf-8")
    walk = ["walk", "boat.gpx", "--url", service.url, "--json", "--download", "phone"]
    done = run(python, "-m", "halong_xr", *walk, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["event"] for report in told] == ["start", "enter", "download", "exit", "summary"]
    assert told[-1]["verified_bytes"] == 4000


def test_its_help_names_every_option(python: Path, tmp_path: Path) -> None:
    done = run(python, "-m", "halong_xr", "walk", "--help", cwd=tmp_path)
    assert done.returncode == 0
    options = set(re.findall(r"--\w+", done.stdout))
    assert options == {
        "--help",
        "--url",
        "--sandbox",
        "--json",
        "--languages",
        "--device",
        "--download",
        "--speed",
    }
