"""The wheel of halong-xr: what it carries, and that the pipeline extra alone runs `optimize`."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from content_api.demo.tower import tower_glb
from tests.conftest import ROOT
from tests.demo import clean_environment

# what the `api` extra brings, and our own source tree: none of it is to be had in the pipeline's environment
REFUSED = (
    "boto3",
    "botocore",
    "graphene",
    "graphql",
    "httptools",
    "orjson",
    "starlette",
    "uvicorn",
    "uvloop",
    "halong_xr",
)
REFUSE = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {REFUSED!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None
sys.meta_path.insert(0, Refuse())
sys.path[:] = [path for path in sys.path if path != {str(ROOT)!r}]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as `make wheel` builds it."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=180, env=clean_environment())
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and of the other packages only those of the pipeline extra."""
    home = tmp_path_factory.mktemp("pipeline") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    install = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet", str(wheel)]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", *install], check=True, timeout=180
    )
    (packages,) = home.glob("lib/python*/site-packages")
    # a folder named so brings its packages, but not its own .pth files: our editable installation stays out
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    # not as sitecustomize: Debian's Python has one of its own, which would stand before ours
    (packages / "refuse_api_extra.py").write_text(REFUSE, encoding="utf-8")
    (packages / "refuse_api_extra.pth").write_text("import refuse_api_extra\n", encoding="utf-8")
    return home


def run(home: Path, cwd: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The installed console script, in a folder of its own."""
    environment = clean_environment(HALONG_XR_CACHE=str(cwd / "cache"))
    return subprocess.run(
        [home / "bin" / "halong-xr", *arguments], cwd=cwd, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
    )  # fmt: skip


def test_it_carries_the_page_the_simplifier_and_the_catalogue(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    assert "content_api/web/dist/index.html" in names
    assert archive.read("asset_pipeline/models/meshoptimizer/simplifier.wasm").startswith(b"\0asm")
    assert b"MIT" in archive.read("asset_pipeline/models/meshoptimizer/LICENSE-meshoptimizer.md")
    assert {name.rpartition("/")[2] for name in names if "dist-info/licenses/" in name} >= {
        "LICENSE",
        "LICENSE-meshoptimizer.md",
    }
    assert len([name for name in names if name.startswith("heritage_sites/catalogue/sites/")]) == 57
    assert [name for name in names if name.startswith("heritage_sites/catalogue/tours/")]
    assert "content_api/public/schema.graphql" in names
    for decoder in ("meshopt/meshopt_decoder.js", "draco/draco_decoder.wasm", "basis/basis_transcoder.wasm"):
        assert f"content_api/web/dist/decoders/{decoder}" in names
    # every bundled script says whose code is in it
    assert [name for name in names if name.endswith(".LEGAL.txt")]
    top = {name.partition("/")[0] for name in names}
    assert top == {"asset_pipeline", "content_api", "heritage_sites", "halong_xr-0.1.0.dist-info"}
    assert [name for name in names if "test" in name.lower() and not name.endswith(".js")] == []


def test_every_source_file_is_in_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("asset_pipeline", "content_api", "heritage_sites")
        for path in (ROOT / package).rglob("*.py")
    }
    assert sources <= names


def test_with_the_pipeline_extra_alone_it_optimizes(home: Path, tmp_path: Path) -> None:
    (tmp_path / "tower.glb").write_bytes(tower_glb(64, 32, 256))
    done = run(home, tmp_path, "optimize", "tower.glb", "--out", "out", "--report", "report.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {result["status"] for result in report["results"]} == {"ok"}
    assert {"thumb", "ar", "high"} <= {result["recipe"].partition("@")[0] for result in report["results"]}
    for result in report["results"]:
        for derivative in result["derivatives"]:
            for file in derivative["files"]:
                assert (tmp_path / "out" / derivative["derivative_id"] / file["path"]).stat().st_size == file[
                    "bytes"
                ]


def test_it_is_the_wheel_that_runs(home: Path, tmp_path: Path) -> None:
    code = "import content_api, asset_pipeline, heritage_sites as h; print(content_api.__file__, h.__file__)"
    done = subprocess.run(
        [home / "bin" / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert all(path.startswith(str(home)) for path in done.stdout.split())


def test_the_catalogue_is_checked_from_the_wheel(home: Path, tmp_path: Path) -> None:
    done = run(home, tmp_path, "catalogue", "check")
    assert (done.returncode, done.stdout) == (0, "57 sites and 4 tours, no problems\n")


@pytest.mark.parametrize("command", [["serve"], ["publish"], ["releases"], ["ingest", "."]])
def test_what_needs_the_api_says_which_extra(home: Path, tmp_path: Path, command: list[str]) -> None:
    done = run(home, tmp_path, *command)
    assert done.returncode == 2, done.stderr
    assert "this command needs the 'api' extra: pip install 'halong-xr[api]'" in done.stderr
    assert "Traceback" not in done.stderr
