"""Which versions of which tools made a derivative: part of every report."""

from importlib.metadata import PackageNotFoundError, version

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
