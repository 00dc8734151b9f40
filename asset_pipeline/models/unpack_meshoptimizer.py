"""Take meshoptimizer's simplifier out of its npm package, to run it in Python without Node or a compiler.

    python -m asset_pipeline.models.unpack_meshoptimizer [node_modules/meshoptimizer]

npm's `meshopt_simplifier.js` carries a WebAssembly module as a text constant. This command decodes it, checks
it against the digest pinned below and writes a folder beside this file, which is not in version control and
which the wheel carries: `meshoptimizer/simplifier.wasm`, `LICENSE-meshoptimizer.md` (MIT) and `VERSION`.
`make setup` runs it.

Standard library only: it runs before anything is installed. To move to a newer meshoptimizer, change
PINNED_VERSION and PINNED_SHA256 together; the tests of `simplify` then say whether the new module keeps our
promises.

Exit codes: 0 written (or already there), 1 the package is not the pinned one, 2 wrong usage.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PINNED_VERSION = "1.3.0"
PINNED_SHA256 = "a357a388a66eb7b039d888c8f44e3de1fd23c1e82f4ad19d89f48f080340e9b2"

OUT_FOLDER = Path(__file__).resolve().parent / "meshoptimizer"
WASM_FILE = "simplifier.wasm"
LICENSE_FILE = "LICENSE-meshoptimizer.md"
VERSION_FILE = "VERSION"

MAX_SCRIPT_BYTES = 4 * 1024 * 1024  # the script is 80 kB; anything huge is not it
WASM_MAGIC = b"\0asm\x01\0\0\0"

_CONSTANT = re.compile(r"\bvar wasm\s*=\s*'([A-Za-z0-9:;]+)'")
_TABLE = re.compile(r"\bvar wasmpack\s*=\s*new Uint8Array\(\[([\s\d,]+)\]\)")


class PackageUnexpected(Exception):
    """The npm package is missing, unreadable or not the pinned version."""


def unpack(package: Path, out: Path = OUT_FOLDER) -> bool:
    """Write the module, its licence and its version into `out`; False if all three were there already.

    package: the npm package's folder. Raises PackageUnexpected, and then `out` is as it was before.
    """
    version = _read_version(package)
    module = decode_module(_read_text(package / "meshopt_simplifier.js"))
    _check_module(module, version)
    files = {
        WASM_FILE: module,
        LICENSE_FILE: _read_text(package / "LICENSE.md").encode(),
        VERSION_FILE: f"{version}\n".encode(),
    }
    out.mkdir(parents=True, exist_ok=True)
    changed = [name for name, body in files.items() if not _holds(out / name, body)]
    for name in changed:
        _replace(out / name, files[name])
    return bool(changed)


def decode_module(script: str) -> bytes:
    """The WebAssembly module in the text of `meshopt_simplifier.js`, not yet checked against the pin.

    Each character stands for a value 0 to 63. A value below 60 looks up one byte in the script's own table; a
    higher one joins the next character's value to a byte: (value - 60) * 64 + next.
    """
    constant, table = _CONSTANT.search(script), _TABLE.search(script)
    if constant is None or table is None:
        raise PackageUnexpected("meshopt_simplifier.js holds no packed WebAssembly module in the known form")
    common = [int(number) for number in table.group(1).split(",") if number.strip()]
    if len(common) != 60 or max(common) > 255:
        raise PackageUnexpected(f"meshopt_simplifier.js: want a table of 60 bytes, got {len(common)} numbers")
    values = (_value_of(ord(character)) for character in constant.group(1))
    try:
        return bytes(common[value] if value < 60 else (value - 60) * 64 + next(values) for value in values)
    except (RuntimeError, ValueError) as error:  # RuntimeError: the text ended inside a pair
        raise PackageUnexpected("meshopt_simplifier.js: the packed module is cut off or damaged") from error


def _value_of(code: int) -> int:
    if code > 96:
        return code - 97  # a-z: 0 to 25
    if code > 64:
        return code - 39  # A-Z: 26 to 51
    return code + 4  # 0-9 : ; are 52 to 63


def _check_module(module: bytes, version: str) -> None:
    digest = hashlib.sha256(module).hexdigest()
    if version != PINNED_VERSION or digest != PINNED_SHA256 or not module.startswith(WASM_MAGIC):
        raise PackageUnexpected(
            f"want meshoptimizer {PINNED_VERSION} with module SHA-256 {PINNED_SHA256}, "
            f"got {version} with {digest}; run `npm ci`"
        )


def _read_version(package: Path) -> str:
    try:
        return str(json.loads(_read_text(package / "package.json"))["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise PackageUnexpected(f"{package / 'package.json'}: no version in it") from error


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_SCRIPT_BYTES + 1)
        if len(body) > MAX_SCRIPT_BYTES:
            raise PackageUnexpected(f"{path}: larger than {MAX_SCRIPT_BYTES} bytes")
        return body.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackageUnexpected(f"{path}: cannot be read ({error}); run `npm ci`") from error


def _holds(path: Path, body: bytes) -> bool:
    return path.is_file() and path.read_bytes() == body


def _replace(path: Path, body: bytes) -> None:
    """Put a file in place whole: readers see the old one or the new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(arguments: Sequence[str]) -> int:
    """The command; see the module's description."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print(
            "usage: python -m asset_pipeline.models.unpack_meshoptimizer [node_modules/meshoptimizer]",
            file=sys.stderr,
        )
        return 2
    package = Path(arguments[0] if arguments else "node_modules/meshoptimizer")
    try:
        changed = unpack(package)
    except PackageUnexpected as error:
        print(f"meshoptimizer not unpacked: {error}", file=sys.stderr)
        return 1
    state = "written" if changed else "is up to date"
    print(f"{OUT_FOLDER / WASM_FILE}: meshoptimizer {PINNED_VERSION} {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
