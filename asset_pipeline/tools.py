"""The tools the pipeline works with: whether they are here, and which versions made a derivative."""

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_TOOLS = (
    "halong-xr",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pyvips",
    "pyvips-binary",
    "trimesh",
    "wasmtime",
)


def tool_versions() -> tuple[tuple[str, str], ...]:
    """(name, version) of each tool that is installed, in a fixed order."""
    found = []
    for name in _TOOLS:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue  # only parts of the pipeline are installed
    return tuple(found)


def check_installed() -> None:
    """ModuleNotFoundError before any master is blamed for what is missing in this installation."""
    for name in ("numpy", "PIL", "cv2", "pyvips", "trimesh", "meshopt", "wasmtime", "DracoPy"):
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
